"""Counts that no cells have are reported when they are read, and real counts are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from scipy.sparse import random as random_matrix

from scsiameseclu.io import plausibility
from scsiameseclu.io.blocks import column_sums
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.io.sample import Sample, read_sample

SENTENCES = ("of all counts", "counts in total", "counts or fewer", "than one capture", "the same")


def sample_of(path: Path, counts: np.ndarray, **settings: Any) -> Sample:
    adata = ad.AnnData(csr_matrix(counts.astype(np.float32)))
    adata.obs_names = [f"cell{n}" for n in range(adata.n_obs)]
    adata.var_names = [f"gene_{n}" for n in range(adata.n_vars)]
    adata.write_h5ad(path / "a.h5ad")
    return read_sample(str(path / "a.h5ad"), ReadRequest(**settings), sample="s1")


def usual(n_cells: int = 60, n_genes: int = 600, depth: float = 300) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.poisson(depth * rng.dirichlet(np.ones(n_genes)), (n_cells, n_genes))


def reported(sample: Sample) -> list[str]:
    return [
        text
        for text in (*sample.errors, *sample.warnings)
        if any(words in text for words in SENTENCES)
    ]


def test_usual_counts_are_plausible(tmp_path: Path) -> None:
    sample = sample_of(tmp_path, usual())
    assert (sample.errors, sample.warnings) == ([], [])


def test_one_gene_with_most_counts_is_named_with_its_share(tmp_path: Path) -> None:
    counts = usual()
    counts[:, 7] = 400
    (warning,) = reported(sample_of(tmp_path, counts))
    share = 400 * 60 / counts.sum()
    assert warning.startswith(f"'gene_7' has {share:.0%} of all counts")
    counts[:, 7] = 200
    assert reported(sample_of(tmp_path, counts)) == []


def test_cells_that_are_alike_are_refused(tmp_path: Path) -> None:
    counts = np.repeat(usual(1), 60, axis=0)
    assert "the same counts in all of its 60 cells" in sample_of(tmp_path, counts).errors[0]
    counts[3, :2] = counts[3, :2] + [1, 0]
    assert sample_of(tmp_path, counts).errors == []
    assert "contains no counts" in sample_of(tmp_path, 0 * counts).errors[0]


def test_equal_totals_are_warned_about(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    counts = rng.multinomial(500, rng.dirichlet(np.ones(600)), size=60)
    (warning,) = reported(sample_of(tmp_path, counts))
    assert "every cell has 500 counts in total" in warning


@pytest.mark.parametrize("rounding", [np.rint, np.floor])
def test_rounded_normalised_values(tmp_path: Path, rounding: Any) -> None:
    counts = usual(depth=3000) * np.random.default_rng(1).integers(1, 4, (60, 1))
    shares = counts / counts.sum(axis=1, keepdims=True)
    (warning,) = reported(sample_of(tmp_path, rounding(1e5 * shares)))
    assert "every cell has about" in warning
    assert "normalisation and rounding" in warning
    sample = sample_of(tmp_path, rounding(1e6 * shares))
    assert "contains rounded TPM or CPM values, not counts" in sample.errors[0]
    assert reported(sample_of(tmp_path, counts)) == []


def test_few_counts_per_cell_are_warned_about(tmp_path: Path) -> None:
    (warning,) = reported(sample_of(tmp_path, usual(depth=20)))
    assert "counts or fewer" in warning
    assert reported(sample_of(tmp_path, usual(n_genes=150, depth=20))) == []  # a panel


@pytest.mark.parametrize("kind", ["csv", "h5ad"])
def test_a_transposed_table_is_refused(tmp_path: Path, kind: str) -> None:
    counts = pd.DataFrame(usual(60, 60))
    letters = np.random.default_rng(0).choice(list("ACGT"), (60, 16))
    counts.index = ["".join(row) + "-1" for row in letters]
    counts.columns = [f"ENSG{n:011d}" for n in range(60)]
    settings = {}
    if kind == "csv":
        path = tmp_path / "a.csv"
        counts.to_csv(path)
        settings = {"orientation": "genes_x_cells"}
        way = "correct column `orientation`"
    else:
        path = tmp_path / "a.h5ad"
        ad.AnnData(csr_matrix(counts.T.astype(np.float32).to_numpy()),
                   obs=pd.DataFrame(index=counts.columns),
                   var=pd.DataFrame(index=counts.index)).write_h5ad(path)  # fmt: skip
        way = "transpose the matrix"
    (error,) = read_sample(str(path), ReadRequest(**settings), sample="s1").errors
    assert "cells named like genes (ENSG00000000000, ENSG00000000001)" in error
    assert error.endswith(way) or way in error
    if kind == "csv":
        assert read_sample(str(path), ReadRequest(), sample="s1").errors == []


def test_more_cells_than_a_capture_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plausibility, "MAX_CAPTURED", 50)
    sample = sample_of(tmp_path, usual())
    assert any("60 cells are more than one capture holds" in note for note in sample.notes)
    assert sample.warnings == []
    (warning,) = reported(sample_of(tmp_path, usual(depth=100)))
    assert "set `cells` to call" in warning


def test_unknown_gene_names_are_noted(tmp_path: Path) -> None:
    assert any("organism is unknown" in note for note in sample_of(tmp_path, usual()).notes)
    sample = read_sample("demo:a", ReadRequest(), sample="s1")
    assert not any("organism is unknown" in note for note in sample.notes)
    assert reported(sample) == []


@pytest.mark.parametrize(
    "name",
    [
        "hto_4lines_doublets.h5ad", "cite_cbmc.h5ad", "mouse_bladder_hvg.h5ad",
        "zilionis_mouse_lung.h5ad", "pbmc_10x_4k.h5ad", "human_kidney_young.h5ad",
        "raw/mpfc-starmap.loom", "raw/sc_dropseq.count.csv.gz",
    ],
)  # fmt: skip
def test_real_counts_are_plausible(data_dir: Path, name: str) -> None:
    sample = read_sample(str(data_dir / name), ReadRequest(), sample="s1")
    assert reported(sample) == []


SYMBOLS = [
    f"{stem}{number}" for number in (1, 12) for stem in (
        "HES", "TNFRSF", "SSU", "PARK", "RBP", "SRM", "AGTRAP", "EFHD", "NECAP", "CAMK", "CDC",
        "STMN", "IFI", "FGR", "PHACTR", "LCK", "TXLNA", "HDAC", "CLSPN", "YRDC", "PPIE", "CAP",
        "CITED", "EBNA", "PRDX", "TESK", "MUTYH", "HPDL", "ATPAF", "ORC",
    )
]  # fmt: skip


@pytest.mark.parametrize("names", ["SRR{}", "S{}", "GSM{}", "Cell{}", "AAA{}", "Plate1_{}"])
@pytest.mark.parametrize("kind", ["csv", "h5ad"])
def test_a_matrix_with_symbols_as_cells(tmp_path: Path, names: str, kind: str) -> None:
    """Whatever the cells of the file are called, gene symbols are not cells."""
    table = pd.DataFrame(usual(80, 60), columns=SYMBOLS)
    table.index = pd.Index([names.format(100000 + place) for place in range(80)])
    if kind == "csv":  # more cells than genes: the shape alone would mislead
        table.to_csv(tmp_path / "a.csv")
        sample = read_sample(str(tmp_path / "a.csv"), ReadRequest(), sample="s1")
        assert list(sample.loaded.var.index) == SYMBOLS
        assert sample.warnings == sample.errors == []
        return
    for genes, level in ((SYMBOLS, "warnings"), ([*SYMBOLS[2:], "RPL13", "RPS27A"], "errors")):
        turned = ad.AnnData(csr_matrix(table.T.to_numpy(np.float32)))
        turned.obs_names, turned.var_names = genes, table.index
        turned.write_h5ad(tmp_path / "a.h5ad")
        sample = read_sample(str(tmp_path / "a.h5ad"), ReadRequest(), sample="s1")
        assert any("cells named like genes" in text for text in getattr(sample, level))
        turned.T.copy().write_h5ad(tmp_path / "b.h5ad")
        sample = read_sample(str(tmp_path / "b.h5ad"), ReadRequest(), sample="s1")
        assert sample.warnings == sample.errors == []


def test_sums_of_columns_by_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scsiameseclu.io.blocks.BLOCK_VALUES", 7)
    matrix = random_matrix(30, 11, density=0.3, format="csr", dtype=np.float32, random_state=0)
    number, total = column_sums(matrix)
    assert (number == (matrix != 0).toarray().sum(axis=0)).all()
    np.testing.assert_allclose(total, matrix.toarray().sum(axis=0, dtype=float))
