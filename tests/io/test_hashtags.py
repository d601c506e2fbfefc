"""Hashtags among the features of a file, or in a table."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
from made_capture import DOUBLET, NEGATIVE, Hashed, barcodes, hashed, write_10x
from scipy.io import mmwrite
from scipy.sparse import csr_matrix

from scsiameseclu.errors import UserError
from scsiameseclu.io.request import ReadRequest, hashtag_table
from scsiameseclu.io.sample import Sample, read_sample
from scsiameseclu.stages.input_files import input_files
from scsiameseclu.stages.sheet import check_sheet

N_CELLS, N_GENES = 300, 40


@pytest.fixture(scope="module")
def made() -> Hashed:
    return hashed(N_CELLS)


@pytest.fixture(scope="module")
def genes() -> csr_matrix:
    counts = np.random.default_rng(1).poisson(5, (N_CELLS, N_GENES))
    return csr_matrix(counts.astype(np.float32))


@pytest.fixture
def file(tmp_path: Path, made: Hashed, genes: csr_matrix) -> Path:
    return write_10x(tmp_path / "a.h5", genes, made.counts)


def read(path: Path, **settings: Any) -> Sample:
    return read_sample(str(path), ReadRequest(**settings), sample="s1")


def check(sample: Sample, made: Hashed) -> None:
    """The hashtags are right, and not among the genes."""
    assert sample.errors == []
    assert (sample.obs["hashtag"].astype(str).to_numpy() == made.truth).mean() > 0.95
    assert sample.obs["hashtag_probability"].between(0, 1).all()
    assert sample.loaded.matrix.shape == (N_CELLS, N_GENES)
    assert not any("HTO" in name for name in sample.loaded.var.index)
    assert sample.summaries["hashtags"]["n_cells"].sum() == N_CELLS


@pytest.mark.parametrize("names", ["HTO*", "*", "HTO_1, HTO_2, HTO_3", "id_HTO_1,HTO_2,HTO_3"])
def test_features_are_named_or_matched(file: Path, made: Hashed, names: str) -> None:
    check(read(file, hashtags=names), made)


def test_features_of_a_folder(tmp_path: Path, made: Hashed, genes: csr_matrix) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    every = np.concatenate([genes.toarray(), made.counts.to_numpy()], axis=1)
    mmwrite(folder / "matrix.mtx", csr_matrix(every.T.astype(int)))
    (folder / "barcodes.tsv").write_text("\n".join(barcodes(N_CELLS)) + "\n")
    rows = [f"ENSG{n:011d}\tGENE{n}\tGene Expression\n" for n in range(N_GENES)]
    rows += [f"{name}\t{name}\tAntibody Capture\n" for name in made.counts]
    (folder / "features.tsv").write_text("".join(rows))
    check(read(folder, hashtags="HTO*"), made)


@pytest.mark.parametrize("typed", [True, False])
def test_features_of_an_h5ad(tmp_path: Path, made: Hashed, genes: csr_matrix, typed: bool) -> None:
    """With a column of types, and as genes named like hashtags."""
    names = [f"GENE{n}" for n in range(N_GENES)] + list(made.counts)
    var = pd.DataFrame(index=names)
    if typed:
        var["feature_types"] = ["Gene Expression"] * N_GENES + ["Antibody Capture"] * 3
    every = np.concatenate([genes.toarray(), made.counts.to_numpy()], axis=1)
    adata = ad.AnnData(csr_matrix(every.astype(np.float32)), var=var)
    adata.obs_names = barcodes(N_CELLS)
    adata.write_h5ad(tmp_path / "a.h5ad")
    check(read(tmp_path / "a.h5ad", hashtags="HTO_*"), made)


def test_the_default_leaves_them_out(file: Path) -> None:
    sample = read(file)
    assert "hashtag" not in sample.obs
    assert sample.loaded.matrix.shape[1] == N_GENES
    assert any("3 features other than Gene Expression" in note for note in sample.notes)
    assert sample.obs["batch"].unique().tolist() == ["s1"]


def test_features_that_do_not_exist_are_refused(
    file: Path, tmp_path: Path, genes: csr_matrix
) -> None:
    with pytest.raises(UserError, match=r"no feature 'TAG9'.*available: HTO_1, HTO_2, HTO_3"):
        read(file, hashtags="HTO_1,TAG9")
    plain = write_10x(tmp_path / "genes.h5", genes)
    for names in ("HTO*", "*"):
        with pytest.raises(UserError, match="available: none; name features of the file, or a"):
            read(plain, hashtags=names)
    with pytest.raises(UserError, match="has no feature 'HTO1'"):
        read(Path("demo:a"), hashtags="HTO1")
    assert "two or more" in read(file, hashtags="HTO_1").errors[0]


@pytest.mark.parametrize("layout", ["cells", "hashtags", "short", "h5"])
def test_tables(tmp_path: Path, made: Hashed, genes: csr_matrix, layout: str) -> None:
    """Cells in rows or columns, barcodes without -1, other order, and more cells."""
    path = write_10x(tmp_path / "genes.h5", genes)
    table = made.counts.set_axis(barcodes(N_CELLS), axis=0).iloc[::-1]
    extra = pd.DataFrame(9, index=["TTTTTTTTTTTTTTTT-1"], columns=table.columns)
    table = pd.concat([extra, table])
    place = tmp_path / "hto.csv"
    if layout == "short":
        table.index = table.index.str.removesuffix("-1")
    if layout == "hashtags":
        table.loc[:, "unmapped"] = 7
        table.T.to_csv(place, index_label="hashtag")
    elif layout == "h5":
        place = write_10x(tmp_path / "hto.h5", csr_matrix(genes[:, :5]), made.counts)
    else:
        table.to_csv(place, index_label="cell")
    check(read(path, hashtags=str(place)), made)


def test_tables_without_the_cells_are_refused(
    tmp_path: Path, made: Hashed, genes: csr_matrix
) -> None:
    path, place = write_10x(tmp_path / "genes.h5", genes), tmp_path / "hto.csv"
    table = made.counts.set_axis(barcodes(N_CELLS), axis=0)
    other = table.set_axis([f"other{n}" for n in range(N_CELLS)], axis=0)
    pd.concat([table[:100], other]).to_csv(place)
    (error,) = read(path, hashtags=str(place)).errors
    assert "contains 100 of the sample's 300 cells" in error
    assert barcodes(1)[0] in error
    pd.concat([table, table[:1]]).to_csv(place)
    assert "repeats barcode" in read(path, hashtags=str(place)).errors[0]
    table[5:].to_csv(place)
    sample = read(path, hashtags=str(place))
    assert sample.errors == []
    assert any("5 of 300 cells" in warning for warning in sample.warnings)
    assert (sample.obs["hashtag"][:5] == NEGATIVE).all()
    np.log1p(table).to_csv(place)
    assert "not counts" in read(path, hashtags=str(place)).errors[0]
    assert "does not exist" in read(path, hashtags=str(tmp_path / "no.csv")).errors[0]


def test_hashtags_are_batches_unless_others_are_named(
    file: Path, tmp_path: Path, made: Hashed
) -> None:
    sample = read(file, hashtags="HTO*")
    assert (sample.obs["batch"].astype(str) == sample.obs["hashtag"].astype(str)).all()
    cells = pd.DataFrame({"run": ["x", "y"] * (N_CELLS // 2)}, index=barcodes(N_CELLS))
    cells.to_csv(tmp_path / "cells.csv")
    sample = read(file, hashtags="HTO*", metadata=str(tmp_path / "cells.csv"), batch="run")
    assert set(sample.obs["batch"]) == {"x", "y"}


def test_one_sample_per_hashtag(file: Path, made: Hashed) -> None:
    sample = read(file, hashtags="HTO*", subset="hashtag=HTO_2")
    assert sample.errors == []
    assert set(sample.obs["hashtag"]) == {"HTO_2"}
    assert len(sample.obs) == pytest.approx((made.truth == "HTO_2").sum(), abs=5)
    assert sample.obs["batch"].unique().tolist() == ["s1"]
    (error,) = [
        text
        for text in read(file, hashtags="HTO*", subset="hashtag=HTO_7").errors
        if "values of column" in text
    ]
    assert DOUBLET in error


def test_a_column_of_the_input_keeps_its_values(
    tmp_path: Path, made: Hashed, genes: csr_matrix
) -> None:
    adata = ad.AnnData(genes, obs=pd.DataFrame({"hashtag": "mine"}, index=barcodes(N_CELLS)))
    adata.write_h5ad(tmp_path / "a.h5ad")
    made.counts.set_axis(barcodes(N_CELLS), axis=0).to_csv(tmp_path / "hto.csv")
    sample = read(tmp_path / "a.h5ad", hashtags=str(tmp_path / "hto.csv"))
    assert set(sample.obs["hashtag_input"]) == {"mine"}
    assert set(sample.obs["hashtag"]) >= {"HTO_1", DOUBLET}


def test_a_table_is_an_input_file_and_must_exist(tmp_path: Path) -> None:
    assert hashtag_table("HTO*,TAG.1") is None
    assert hashtag_table("a/b.tsv.gz") == "a/b.tsv.gz"
    assert input_files({"path": "demo:a", "hashtags": "a/b.csv"}) == ["a/b.csv"]
    assert input_files({"path": "demo:a", "hashtags": "HTO*"}) == []
    sheet = tmp_path / "samples.tsv"
    sheet.write_text("sample\tpath\thashtags\na\tdemo:a\tno.csv\nb\tdemo:b\tHTO*\n")
    (problem,) = check_sheet(sheet).file_problems
    assert "line 2: hashtags no.csv does not exist" in problem


def test_numbers_and_sums_of_cells_are_not_hashtags(
    tmp_path: Path, made: Hashed, genes: csr_matrix
) -> None:
    path = write_10x(tmp_path / "genes.h5", genes)
    table = made.counts.set_axis(barcodes(N_CELLS), axis=0)
    place = tmp_path / "hto.csv"
    expected = read_with(path, place, table)
    check(expected, made)
    sums, present = table.sum(axis=1), (table > 0).sum(axis=1)
    for further in (
        {"Unnamed: 0": range(N_CELLS)},
        {"place": range(N_CELLS, 0, -1)},
        {"plate": 3},
        {"anything": sums},
        {"nCount_HTO": sums + 2, "nFeature_HTO": 3 - present},
        {"nCount_RNA": 1000 + sums, "total_reads": 7 * sums, "no_match": 9, "bad_struct": sums},
    ):
        sample = read_with(path, place, table.assign(**further))
        assert list(sample.obs["hashtag"]) == list(expected.obs["hashtag"])
        assert any(f"left out: {', '.join(further)}" in note for note in sample.notes)
        turned = table.assign(**further).T
        turned.to_csv(place, index_label="hashtag")
        turned = read(path, hashtags=str(place))
        assert list(turned.obs["hashtag"]) == list(expected.obs["hashtag"])


def read_with(path: Path, place: Path, table: pd.DataFrame) -> Sample:
    table.to_csv(place, index_label="cell")
    return read(path, hashtags=str(place))


def test_names_that_cannot_be_told_apart_are_refused(
    tmp_path: Path, made: Hashed, genes: csr_matrix
) -> None:
    path = write_10x(tmp_path / "genes.h5", genes)
    table = made.counts.set_axis(barcodes(N_CELLS), axis=0)
    for names, words in (
        (["Doublet", "Negative", "HTO_3"], "a hashtag is named 'Doublet'"),
        (["HTO_1", "HTO_1", "HTO_3"], "hashtag 'HTO_1' is given twice"),
    ):
        turned = table.set_axis(names, axis=1).T
        turned.to_csv(tmp_path / "hto.csv", index_label="hashtag")
        (error,) = read(path, hashtags=str(tmp_path / "hto.csv")).errors
        assert words in error


def test_one_name_for_several_ids(tmp_path: Path, made: Hashed, genes: csr_matrix) -> None:
    path = write_10x(tmp_path / "a.h5", genes, made.counts)
    with h5py.File(path, "r+") as file:
        names = file["matrix/features/name"][()]
        names[-3:] = b"HTO"
        file["matrix/features/name"][...] = names
    for settings in ({"hashtags": "HTO*"}, {"hashtags": str(path)}):
        sample = read(path, **settings)
        assert sample.errors == []
        right = sample.obs["hashtag"].astype(str).str.removeprefix("id_").to_numpy() == made.truth
        assert right.mean() > 0.95


def test_a_table_that_repeats_barcodes_says_so(
    tmp_path: Path, made: Hashed, genes: csr_matrix
) -> None:
    path = write_10x(tmp_path / "genes.h5", genes)
    table = made.counts.set_axis(barcodes(N_CELLS), axis=0)
    table.index = table.index.str.removesuffix("-1")
    sample = read_with(path, tmp_path / "hto.csv", pd.concat([table, table.iloc[:2]]))
    assert "repeats barcode" in sample.errors[0]


@pytest.mark.parametrize("name", ["Hashtag{}", "hashtag_{}", "anti-human Hashtag {}"])
def test_rows_named_hashtag(tmp_path: Path, made: Hashed, genes: csr_matrix, name: str) -> None:
    """In a table, they are left out, or used if the sheet says so."""
    table = pd.DataFrame(genes.toarray().T.astype(int), columns=barcodes(N_CELLS))
    table.index = pd.Index([f"GENE{place}" for place in range(N_GENES)])
    tags = pd.DataFrame(made.counts.to_numpy().T, columns=table.columns)
    tags.index = pd.Index([name.format(place) for place in (1, 2, 3)])
    pd.concat([table, tags]).to_csv(tmp_path / "a.csv", index_label="gene")
    assert read(tmp_path / "a.csv").loaded.matrix.sum() == genes.sum()
    sample = read(tmp_path / "a.csv", hashtags=name.format("*"))
    assert sample.loaded.matrix.sum() == genes.sum()
    renamed = dict(zip(tags.index, made.counts.columns, strict=True))
    assert (sample.obs["hashtag"].astype(str).replace(renamed) == made.truth).mean() > 0.95


def test_a_prefix_matches_genes_where_no_antibody_does(
    tmp_path: Path, made: Hashed, genes: csr_matrix
) -> None:
    table = pd.DataFrame(genes.toarray().astype(int), index=barcodes(N_CELLS))
    table.columns = [f"GENE{place}" for place in range(N_GENES)]
    donors = made.counts.set_axis(["DONOR-a", "DONOR-b", "DONOR-c"], axis=1)
    pd.concat([table, donors.set_axis(table.index)], axis=1).to_csv(tmp_path / "a.csv")
    sample = read(tmp_path / "a.csv", hashtags="DONOR*")
    assert sample.loaded.matrix.shape == (N_CELLS, N_GENES)
    assert set(donors.columns) <= set(sample.obs["hashtag"])
    for names in (",", "*"):
        with pytest.raises(UserError, match=r"two or more|has no feature"):
            read(tmp_path / "a.csv", hashtags=names)
    with pytest.raises(UserError, match="is a folder, which is not read"):
        read(tmp_path / "a.csv", hashtags=str(tmp_path))
