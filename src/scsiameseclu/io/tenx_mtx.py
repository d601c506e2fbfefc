"""10x mtx folders: matrix.mtx, genes.tsv or features.tsv, barcodes.tsv, each plain or gzipped.

The three may carry one common prefix (``GSM123_matrix.mtx.gz``), and may lie in folders below, one
for each genome, as Cell Ranger 1 and 2 wrote them.
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
    """The three files; their bytes in this order are the input's checksum."""

    matrix: Path
    features: Path
    barcodes: Path

    @property
    def files(self) -> list[Path]:
        """Matrix, features, barcodes."""
        return [self.matrix, self.features, self.barcodes]


def load_10x_mtx(path: Path, request: ReadRequest, origin: Origin) -> Loaded:
    """Read a 10x folder, or the folder that a matrix.mtx lies in.

    Raises
    ------
    UserError
        A file is missing, the three disagree, or the folder holds several genomes or samples.
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
        notes.append(f"{int((~kept).sum())} features that are not {EXPRESSION} were left out")
        matrix, features = matrix[:, kept.nonzero()[0]], features[kept]
    symbols = features[1] if features.shape[1] > 1 else None
    ids = features[0].tolist()
    var, told, warnings = gene_table(
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
        notes=[f"10x mtx folder ({', '.join(file.name for file in triplet.files)})", *notes, *told],
        warnings=warnings,
    )


def _matrices(folder: Path, request: ReadRequest, origin: Origin) -> list[Path]:
    """The matrix files of a folder, or of the genome's folder below it."""
    here = _ending(folder, ENDINGS)
    if here and request.genome is None:
        return here
    if here:
        raise origin.error(
            f"tells nothing of genomes; leave column `genome` ({request.genome}) empty"
        )
    below = {
        child.name: _ending(child, ENDINGS) for child in sorted(folder.iterdir()) if child.is_dir()
    }
    below = {name: found for name, found in below.items() if found}
    if not below:
        raise origin.error(
            "is no 10x folder: it has no matrix.mtx(.gz); "
            f"it holds: {list_names(sorted(child.name for child in folder.iterdir()))}"
        )
    return below[str(choose_genome(list(below), request, origin))]


def _ending(folder: Path, endings: tuple[str, ...]) -> list[Path]:
    return sorted(
        file for file in folder.iterdir() if file.is_file() and file.name.endswith(endings)
    )


def _triplet(matrices: list[Path], origin: Origin) -> Triplet:
    """Find the other two files beside a matrix, under the same prefix."""
    if len(matrices) > 1:
        raise origin.error(
            f"holds {len(matrices)} matrices ({list_names(file.name for file in matrices)}); "
            "give the path of one of them"
        )
    folder, name = matrices[0].parent, matrices[0].name
    prefix = name[: name.rfind("matrix.mtx")] if "matrix.mtx" in name else ""
    found = []
    for wanted in (FEATURES, BARCODES):
        present = [folder / (prefix + ending) for ending in wanted]
        present = [file for file in present if file.is_file()]
        if not present:
            options = " or ".join(f"{prefix}{ending}" for ending in wanted[::2])
            raise origin.error(f"lacks {options} (.gz) beside {name}; put it there")
        found.append(present[0])
    return Triplet(matrices[0], found[0], found[1])


def _lines(file: Path) -> pd.DataFrame:
    """A headerless table of text; a gene called NA stays one."""
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
    """(n_cells, n_genes): 10x writes genes in rows, other programs cells."""
    genes_in_rows = stored.shape == (n_features, n_barcodes)
    cells_in_rows = stored.shape == (n_barcodes, n_features)
    if request.orientation == "genes_x_cells":
        cells_in_rows = False
    elif request.orientation == "cells_x_genes":
        genes_in_rows = False
    if not (genes_in_rows or cells_in_rows):
        raise origin.error(
            f"has three files that disagree: {triplet.matrix.name} is {stored.shape[0]} x "
            f"{stored.shape[1]}, {triplet.features.name} names {n_features} genes and "
            f"{triplet.barcodes.name} {n_barcodes} cells; put the files of one run together"
        )
    if genes_in_rows:
        return stored.T.tocsr(), []
    return stored, ["its matrix has cells in rows, unlike 10x's own"]
