"""Sample sheets, config files and sample names of the cases, each with its right verdict."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from scsiameseclu.errors import UserError
from scsiameseclu.report.cohort_samples import Entry
from scsiameseclu.report.multiqc import write_multiqc
from scsiameseclu.stages import check
from scsiameseclu.stages.config import checked
from scsiameseclu.stages.sheet import sample_names

ACCEPTED = {
    "excel_quotes": ["S1"],
    "header_with_space": ["a"],
    "line_of_tabs": ["a"],
    "quoted_cell": ["a"],
    "tabs_only_rows": ["S1"],
    "trailing_tabs": ["S1", "S2"],
    "named_trajectory": ["trajectory"],
}
REFUSED = {
    "bad_name": "line 2: sample is 'P 1'",
    "misspelt_column": "n_cluster",
    "percent": "10%",
}


@pytest.fixture
def sheet(
    request: pytest.FixtureRequest,
    cases_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """A sheet of the cases, in a working directory with the files that it names."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "run{1}.h5ad").touch()
    return cases_dir / "sheets" / f"{request.param}.tsv"


@pytest.mark.parametrize("sheet", ACCEPTED, indirect=True)
def test_accepted_by_check_and_workflow(sheet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, samples, problems = checked({"samples": str(sheet)})
    assert problems == []
    assert list(samples) == ACCEPTED[sheet.stem] == sample_names(sheet)
    check.run(configfile=[], samples=sheet)
    assert "error" not in capsys.readouterr().out


@pytest.mark.parametrize("sheet", REFUSED, indirect=True)
def test_refused_by_check_and_workflow(sheet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, _, problems = checked({"samples": str(sheet)})
    assert len(problems) == 1
    assert REFUSED[sheet.stem] in problems[0]
    with pytest.raises(UserError, match="1 problem"):
        check.run(configfile=[], samples=sheet)
    assert f"error   {problems[0]}" in capsys.readouterr().out


@pytest.mark.parametrize("sheet", ["path_with_braces"], indirect=True)
def test_braces_in_a_path_concern_nobody_else(
    sheet: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The file is read, and is empty; the other samples are checked as well."""
    _, samples, problems = checked({"samples": str(sheet)})
    assert problems == []
    with pytest.raises(UserError, match=r"1 sample in .* cannot be processed"):
        check.run(configfile=[], samples=sheet)
    out = capsys.readouterr().out
    assert "file run{1}.h5ad is empty" in out
    assert out.count("note    sample") >= len(samples) - 1


@pytest.mark.parametrize(
    ("name", "key"),
    [("min_score_nan", "annotation.min_score"), ("temperature_nan", "model.temperature")],
)
def test_nan_in_the_config(name: str, key: str, cases_dir: Path) -> None:
    config = yaml.safe_load((cases_dir / "config-nan" / f"{name}.yaml").read_text())
    problems = [problem for problem in checked(config)[2] if "samples.tsv" not in problem]
    assert len(problems) == 1
    assert problems[0].startswith(f"config key {key} is nan; it must be")


def test_multiqc_shows_the_names_of_the_sheet(cases_dir: Path, tmp_path: Path) -> None:
    pytest.importorskip("multiqc")
    names = sample_names(cases_dir / "multiqc-sample-names" / "samples.tsv")
    assert names == ["pbmc.sample1", "pbmc.sample2"]
    numbers = {"cells_in": 350, "cells_kept": 340, "n_clusters": 7}
    write_multiqc([Entry(name, numbers=dict(numbers)) for name in names], tmp_path)
    command = [sys.executable, "-m", "multiqc", str(tmp_path), "--no-version-check", "--strict"]
    command += ["--config", str(tmp_path / "multiqc_config.yaml"), "-n", "page"]
    done = subprocess.run([*command, "-o", str(tmp_path / "out")], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    written = (tmp_path / "out" / "page_data" / "multiqc_data.json").read_text()
    assert all(f'"{name}"' in written for name in names)


def test_one_bad_file_leaves_the_other_samples_alone(
    cases_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The header of one claims 10^12 rows; another has attributes of compound types."""
    lines = [
        ("sample", "path"),
        ("huge", str(cases_dir / "mtx-header-claims-1e12" / "folder")),
        ("null", str(cases_dir / "h5ad-null-element" / "counts.h5ad")),
        ("scenic", str(cases_dir / "loom-scenic" / "two.loom")),
        ("good", "demo:a"),
    ]
    (tmp_path / "samples.tsv").write_text("".join("\t".join(line) + "\n" for line in lines))
    with pytest.raises(UserError, match=r"1 sample in .* cannot be processed \(huge\)"):
        check.run(configfile=[], samples=tmp_path / "samples.tsv")
    out = capsys.readouterr().out
    assert out.count("error ") == 1
    for name in ("null", "scenic"):
        assert f"note    sample {name}: 60 cells x 294 genes" in out
    assert "note    sample good: 350 cells x 765 genes" in out


def test_whatever_happens_in_one_sample_stays_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise RecursionError("too\ndeep")

    monkeypatch.setattr("scsiameseclu.io.sample.load", fail)
    ((level, message),) = check.check_sample({"sample": "a", "path": "demo:a"}, checked({})[0])
    assert level == "error"
    assert message.startswith("sample a: demo:a cannot be read (RecursionError: too")
    assert "\n" not in message
