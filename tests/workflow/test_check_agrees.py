"""`make check` and Snakemake judge a config and its sheet by the same sentences."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from runs import ROOT, environment, snakemake, write_inputs

BRACES = "run{1}.h5ad"
ROWS = [{"sample": "a", "path": "demo:a"}, {"sample": "b", "path": "demo:b"}]


def checked(directory: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "check.py")],
        cwd=directory,
        env=environment() | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("rows", "config", "sentence"),
    [
        (
            [*ROWS, {"sample": "c", "path": BRACES}],
            {},
            f"config/samples.tsv, line 4: path {BRACES} contains a brace",
        ),
        (
            ROWS,
            {"annotation": {"min_score": float("nan")}},
            "config key annotation.min_score is nan; it must be a number",
        ),
    ],
)
def test_both_refuse_before_any_job(
    tmp_path: Path, rows: list[dict[str, Any]], config: dict[str, Any], sentence: str
) -> None:
    (tmp_path / BRACES).touch()
    write_inputs(tmp_path, rows, {"samples": "config/samples.tsv"} | config)
    planned, reported = snakemake(tmp_path, "--dry-run"), checked(tmp_path)
    assert planned.returncode == reported.returncode == 1
    assert sentence in planned.stdout
    assert f"error   {sentence}" in reported.stdout
    assert "Traceback" not in planned.stdout + reported.stderr


def test_both_accept_a_sheet_of_a_spreadsheet(tmp_path: Path) -> None:
    write_inputs(tmp_path, ROWS, {"samples": "from excel.tsv"})
    sheet = ' sample \t"path"\tlabel\t\t\r\na\t"demo:a"\t"bulk_labels"\t\t\r\n\t\t\t\t\r\n'
    (tmp_path / "from excel.tsv").write_text(sheet, newline="")
    planned, reported = snakemake(tmp_path, "--dry-run"), checked(tmp_path)
    assert planned.returncode == reported.returncode == 0, planned.stdout + reported.stderr
    assert "wildcards: sample=a" in planned.stdout
    assert "sample a: 350 cells x 765 genes" in reported.stdout
