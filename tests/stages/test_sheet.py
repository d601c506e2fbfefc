"""All problems of all samples come at once."""

import subprocess
import sys
from pathlib import Path

import pytest

from scsiameseclu.errors import UserError
from scsiameseclu.stages.sheet import check_sheet, read_sheet

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


def sheet_of(tmp_path, *lines, header="sample\tpath\tlabel\tn_clusters"):
    path = tmp_path / "samples.tsv"
    path.write_text("\n".join([header, *("\t".join(line) for line in lines)]) + "\n")
    return path


@pytest.fixture
def sheet(data_dir, tmp_path):
    return sheet_of(
        tmp_path,
        ("good", "demo:a", "bulk_labels", "10"),
        ("logged", str(data_dir / "ginhoux_dc_traj.h5ad"), "kind", ""),
        ("absent", str(tmp_path / "no.h5ad"), "", ""),
        ("tiny", str(data_dir / "raw/10x_data/1.2.0/filtered_gene_bc_matrices_h5.h5"), "", "13"),
    )


def test_every_sample_and_every_problem(sheet, data_dir):
    findings = check_sheet(sheet)
    errors = {}
    for sample, level, sentence in findings:
        assert sentence.startswith(f"sample {sample}:")
        assert level in ("error", "warning", "note")
        if level == "error":
            errors.setdefault(sample, []).append(sentence)
    logged = [sentence for sample, _, sentence in findings if sample == "logged"]
    assert not any("counts are in" in sentence for sentence in logged)
    assert list(errors) == ["logged", "absent", "tiny"]
    assert errors["logged"][0] == (
        f"sample logged: file {data_dir / 'ginhoux_dc_traj.h5ad'} holds log-transformed values, "
        "not counts (largest value 14.8087); give raw counts, or name the layer that has them in "
        "column `layer`"
    )
    assert "no column of cells 'kind' (label); it has: cell_type, time" in errors["logged"][1]
    assert "does not exist" in errors["absent"][0]
    assert "12 cells in file" in errors["tiny"][0]
    assert "`n_clusters` is 13" in errors["tiny"][1]


def test_program_prints_them_and_fails(sheet):
    done = subprocess.run(
        [sys.executable, SCRIPTS / "check.py", "--samples", sheet], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "3 of the samples" in done.stderr
    assert "error   sample tiny: 12 cells" in done.stdout


def test_a_good_sheet_passes(tmp_path):
    sheet = sheet_of(tmp_path, ("a", "demo:a", "", ""), ("b", "demo:b", "", ""))
    assert {level for _, level, _ in check_sheet(sheet)} == {"note"}


@pytest.mark.parametrize(
    ("header", "lines", "words"),
    [
        ("name\tpath", [("a", "b")], "lacks column sample"),
        ("sample,path", [("a,b",)], "separated by tabs"),
        ("sample\tpath", [], "names no sample"),
    ],
)
def test_sheets_that_are_none(tmp_path, header, lines, words):
    with pytest.raises(UserError, match=words):
        check_sheet(sheet_of(tmp_path, *lines, header=header))
    with pytest.raises(UserError, match="does not exist"):
        check_sheet(tmp_path / "no.tsv")


def test_wrong_words_and_samples_named_twice(tmp_path):
    sheet = sheet_of(
        tmp_path, ("a", "demo:a", "zarr"), ("a", "demo:c", ""), header="sample\tpath\tformat"
    )
    sentences = [sentence for _, level, sentence in check_sheet(sheet) if level == "error"]
    assert "named twice" in sentences[0]
    assert "`format` is 'zarr'" in sentences[1]
    assert "demo:a and demo:b" in sentences[2]


def test_a_path_may_hold_a_hash(tmp_path: Path) -> None:
    sheet = tmp_path / "samples.tsv"
    sheet.write_text("# a comment\nsample\tpath\na\tdata/run#2.h5\n#b\tnone\n")
    assert read_sheet(sheet).to_dict("records") == [{"sample": "a", "path": "data/run#2.h5"}]
