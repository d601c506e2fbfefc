"""Every stage is a program of its own that answers --help at once."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from runs import ROOT

SCRIPTS = sorted((ROOT / "scripts").glob("*.py"))
HEAVY = {"anndata", "matplotlib", "pandas", "scanpy", "scipy", "sklearn", "torch"}


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_help_comes_without_a_heavy_import(script: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", str(script), "--help"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    for option in ("--settings", "--threads", "--asked-mb"):
        assert option in done.stdout
    imported = set(re.findall(r"\| +(\w+)$", done.stderr, re.MULTILINE))
    assert "scsiameseclu" in imported
    assert imported & HEAVY == set()


def test_programs_are_thin() -> None:
    assert [s.name for s in SCRIPTS if len(s.read_text().splitlines()) > 80] == []
