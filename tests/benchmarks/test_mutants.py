"""The list of mutants follows the code, and mechanical changes change what they say."""

import ast
from pathlib import Path

import pytest
from mutants import LIST, PACKAGE, ROOT, Mutant, Verdict, listed, population, report, resumed
from mutations import changes

SOURCE = '''
"""A text: 1 + 1 is left alone."""
import logging

log = logging.getLogger(__name__)
LIMIT = 0.5


def f(x: int = 3, *, strict: bool = True) -> float:
    """Another, 2 < 3."""
    log.info("x is %d", x - 1)
    if x < 0 and not strict:
        raise ValueError(f"{x - 1} is below {0}")
    total = [max(y, 1) for y in range(x) if y % 2]
    total[0] += 4
    print(total)
    return -sum(total) / len(total) if x is not None else total.sum(axis=1)
'''


def words(source: str) -> list[str]:
    return [change.words(source.encode()) for change in changes(source.encode())]


def test_changes_of_every_kind_are_found() -> None:
    found = words(SOURCE)
    for expected in (
        "0.5 → 1.0",
        "3 → 2",
        "3 → 4",
        "True → False",
        "< → <=",
        "< → >=",
        "and → or",
        "not strict → (strict)",
        "x < 0 and not strict → (not (x < 0 and not strict))",
        "max → min",
        "% → *",
        "y % 2 → (not (y % 2))",
        "total[0] += 4 → pass",
        "print(total) → pass",
        "/ → *",
        "-sum(total) → (sum(total))",
        "is not → is",
        "1 → 0",
        "sum → mean",
    ):
        assert expected in found, expected
    assert any(change.startswith("-sum(total) / len(total) if") for change in found)


def test_texts_logs_errors_and_types_are_left_alone() -> None:
    touched = {line for change in changes(SOURCE.encode()) for line in [change.line]}
    lines = SOURCE.splitlines()
    left = {
        n for n, line in enumerate(lines, 1) if "log" in line or "raise" in line or '"""' in line
    }
    assert not touched & left


def test_every_change_is_another_program() -> None:
    source = SOURCE.encode()
    plain = ast.dump(ast.parse(source))
    changed = [ast.dump(ast.parse(change.apply(source))) for change in changes(source)]
    assert plain not in changed
    assert len(set(changed)) >= 0.9 * len(changed)


def test_the_list_follows_the_code() -> None:
    mutants = listed()
    assert len(mutants) >= 45
    names = [(mutant.file, mutant.what) for mutant in mutants]
    assert len(set(names)) == len(names)
    for mutant in mutants:
        plain = (PACKAGE / mutant.file).read_text(encoding="utf-8")
        assert ast.dump(ast.parse(mutant.source)) != ast.dump(ast.parse(plain)), mutant.what
        assert all((ROOT / test).is_file() for test in mutant.tests)


def test_an_old_text_that_is_gone_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "list.toml"
    text = LIST.read_text(encoding="utf-8").replace('old = "', 'old = "gone ', 1)
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit, match="holds 0 times: gone"):
        listed(path)


def test_tests_of_the_file_itself_come_first() -> None:
    mutants = population(["clustering/levels.py"])
    assert {mutant.file for mutant in mutants} == {"clustering/levels.py"}
    assert mutants[0].tests[0] == "tests/clustering/test_levels.py"
    assert len(set(mutants[0].tests)) == len(mutants[0].tests) > 5


def test_what_was_caught_is_not_tried_again(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    mutants = [Mutant("a.py", what, "", ()) for what in ("1", "2", "3")]
    assert resumed(mutants, kept) == (mutants, [])
    lines = [
        '{"file": "a.py", "what": "1", "caught": true, "by": "t"}',
        '{"file": "a.py", "what": "2", "caught": false, "by": ""}',
        '{"file": "b.py", "what": "1", "caught": true, "by": "t"}',
    ]
    kept.write_text("\n".join(lines))
    left, verdicts = resumed(mutants, kept)
    assert left == mutants[1:]
    assert verdicts == [Verdict("a.py", "1", True, "t")]


def test_the_report_counts_by_room() -> None:
    verdicts = [Verdict("module/a.py", f"{n}: 1 → 2", n > 0, "") for n in range(4)]
    verdicts.append(Verdict("training/b.py", "7: + → -", True, "t"))
    page = report(verdicts, seed=3)
    assert "1 survive (20.0%)" in page
    assert "| module | 4 | 1 |" in page
    assert "| training | 1 | 0 |" in page
    assert "- `module/a.py`, line 0: `1 → 2`" in page
