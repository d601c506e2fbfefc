"""Cells: metadata, subset, label and batch columns, names, and types that an h5ad can hold."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix

from scsiameseclu.io.capture import droplet_problem
from scsiameseclu.io.obs import missing_labels, sanitize_columns
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.io.sample import read_sample
from scsiameseclu.store.files import write_h5ad


def read(path, **words):
    return read_sample(str(path), ReadRequest(**words), sample="s1")


@pytest.fixture
def typed(counts, tmp_path):
    """An h5ad with a type and a donor for each cell."""
    adata = counts.adata
    adata.obs["type"] = pd.Categorical(["T", "B", None, "NA"] * 10)
    adata.obs["donor"] = np.arange(40) % 2
    adata.obs["batch"] = ["old"] * 40
    path = tmp_path / "typed.h5ad"
    adata.write_h5ad(path)
    return path


def test_sample_and_batch_come_first_and_the_rest_as_given(typed):
    found = read(typed, batch="donor", label="type")
    assert found.obs.columns.tolist() == ["sample", "batch", "type", "donor", "batch_input"]
    assert found.obs["batch"].tolist() == ["0", "1"] * 20
    assert found.obs["sample"].unique().tolist() == ["s1"]
    assert not found.errors
    assert any("20 of 40 cells have no label" in sentence for sentence in found.warnings)
    assert read(typed).obs["batch"].unique().tolist() == ["s1"]
    assert read(typed, batch="batch").obs["batch"].unique().tolist() == ["old"]


def test_columns_that_do_not_exist_are_named_with_those_that_do(typed):
    found = read(typed, label="cell_type", batch="run", subset="sex=f")
    assert len(found.errors) == 3
    for sentence, asked in zip(found.errors, ("'sex'", "'cell_type'", "'run'"), strict=True):
        assert asked in sentence
        assert "type, donor, batch" in sentence
    assert "pipeline reserves" in read(typed, label="batch").errors[0]


def test_subset(typed, counts):
    found = read(typed, subset="donor=1")
    assert found.obs.index.tolist() == counts.barcodes[1::2]
    np.testing.assert_array_equal(found.loaded.matrix.toarray(), counts.values[1::2])
    assert "values of column 'donor': 0, 1" in read(typed, subset="donor=7").errors[0]
    few = read(typed, subset="type=T").errors
    assert few == [f"file {typed} has 10 cells with type=T; clustering requires at least 20 cells"]


def test_metadata_is_joined_by_barcode(write, counts, tmp_path):
    table = pd.DataFrame({"n": range(40), "kind": ["x", "y"] * 20}, index=counts.barcodes)
    shuffled = pd.concat([table.sample(frac=1, random_state=0).iloc[2:], table.iloc[:0]])
    extra = pd.DataFrame({"n": [9], "kind": ["z"]}, index=["nobody"])
    path = tmp_path / "cells.csv.gz"
    pd.concat([shuffled, extra]).to_csv(path)
    found = read(write("csv_genes"), metadata=str(path), label="kind")
    kept = shuffled.index
    assert found.obs.loc[kept, "n"].tolist() == table.loc[kept, "n"].tolist()
    assert found.obs.loc[kept, "kind"].tolist() == table.loc[kept, "kind"].tolist()
    assert any("2 of 40 cells are not in the metadata" in one for one in found.warnings)
    assert any("1 metadata rows match no cell" in one for one in found.notes)


def test_text_of_metadata_is_kept(write, counts, tmp_path):
    path = tmp_path / "cells.csv"
    table = pd.DataFrame({"barcode": counts.barcodes, "donor": ["01", "02"] * 20})
    table["my type"] = ["a T cell", "a B cell"] * 20
    table["doublet"] = ["TRUE", "FALSE"] * 20
    table["cluster"] = ["0", "1"] * 20
    table["n"] = range(40)
    lines = table.iloc[:-1].to_csv(index=False)
    path.write_text(f"# written by a program, version 1\n{lines}")
    for subset in ("donor=01", "doublet=TRUE", "cluster=0", "my type=a T cell"):
        found = read(write("h5ad"), metadata=str(path), subset=subset)
        assert (found.errors, found.obs.index.tolist()) == ([], counts.barcodes[::2]), subset
    found = read(write("h5ad"), metadata=str(path), batch="cluster", label="my type")
    assert found.obs["batch"].tolist() == [*["0", "1"] * 19, "0", "unknown"]
    assert found.obs["n"].tolist()[:39] == list(range(39))


def test_metadata_with_numbers_as_barcodes_is_joined(tmp_path):
    names = [f"{number:04d}" for number in range(30)]
    counts = pd.DataFrame(np.ones((30, 3), dtype=int), index=names, columns=["A", "B", "C"])
    counts.to_csv(tmp_path / "counts.csv", index_label="cell")
    pd.DataFrame({"cell": names, "type": "T"}).to_csv(tmp_path / "cells.csv", index=False)
    found = read(tmp_path / "counts.csv", metadata=str(tmp_path / "cells.csv"), label="type")
    assert found.obs["type"].tolist() == ["T"] * 30


def test_metadata_that_does_not_fit(write, tmp_path):
    path = write("csv_cells")
    other = tmp_path / "other.csv"
    other.write_text("barcode,kind\nnobody,a\n")
    assert "contains none of the sample's 40 barcodes" in read(path, metadata=str(other)).errors[0]
    assert "does not exist" in read(path, metadata=str(tmp_path / "no.csv")).errors[0]
    other.write_text("")
    assert "cannot be read as a metadata table" in read(path, metadata=str(other)).errors[0]


def test_real_metadata_as_r_writes_it(data_dir):
    raw = data_dir / "raw"
    found = read(
        raw / "sc_dropseq.count.csv.gz",
        metadata=str(raw / "sc_dropseq.metadata.csv.gz"),
        label="cell_line",
    )
    assert not found.errors
    assert not found.warnings
    assert sorted(found.obs["cell_line"].unique()) == ["H1975", "H2228", "HCC827"]
    assert found.obs.loc["CELL_000001", "number_of_genes"] == 9284


def test_repeated_barcodes_and_empty_cells_are_reported(counts, tmp_path):
    counts.barcodes[1] = counts.barcodes[0]
    counts.values[2] = 0
    counts.values[:, 5] = 0
    path = tmp_path / "a.h5ad"
    counts.adata.write_h5ad(path)
    found = read(path)
    assert found.obs.index.is_unique
    assert found.obs.index[0] == counts.barcodes[0]
    assert len(found.warnings) == 2
    assert "1 of 40 cells are empty" in found.warnings[0]
    assert "1 barcodes are repeated" in found.warnings[1]
    assert any("of 60 genes are empty" in sentence for sentence in found.notes)


def test_labels_of_real_files(data_dir):
    nan = read(data_dir / "pbmc3k.h5ad", label="cell_type")
    assert any("62 of 2700 cells have no label" in one for one in nan.warnings)
    literal = read(data_dir / "raw/mpfc-starmap.loom", label="Clusters")
    assert any("526 of 3704 cells have no label" in one for one in literal.warnings)


def test_odd_columns_can_be_written(tmp_path):
    obs = pd.DataFrame(
        {
            "mixed": [1, "two", None],
            "when": pd.to_datetime(["2020-01-01", None, "2020-01-02"]),
            "nullable": pd.array([1, None, 3], dtype="Int64"),
            "flag": pd.array([True, None, False], dtype="boolean"),
            "text": pd.array(["a", None, "b"], dtype="string"),
            "numbers": pd.Categorical([3, 1, 3]),
            "complex": [1j, 2j, 3j],
            "lists": [[1], [2], [3]],
            "nothing": [None, None, None],
            "a/b": [1.5, np.nan, 2.5],
            "leiden": ["0", "1", "0"],
            7: [1, 2, 3],
        },
        index=["x", "y", "z"],
    )
    table, notes = sanitize_columns(obs)
    assert len(notes) == 2
    write_h5ad(ad.AnnData(np.zeros((3, 1), "float32"), obs=table), tmp_path / "a.h5ad")
    back = ad.read_h5ad(tmp_path / "a.h5ad").obs
    assert back["mixed"].tolist()[:2] == ["1", "two"]
    assert back["mixed"].isna().tolist() == [False, False, True]
    assert back["a_b"].tolist()[::2] == [1.5, 2.5]
    assert {"leiden_input", "7", "numbers", "nothing", "lists", "complex"} <= set(back.columns)


def test_missing_labels():
    given = pd.Series(["T", "NA", None, np.nan, "", "nan", "Nave", "N/A", 0])
    assert missing_labels(given).tolist() == [
        False,
        True,
        True,
        True,
        True,
        True,
        False,
        True,
        False,
    ]


def test_metadata_of_another_sample_is_refused(write, counts, tmp_path):
    path = tmp_path / "cells.csv"
    few = pd.DataFrame({"kind": "x"}, index=[*counts.barcodes[:15], *(f"b{n}" for n in range(30))])
    few.to_csv(path)
    (error,) = read(write("csv_cells"), metadata=str(path)).errors
    assert "contains 15 of the sample's 40 barcodes" in error
    assert counts.barcodes[1] in error


def test_metadata_that_repeats_a_barcode_is_refused(write, counts, tmp_path):
    path = tmp_path / "cells.csv"
    names = [*counts.barcodes, counts.barcodes[3], "nobody", "nobody"]
    pd.DataFrame({"n": range(43)}, index=names).to_csv(path)
    (error,) = read(write("csv_cells"), metadata=str(path)).errors
    assert (
        f"repeats 1 of the sample's barcodes in column 'Unnamed: 0' (the first: {names[3]})"
        in error
    )


@pytest.mark.parametrize(
    ("median", "full", "is_raw"), [(2, 60, True), (40, 60, False), (2, 0, False), (2, 1500, False)]
)
def test_raw_matrices_are_recognised(median, full, is_raw):
    """Empty droplets are many, have few counts, and are not the only barcodes."""
    rng = np.random.default_rng(0)
    rates = np.full(3000, median / 100)
    rates[:full] *= 60
    problem = droplet_problem(csr_matrix(rng.poisson(rates[:, None], size=(3000, 100))))
    assert ("empty droplets" in problem) == is_raw
    assert problem == "" or f"{full} have" in problem
