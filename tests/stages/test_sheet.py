"""Every mistake in a sample sheet is one sentence that names its line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from scsiameseclu.errors import UserError
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.stages.columns import COLUMNS, READING, request_of
from scsiameseclu.stages.input_files import file_problem, input_files
from scsiameseclu.stages.sheet import Sheet, check_sheet, read_sheet, sample_names

Reader = Callable[[str], Sheet]


@pytest.fixture
def sheet_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    """Reads a sheet of the given text, and checks that its files exist."""
    monkeypatch.chdir(tmp_path)
    Path("x.h5").touch()

    def read(text: str) -> Sheet:
        Path("sheet.tsv").write_text(text)
        return check_sheet("sheet.tsv")

    return read


def test_a_good_sheet_gives_typed_rows(sheet_of: Reader) -> None:
    Path("my data.h5").touch()
    sheet = sheet_of(
        "\ufeffsample\tpath\tn_clusters\tmax_pct_mito\tmin_genes\tlabel\n"
        "# a comment\n\n"
        "s-1\tmy data.h5\t8\t12\t200\t\r\n"
        "s.2\tdemo:a\n"
    )
    assert sheet.all_problems == []
    assert sheet.rows == [
        {
            **{"sample": "s-1", "path": "my data.h5", "n_clusters": "8"},
            **{"max_pct_mito": 12.0, "min_genes": 200},
        },
        {"sample": "s.2", "path": "demo:a"},
    ]
    assert type(sheet.rows[0]["max_pct_mito"]) is float
    assert [line.number for line in sheet.lines] == [4, 5]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("sample\tpath\na\tdemo:a\n\t\n\t\t\t\n", [("a", "demo:a")]),
        ("sample\tpath\t\t\na\tdemo:a\t\t\nb\tdemo:b\t\t\n", [("a", "demo:a"), ("b", "demo:b")]),
        (" sample \t path\n a\tdemo:a \n", [("a", "demo:a")]),
        ('"sample"\t"path"\n"a"\t"demo:a"\n', [("a", "demo:a")]),
        ('sample\tpath\na\t"x ""1"", final.h5"\n', [("a", 'x "1", final.h5')]),
        ('sample\tpath\na\trun#2 5".h5\n#b\tdemo:b\n', [("a", 'run#2 5".h5')]),
        ('sample\tpath\n"# a note, quoted"\na\tdemo:a\n', [("a", "demo:a")]),
        ("sample\t\tpath\na\t\tdemo:a\n", [("a", "demo:a")]),
        ("sample\tpath\ra\tdemo:a\r", [("a", "demo:a")]),
    ],
)
def test_what_spreadsheets_leave_behind_is_read(
    sheet_of: Reader, text: str, rows: list[tuple[str, str]]
) -> None:
    for name in ('x "1", final.h5', 'run#2 5".h5'):
        Path(name).touch()
    sheet = sheet_of(text)
    assert sheet.all_problems == []
    assert [(row["sample"], row["path"]) for row in sheet.rows] == rows


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("s\tgone.h5", "sheet.tsv, line 2: path gone.h5 does not exist; "),
        (
            "s\tdemo:c",
            "line 2: path demo:c is not part of the demo data; available: demo:a, demo:b",
        ),
        ("s", "sheet.tsv, line 2: path is missing; set it"),
        ("\tx.h5", "sheet.tsv, line 2: sample is missing; set it"),
        ("s\tx.h5\t0", "line 2: n_clusters is '0'; it must be a number of 2 or more, or a range"),
        ("s\tx.h5\t8 to 9", "n_clusters is '8 to 9'; it must be a number of 2 or more, or a range"),
        ("s\tx.h5\t9-8", "line 2: n_clusters is 9-8; the range ends before it starts"),
        ("s\tx.h5\t\t101", "max_pct_mito is '101'; it must be a number from 0 to 100"),
        ("s\tx.h5\t\t10%", "max_pct_mito is '10%'; it must be a number from 0 to 100"),
        ("s\tx.h5\t\tnan", "max_pct_mito is 'nan'; it must be a number from 0 to 100"),
        ("s\tx.h5\t\t\t10x", "format is '10x'; it must be one of auto, 10x_h5, 10x_mtx, h5ad"),
        ("s\tx.h5\t\t\t\tbatch", "subset is 'batch'; it must be of the form column=value"),
        ("s\tx.h5\t\t\t\t\tm.csv", "line 2: metadata m.csv does not exist; "),
        ("s\tx.h5\t\t\t\t\t\t\tmore", "line 2: 'more' is in a column without a name; "),
        ('s\t"x.h5', 'line 2: path "x.h5 does not exist; '),
        ('s\t"x".h5', 'line 2: path "x".h5 does not exist; '),
        ("P 1\tx.h5", "line 2: sample is 'P 1'; it must be 1 to 80 letters, digits, _ . or -"),
        ('"><img src=x onerror=alert(1)>\tx.h5', "it must be 1 to 80 letters, digits, _ . or -"),
        ("../up\tx.h5", "sample is '../up'; it must be 1 to 80 letters, digits, _ . or -"),
        (f"{'n' * 81}\tx.h5", "it must be 1 to 80 letters, digits, _ . or -, beginning with"),
    ],
)
def test_a_wrong_value_is_named_with_its_line(sheet_of: Reader, line: str, sentence: str) -> None:
    header = "sample\tpath\tn_clusters\tmax_pct_mito\tformat\tsubset\tmetadata\n"
    sheet = sheet_of(header + line + "\nother\tdemo:a\n")
    (problem,) = sheet.all_problems + sheet.file_problems
    assert sentence in problem
    assert sheet.lines[-1].row == {"sample": "other", "path": "demo:a"}
    assert sheet.lines[-1].problems == []


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "sample sheet sheet.tsv is empty; add a header with the column names"),
        ("\t\t\n# nothing\n", "sample sheet sheet.tsv is empty; "),
        (
            "sample\tpath\n",
            "sample sheet sheet.tsv has no samples; add one line per sample below the header",
        ),
        ("sample,path\ns,x.h5\n", "line 1: the columns seem to be separated by commas; "),
        ("sample;path\t\t\n", "line 1: the columns seem to be separated by semicolons; "),
        ("sample path\ns x.h5\n", "line 1: the columns seem to be separated by spaces; "),
        ("sample\tfile\ns\tx.h5\n", "line 1: unknown column 'file'"),
        ("sample\tpath\tlable\ns\tx.h5\n", "unknown column 'lable'; did you mean 'label'?"),
        ("sample\tpath\tn_cluster\ns\tx.h5\t5\n", "did you mean 'n_clusters'?"),
        ("sample\tpath\tpath\ns\tx.h5\tx.h5\n", "column 'path' appears 2 times; keep one"),
        ("path\nx.h5\n", "line 1: column 'sample' is missing; add it"),
        (
            "sample\tpath\na\tx.h5\nA\tdemo:a\n",
            "sheet.tsv, line 3: sample 'A' differs from 'a' in line 2 only by case",
        ),
        (
            "sample\tpath\tmin_counts\tmax_counts\ns\tx.h5\t5\t4\n",
            "sheet.tsv, line 2: min_counts is 5.0 and max_counts is 4.0; the minimum must",
        ),
        (
            "sample\tpath\ns\tx.h5\n\ns\tdemo:a\n",
            "sheet.tsv, line 4: sample 's' is already defined in line 2; "
            "sample names must be unique",
        ),
    ],
)
def test_a_wrong_sheet_is_explained_in_a_sentence(
    sheet_of: Reader, text: str, sentence: str
) -> None:
    assert any(sentence in problem for problem in sheet_of(text).all_problems)


def test_all_problems_come_at_once(sheet_of: Reader) -> None:
    text = "sample\tpath\tn_clusters\na b\tgone.h5\t1\nc\tdemo:a\t2\nc\tdemo:b\t3\n"
    sheet = sheet_of(text)
    assert (len(sheet.all_problems), len(sheet.file_problems)) == (3, 1)


def test_a_sheet_that_is_not_there_or_not_text(tmp_path: Path) -> None:
    assert "does not exist" in read_sheet(tmp_path / "none.tsv").problems[0]
    assert "cannot be read" in read_sheet(tmp_path).problems[0]
    for content in (b"\x89PNG\xff\xfe", "sample\tpath\n".encode("utf-16"), b"s\0a\0"):
        (tmp_path / "picture.tsv").write_bytes(content)
        (problem,) = read_sheet(tmp_path / "picture.tsv").problems
        assert "is not UTF-8 text; save it as UTF-8" in problem


def test_the_cohort_stage_takes_names_from_a_good_sheet_only(sheet_of: Reader) -> None:
    sheet_of("sample\tpath\nb\tgone.h5\n\t\na\tdemo:a\n")
    assert sample_names("sheet.tsv") == ["b", "a"]
    sheet_of("sample\tpath\na\tdemo:a\na\tdemo:a\nc d\tdemo:a\n")
    with pytest.raises(UserError, match=r"already defined in line 2.*; also: .*'c d'"):
        sample_names("sheet.tsv")


def test_columns_of_a_row_become_a_request() -> None:
    assert set(READING) < set(COLUMNS)
    row = {"sample": "s", "path": "x.h5ad", "layer": "raw", "subset": "donor=1", "n_clusters": "5"}
    assert request_of(row) == ReadRequest(layer="raw", subset="donor=1")


def test_a_10x_folder_is_watched_file_by_file(tmp_path: Path) -> None:
    for name in ("matrix.mtx.gz", "barcodes.tsv.gz", "features.tsv.gz", "notes.pdf"):
        (tmp_path / name).touch()
    files = input_files({"path": str(tmp_path), "metadata": "cells.csv"})
    names = [Path(file).name for file in files]
    assert names == ["barcodes.tsv.gz", "features.tsv.gz", "matrix.mtx.gz", "cells.csv"]
    assert input_files({"path": "demo:a"}) == []
    assert file_problem(str(tmp_path), COLUMNS["path"]) is None
    (tmp_path / "{a}.tsv").touch()
    assert file_problem(str(tmp_path), COLUMNS["path"]) is None


def test_all_files_that_are_read_are_inputs(tmp_path: Path) -> None:
    """A changed file of genes or cells, or part of a zarr folder, must be noticed."""
    names = ["cells_x_genes.total.mtx", "cells_x_genes.genes.txt", "cells_x_genes.genes.names.txt"]
    names += ["cells_x_genes.barcodes.txt", "S1_matrix.mtx.gz", "S1_features.tsv.gz"]
    for name in [*names, "S1_barcodes.tsv", "S2_barcodes.tsv", "hg19/matrix.mtx", "hg19/genes.tsv"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    for name in (".zgroup", "X/0.0", "obs/.zattrs"):
        (tmp_path / "a.zarr" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "a.zarr" / name).touch()

    def inputs(path: str) -> set[str]:
        place = tmp_path / path
        return {str(Path(file).relative_to(tmp_path)) for file in input_files({"path": str(place)})}

    assert inputs(names[0]) == set(names[:4])
    assert inputs(names[4]) == {*names[4:6], "S1_barcodes.tsv"}
    assert inputs("a.zarr") == {"a.zarr/.zgroup", "a.zarr/X/0.0", "a.zarr/obs/.zattrs"}
    genomes = tmp_path / "by_genome"
    genomes.mkdir()
    (tmp_path / "hg19").rename(genomes / "hg19")
    assert inputs("by_genome") == {"by_genome/hg19/matrix.mtx", "by_genome/hg19/genes.tsv"}
