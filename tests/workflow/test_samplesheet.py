"""Every mistake in a sample sheet is one sentence that names its line."""

from pathlib import Path

import pytest
from runs import ROOT
from samplesheet import input_files, read_sheet
from sentences import load_schema

SCHEMA = load_schema(ROOT / "workflow/schemas/samples.schema.yaml")


@pytest.fixture
def problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    Path("x.h5").touch()

    def of(text: str) -> list[str]:
        Path("sheet.tsv").write_text(text)
        return read_sheet("sheet.tsv", SCHEMA)[1]

    return of


def test_a_good_sheet_gives_typed_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("my data.h5").touch()
    Path("sheet.tsv").write_text(
        "\ufeffsample\tpath\tn_clusters\tmax_pct_mito\tlabel\n"
        "# a comment\n\n"
        "s-1\tmy data.h5\t8\t12.5\t\r\n"
        "s.2\tdemo:a\n"
    )
    rows, problems = read_sheet("sheet.tsv", SCHEMA)
    assert problems == []
    assert rows == [
        {"sample": "s-1", "path": "my data.h5", "n_clusters": "8", "max_pct_mito": 12.5},
        {"sample": "s.2", "path": "demo:a"},
    ]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("s\tgone.h5", "sheet.tsv, line 2: path gone.h5 does not exist; "),
        ("s\tdemo:c", "line 2: demo:c is not a part of the demo data; there are demo:a and demo:b"),
        ("s", "sheet.tsv, line 2: path is missing; give it a value"),
        ("\tx.h5", "sheet.tsv, line 2: sample is missing; give it a value"),
        ("s\tx.h5\t0", "line 2: n_clusters is '0'; it must be a number of 2 or more, or a range"),
        ("s\tx.h5\t8 to 9", "n_clusters is '8 to 9'; it must be a number of 2 or more, or a range"),
        ("s\tx.h5\t\t101", "max_pct_mito is 101.0; it must be a number from 0 to 100"),
        ("s\tx.h5\t\tnan", "max_pct_mito is 'nan'; it must be a number from 0 to 100"),
        ("s\tx.h5\t\t\t10x", "format is '10x'; it must be one of auto, 10x_h5, 10x_mtx, h5ad"),
        ("s\tx.h5\t\t\t\tbatch", "subset is 'batch'; it must be of the form column=value"),
        ("s\tx.h5\t\t\t\t\tm.csv", "line 2: metadata m.csv does not exist; "),
        ("s\tx.h5\t\t\t\t\t\tmore", "line 2: 8 values for 7 columns; "),
        ('"><img src=x onerror=alert(1)>\tx.h5', "it must be 1 to 80 letters, digits, _ . or -"),
        ("../up\tx.h5", "sample is '../up'; it must be 1 to 80 letters, digits, _ . or -"),
        ("counts\tx.h5", "and not the name of a stage's file"),
    ],
)
def test_a_wrong_value_is_named_with_its_line(problems, line: str, sentence: str) -> None:
    header = "sample\tpath\tn_clusters\tmax_pct_mito\tformat\tsubset\tmetadata\n"
    found = problems(header + line + "\n")
    assert len(found) == 1
    assert sentence in found[0]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the sample sheet sheet.tsv is empty; its first line names the columns"),
        ("sample\tpath\n", "sheet.tsv names no samples; write one line for each below the header"),
        ("sample,path\ns,x.h5\n", "line 1: the columns look separated by commas; "),
        ("sample path\ns x.h5\n", "line 1: the columns look separated by spaces; "),
        ("sample\tfile\ns\tx.h5\n", "line 1: unknown column 'file'"),
        ("sample\tpath\tlable\ns\tx.h5\n", "unknown column 'lable'; did you mean 'label'?"),
        ("sample\tpath\tpath\ns\tx.h5\tx.h5\n", "column 'path' is there 2 times; keep one"),
        ("path\nx.h5\n", "line 1: there is no column 'sample'; the sheet needs it"),
        (
            "sample\tpath\ns\tx.h5\n\ns\tdemo:a\n",
            "sheet.tsv, line 4: sample 's' was there before, in line 2; "
            "give each line a name of its own",
        ),
    ],
)
def test_a_wrong_sheet_is_told_in_a_sentence(problems, text: str, sentence: str) -> None:
    assert any(sentence in problem for problem in problems(text))


def test_all_problems_come_at_once(problems) -> None:
    found = problems("sample\tpath\tn_clusters\na b\tgone.h5\t1\nc\tdemo:a\t2\nc\tdemo:b\t3\n")
    assert len(found) == 4


def test_a_sheet_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    assert "does not exist" in read_sheet(tmp_path / "none.tsv", SCHEMA)[1][0]
    (tmp_path / "picture.tsv").write_bytes(b"\x89PNG\xff\xfe")
    assert "cannot be read as text" in read_sheet(tmp_path / "picture.tsv", SCHEMA)[1][0]


def test_a_10x_folder_is_watched_file_by_file(tmp_path: Path) -> None:
    for name in ("matrix.mtx.gz", "barcodes.tsv.gz", "features.tsv.gz", "notes.pdf"):
        (tmp_path / name).touch()
    files = input_files({"path": str(tmp_path), "metadata": "cells.csv"})
    names = [Path(file).name for file in files]
    assert names == ["barcodes.tsv.gz", "features.tsv.gz", "matrix.mtx.gz", "cells.csv"]
    assert input_files({"path": "demo:a"}) == []
