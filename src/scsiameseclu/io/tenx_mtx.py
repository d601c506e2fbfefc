"""Reader for 10x mtx folders: matrix.mtx, genes.tsv or features.tsv, and barcodes.tsv (or .gz).

The three files may share a prefix (``GSM123_matrix.mtx.gz``) and may be in one subfolder per
genome, as written by Cell Ranger 1 and 2.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from scipy.sparse import csr_matrix

from scsiameseclu.genes.names import gene_table
from scsiameseclu.io.loaded import Loaded, Origin, list_names
from scsiameseclu.io.mtx import read_mtx
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.io.tenx_h5 import EXPRESSION, choose_genome
from scsiameseclu.io.values import describe

ENDINGS = ("matrix.mtx", "matrix.mtx.gz")
FEATURES = ("features.tsv", "features.tsv.gz", "genes.tsv", "genes.tsv.gz")
BARCODES = ("barcodes.tsv", "barcodes.tsv.gz")


@dataclass(frozen=True)
class Triplet:
    """The three files of a 10x folder, in the order of the input's checksum."""

    matrix: Path
    features: Path
    barcodes: Path

    @property
    def files(self) -> list[Path]:
        """Matrix, features, barcodes."""
        return [self.matrix, self.features, self.barcodes]


def load_10x_mtx(path: Path, request: ReadRequest, origin: Origin) -> Loaded:
    """Read a 10x folder, or the folder that contains a given matrix.mtx.

    Raises
    ------
    UserError
        A file is missing, the files are inconsistent, or the folder has several genomes or samples.
    """
    matrices = [path] if path.is_file() else _matrices(path, request, origin)
    triplet = _triplet(matrices, origin)
    with origin.reading(f"10x mtx ({triplet.features.name})"):
        features = _lines(triplet.features)
    with origin.reading(f"10x mtx ({triplet.barcodes.name})"):
        barcodes = _lines(triplet.barcodes)[0]
    with origin.reading(f"10x mtx ({triplet.matrix.name})"):
        stored = read_mtx(triplet.matrix)
    matrix, notes = _cells_in_rows(stored, len(features), len(barcodes), triplet, request, origin)
    if features.shape[1] > 2 and (features[2] != EXPRESSION).any():
        kept = (features[2] == EXPRESSION).to_numpy()
        notes.append(f"{int((~kept).sum())} features other than {EXPRESSION} were skipped")
        matrix, features = matrix[:, kept.nonzero()[0]], features[kept]
    symbols = features[1] if features.shape[1] > 1 else None
    ids = features[0].tolist()
    var, gene_notes, warnings = gene_table(
        ids,
        ids=None if symbols is None else ids,
        symbols=None if symbols is None else symbols.tolist(),
    )
    return Loaded(
        matrix=matrix,
        obs=pd.DataFrame(index=pd.Index(barcodes.tolist(), dtype=object)),
        var=var,
        format="10x_mtx",
        files=triplet.files,
        values=describe(matrix),
        notes=[
            f"10x mtx folder ({list_names(f.name for f in triplet.files)})",
            *notes,
            *gene_notes,
        ],
        warnings=warnings,
    )


def _matrices(folder: Path, request: ReadRequest, origin: Origin) -> list[Path]:
    """The matrix files in a folder, or in its subfolder of the requested genome."""
    matrices = _ending(folder, ENDINGS)
    if matrices and request.genome is None:
        return matrices
    if matrices:
        raise origin.error(
            f"has no subfolders for genomes; leave column `genome` ({request.genome}) empty"
        )
    by_genome = {
        child.name: _ending(child, ENDINGS) for child in sorted(folder.iterdir()) if child.is_dir()
    }
    by_genome = {name: matrices for name, matrices in by_genome.items() if matrices}
    if not by_genome:
        raise origin.error(
            "is not a 10x folder: it has no matrix.mtx(.gz); "
            f"it contains: {list_names(sorted(child.name for child in folder.iterdir()))}"
        )
    return by_genome[str(choose_genome(list(by_genome), request, origin))]


def _ending(folder: Path, endings: tuple[str, ...]) -> list[Path]:
    return sorted(
        file for file in folder.iterdir() if file.is_file() and file.name.endswith(endings)
    )


def _triplet(matrices: list[Path], origin: Origin) -> Triplet:
    """Locate the features and barcodes files with the prefix of the matrix."""
    if len(matrices) > 1:
        raise origin.error(
            f"has {len(matrices)} matrices ({list_names(file.name for file in matrices)}); "
            "set column `path` to one of them"
        )
    matrix = matrices[0]
    prefix = matrix.name[: matrix.name.rfind("matrix.mtx")] if "matrix.mtx" in matrix.name else ""
    return Triplet(
        matrix,
        _companion(matrix, prefix, FEATURES, origin),
        _companion(matrix, prefix, BARCODES, origin),
    )


def _companion(matrix: Path, prefix: str, endings: tuple[str, ...], origin: Origin) -> Path:
    """The first existing file next to a matrix with the prefix and one of the endings."""
    for ending in endings:
        file = matrix.parent / (prefix + ending)
        if file.is_file():
            return file
    expected = " or ".join(f"{prefix}{ending}" for ending in endings[::2])
    raise origin.error(f"lacks {expected} (.gz) next to {matrix.name}; add the file")


def _lines(file: Path) -> pd.DataFrame:
    """Read a headerless text table; the gene name NA is not treated as missing."""
    return pd.read_csv(
        file, sep="\t", header=None, dtype=str, quoting=csv.QUOTE_NONE, keep_default_na=False
    )


def _cells_in_rows(
    stored: csr_matrix,
    n_features: int,
    n_barcodes: int,
    triplet: Triplet,
    request: ReadRequest,
    origin: Origin,
) -> tuple[csr_matrix, list[str]]:
    """Orient the matrix as (n_cells, n_genes); 10x has genes in rows, other programs cells."""
    genes_in_rows = stored.shape == (n_features, n_barcodes)
    cells_in_rows = stored.shape == (n_barcodes, n_features)
    if request.orientation == "genes_x_cells":
        cells_in_rows = False
    elif request.orientation == "cells_x_genes":
        genes_in_rows = False
    if not (genes_in_rows or cells_in_rows):
        raise origin.error(
            f"has inconsistent files: {triplet.matrix.name} is {stored.shape[0]} x "
            f"{stored.shape[1]}, but {triplet.features.name} has {n_features} genes and "
            f"{triplet.barcodes.name} {n_barcodes} cells; use the three files of one run"
        )
    if genes_in_rows:
        return stored.T.tocsr(), []
    return stored, ["the matrix has cells in rows, unlike the output of Cell Ranger"]
