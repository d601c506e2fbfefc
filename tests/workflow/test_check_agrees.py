"""`make check` and Snakemake judge a config and its sheet by the same sentences."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from runs import ROOT, environment, snakemake, write_inputs

ROWS = [{"sample": "a", "path": "demo:a"}, {"sample": "b", "path": "demo:b"}]


def checked(directory: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "check.py"), *arguments],
        cwd=directory,
        env=environment() | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    ("rows", "config", "sentence"),
    [
        (
            [{"sample": "c", "path": "gone{1}.h5ad"}],
            {},
            "config/samples.tsv, line 2: path gone{1}.h5ad does not exist",
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
    write_inputs(tmp_path, rows, {"samples": "config/samples.tsv"} | config)
    planned, reported = snakemake(tmp_path, "--dry-run"), checked(tmp_path)
    assert (planned.returncode, reported.returncode) == (1, 65)
    assert sentence in planned.stdout
    assert f"error   {sentence}" in reported.stdout
    assert "Traceback" not in planned.stdout + reported.stderr


def test_both_refuse_changes_on_the_command_line(tmp_path: Path) -> None:
    write_inputs(tmp_path, [{"sample": "a", "path": "demo:a", "label": "kind"}])
    words = (
        *("--configfile", str(ROOT / "config/presets/paper.yaml"), "--config"),
        *("preset=paper", "n_clusters=1-3", "model={networks: 70, batch_size: x}"),
        *("annotation={tissue: bloood, marker_table: config, celltypist_model: 'demo:a'}",),
        *("quality={min_counts: 50, max_counts: 5}", "trajectory={run: true, root: kind=x}"),
    )
    planned, reported = snakemake(tmp_path, "--dry-run", *words), checked(tmp_path, *words)
    assert (planned.returncode, reported.returncode) == (1, 65)
    for sentence in (
        "config: unknown key 'preset'; a preset is a config file of its own",
        "config key n_clusters is '1-3'; it must be a number of 2 or more",
        "config key model.networks is 70; it must be an integer from 1",
        "config key model.batch_size is 'x'; it must be an integer of 8",
        "config key annotation.tissue: bloood is not in the table of markers; available: auto, ",
        "config key annotation.marker_table: config is a folder; specify a file",
        "config key annotation.celltypist_model: demo:a does not exist",
        "config section quality: min_counts is 50.0 and max_counts is 5.0; the minimum must not",
        "line 2: trajectory.root uses the label column 'kind', which only metrics may read",
    ):
        assert sentence in planned.stdout
        assert sentence in reported.stdout
    assert "9 problems in the config and the sample sheet" in reported.stderr
    assert "Traceback" not in planned.stdout + reported.stderr


def test_both_accept_changes_on_the_command_line(tmp_path: Path) -> None:
    write_inputs(tmp_path, ROWS, {"samples": "config/samples.tsv", "n_clusters": 900})
    changes = ("n_clusters=null", "model={networks: 7, diffusion: false}", "quality=", "seed=3")
    words = ("--configfile", str(ROOT / "config/presets/paper.yaml"), "--config", *changes)
    planned = snakemake(tmp_path, "--dry-run", "--printshellcmds", *words)
    assert planned.returncode == 0, planned.stdout
    # a value of the command line wins, and the preset keeps the others
    assert '"networks": 7' in planned.stdout
    assert '"diffusion": false' in planned.stdout
    assert '"latent_size": 20' in planned.stdout
    assert checked(tmp_path, *words).returncode == 0


def test_both_accept_a_sheet_of_a_spreadsheet(tmp_path: Path) -> None:
    write_inputs(tmp_path, ROWS, {"samples": "from excel.tsv"})
    sheet = ' sample \t"path"\tlabel\t\t\r\na\t"demo:a"\t"bulk_labels"\t\t\r\n\t\t\t\t\r\n'
    (tmp_path / "from excel.tsv").write_text(sheet, newline="")
    planned, reported = snakemake(tmp_path, "--dry-run"), checked(tmp_path)
    assert planned.returncode == reported.returncode == 0, planned.stdout + reported.stderr
    assert "wildcards: sample=a" in planned.stdout
    assert "sample a: 350 cells x 765 genes" in reported.stdout
