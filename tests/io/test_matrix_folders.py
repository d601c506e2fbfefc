"""Matrices in MatrixMarket format: orientation, and the names of genes and cells beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.io import mmwrite
from scipy.sparse import csr_matrix

from scsiameseclu.errors import UserError
from scsiameseclu.io.readers import load, read_counts
from scsiameseclu.io.request import ReadRequest

N_CELLS, N_GENES = 20, 30
CELLS = [f"AAACCTGAGAAACC{letter}{other}" for letter in "ACGT" for other in "ACGTN"]
GENES = ["HLA-A", "HLA-B", "ADAM-U", "NKX2-A", *(f"SYM{number}" for number in range(N_GENES - 4))]
IDS = [f"ENSG{number:011d}" for number in range(N_GENES)]
VALUES = np.random.default_rng(5).poisson(2.0, size=(N_CELLS, N_GENES))


def write_names(path: Path, *columns: list[str]) -> None:
    path.write_text("".join("\t".join(line) + "\n" for line in zip(*columns, strict=True)))


def cell_ranger(folder: Path, values: np.ndarray = VALUES) -> Path:
    folder.mkdir(exist_ok=True)
    mmwrite(folder / "matrix.mtx", csr_matrix(values.T))
    write_names(folder / "barcodes.tsv", CELLS)
    write_names(folder / "genes.tsv", IDS, GENES)
    return folder


def test_the_parts_of_velocyto_are_added(tmp_path: Path) -> None:
    folder = cell_ranger(tmp_path / "Velocyto")
    (folder / "matrix.mtx").unlink()
    parts = [VALUES // 2, VALUES // 3, VALUES - VALUES // 2 - VALUES // 3]
    names = ("spliced", "unspliced", "ambiguous")
    for name, part in zip(names, parts, strict=True):
        mmwrite(folder / f"{name}.mtx", csr_matrix(part.T))
    loaded = load(folder, ReadRequest())
    np.testing.assert_array_equal(loaded.matrix.toarray(), VALUES)
    assert {f"{name}.mtx" for name in names} < {file.name for file in loaded.files}
    (folder / "ambiguous.mtx").unlink()
    with pytest.raises(UserError, match="set column `path` to the file"):
        load(folder, ReadRequest())


@pytest.mark.parametrize("matrix", ["cells_x_genes.mtx", "DGE.mtx", "count_matrix.mtx", "other"])
def test_a_square_matrix_has_the_orientation_of_its_program(matrix: str, tmp_path: Path) -> None:
    values = VALUES[:, :N_CELLS]
    cells_in_rows = matrix != "other"
    name = matrix if cells_in_rows else "matrix.mtx"
    mmwrite(tmp_path / name, csr_matrix(values if cells_in_rows else values.T))
    write_names(tmp_path / "cells_x_genes.genes.txt", GENES[:N_CELLS])
    write_names(tmp_path / "cells_x_genes.barcodes.txt", CELLS)
    write_names(tmp_path / "all_genes.csv", ["gene_id", *GENES[:N_CELLS]])
    write_names(tmp_path / "cell_metadata.csv", ["bc_wells", *CELLS])
    write_names(tmp_path / "genes.tsv", GENES[:N_CELLS])
    write_names(tmp_path / "barcodes.tsv", CELLS)
    adata = read_counts(tmp_path / name)
    assert adata.obs_names.tolist() == CELLS
    np.testing.assert_array_equal(adata.X.toarray(), values)


@pytest.mark.parametrize("by_thirds", [True, False])
def test_genes_of_alevin_fry_keep_their_names(by_thirds: bool, tmp_path: Path) -> None:
    """HLA-A has no ambiguous counts of a gene HLA; in yeast, YDR034C and YDR034C-A are genes."""
    genes = ["YDR034C", "YDR034C-A", "YDR034C-B", *GENES[3:]] if by_thirds else GENES
    names = [f"{gene}{suffix}" for suffix in ("", "-U", "-A") for gene in genes]
    parts = np.hstack([VALUES, 2 * VALUES, 3 * VALUES])
    order = np.arange(len(names)) if by_thirds else np.arange(len(names))[::-1]
    mmwrite(tmp_path / "quants_mat.mtx", csr_matrix(parts[:, order]))
    write_names(tmp_path / "quants_mat_cols.txt", [names[place] for place in order])
    write_names(tmp_path / "quants_mat_rows.txt", CELLS)
    adata = read_counts(tmp_path)
    assert sorted(adata.var_names) == sorted(genes)
    np.testing.assert_array_equal(adata[:, genes].X.toarray(), 6 * VALUES)


def test_numbers_before_barcodes_are_not_names(tmp_path: Path) -> None:
    numbers = [str(number) for number in range(1, N_CELLS + 1)]
    write_names(cell_ranger(tmp_path) / "barcodes.tsv", numbers, CELLS)
    assert read_counts(tmp_path).obs_names.tolist() == CELLS


def test_ids_may_follow_symbols(tmp_path: Path) -> None:
    write_names(cell_ranger(tmp_path) / "genes.tsv", GENES, IDS)
    adata = read_counts(tmp_path)
    assert adata.var_names.tolist() == GENES
    assert adata.var["gene_id"].tolist() == IDS


def test_subfolders_may_be_samples(tmp_path: Path) -> None:
    for sample in ("s1", "s2"):
        cell_ranger(tmp_path / sample)
    with pytest.raises(UserError, match=r"s1, s2.*if they are samples, set column `path`"):
        read_counts(tmp_path)


def test_what_is_odd_in_a_folder_is_named(tmp_path: Path) -> None:
    folder = cell_ranger(tmp_path / "a")
    write_names(folder / "barcodes.tsv", ["name", *CELLS])
    with pytest.raises(UserError, match=r"first line of barcodes\.tsv, 'name', a header"):
        read_counts(folder)
    write_names(folder / "barcodes.tsv", CELLS)
    write_names(folder / "genes.tsv", [*GENES[:5], "", *GENES[6:]])
    with pytest.raises(UserError, match=r"line 6 of genes\.tsv is empty"):
        read_counts(folder)
    (folder / "matrix.mtx").rename(folder / "GSE1_counts.mtx")
    with pytest.raises(UserError, match="`path` to the file"):
        read_counts(folder)
    (folder / "genes.tsv").rename(folder / "GSE1_genes.tsv")
    with pytest.raises(UserError, match=r"GSE1_genes\.tsv belongs to it"):
        read_counts(folder / "GSE1_counts.mtx")
