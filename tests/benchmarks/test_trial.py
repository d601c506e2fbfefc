"""A short form of ``make trial``: damage, tampering and odd settings by a fixed seed."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest

SHORT = {"files": 60, "models": 20, "settings": 300}


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    """The exit code of the program."""
    import trial

    monkeypatch.setattr(sys, "argv", ["trial.py", *arguments])
    with pytest.raises(SystemExit) as ended:
        trial.main()
    return int(ended.value.code or 0)


def test_nothing_bad_happens_and_a_second_run_repeats_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import trial_files

    work, output = tmp_path / "work", tmp_path / "trial.csv"
    words = [word for part, number in SHORT.items() for word in (f"--{part}", str(number))]
    words += ["--kills", "0", "--full", "0", "--work", str(work), "--output", str(output)]
    assert run(monkeypatch, *words) == 0, capsys.readouterr().out
    with output.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    for part, number in SHORT.items():
        counts = {row["outcome"]: int(row["trials"]) for row in rows if row["part"] == part}
        assert sum(counts.values()) == number
        assert counts["refused"] > number / 4
    for name in ("damaged_file", "damaged_model", "odd_setting"):
        monkeypatch.delattr(trial_files, name)
    before = output.read_text()
    assert run(monkeypatch, *words) == 0
    assert output.read_text() == before


def test_a_bad_outcome_is_shown_and_ends_the_program_with_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import trial

    monkeypatch.setitem(trial.PARTS, "models", lambda work: lambda rng: ("loaded", "weights"))
    words = [word for part in trial.DEFAULTS for word in (f"--{part}", str(int(part == "models")))]
    assert run(monkeypatch, *words, "--work", str(tmp_path)) == 1
    assert "BAD  models: loaded: weights" in capsys.readouterr().out
