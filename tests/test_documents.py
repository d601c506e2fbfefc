"""Documents outside the built site: their links lead somewhere."""

import re
from pathlib import Path

import pytest

from scsiameseclu.store.manifest import FAILURE, PATHS, SETTINGS, USAGE

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("", "benchmarks", "benchmarks/results", "config", "containers", "results")
DOCUMENTS = sorted(
    {path for folder in FOLDERS for path in (ROOT / folder).glob("*.md")}
    | {path for path in (ROOT / "docs").rglob("*.md") if "_build" not in path.parts}
)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"^(`{3,}|:{3,}).*?^\1", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_to_files(path: Path) -> None:
    text = CODE.sub("", path.read_text(encoding="utf-8"))
    targets = [target.partition("#")[0] for target in LINK.findall(text)]
    local = [target for target in targets if target and not re.match(r"[a-z]+:", target)]
    assert [target for target in local if not (path.parent / target).exists()] == []


def test_every_file_of_a_sample_is_described() -> None:
    text = (ROOT / "results" / "README.md").read_text(encoding="utf-8")
    described = {name.rstrip("/") for name in re.findall(r"^\| `([^`]+)`", text, re.MULTILINE)}
    files = (*PATHS.values(), FAILURE, SETTINGS, USAGE)
    assert {path.removeprefix("stages/") for path in files} <= described
