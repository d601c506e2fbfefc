"""Reader for matrices in MatrixMarket format with files of genes and cells.

:mod:`scsiameseclu.io.layouts` lists the layouts. The files may be in one subfolder per genome, as
written by Cell Ranger 1 and 2.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from scsiameseclu.genes.names import GENE_ID, gene_table, share
from scsiameseclu.io.layouts import VELOCYTO, existing, has_cells_in_rows, symbols_of
from scsiameseclu.io.loaded import Features, Loaded, Origin, list_names
from scsiameseclu.io.locate import is_matrix
from scsiameseclu.io.mtx import read_mtx, read_shape
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.io.table_layout import numbers_from
from scsiameseclu.io.tenx_h5 import EXPRESSION, OTHER_FEATURES, choose_genome, no_expression
from scsiameseclu.io.triplet import Triplet, matrices_in, read_lines, read_names, triplet_of
from scsiameseclu.io.values import describe

GENOME = re.compile(
    r"GRC|hg\d|mm\d|rn\d|Rnor|mRatBN|dm\d|BDGP|ce\d|WBcel|danRer|sacCer|TAIR|Sscrofa|Mmul|ERCC",
    re.IGNORECASE,
)
"""Starts of the names of genomes of Cell Ranger's references."""
SPLICING = {"-U": "unspliced", "-A": "ambiguous"}
"""Suffixes of alevin-fry for the counts of unspliced and ambiguous molecules of a gene."""


def load_10x_mtx(path: Path, request: ReadRequest, origin: Origin) -> Loaded:
    """Read a 10x folder, or the folder that contains a given matrix.mtx.

    Raises
    ------
    UserError
        A file is missing, the files are inconsistent, or the folder has several genomes or samples.
    """
    parts = [] if path.is_file() else _of_velocyto(path)
    matrices = [path] if path.is_file() else parts[:1] or _matrices(path, request, origin)
    triplet = triplet_of(matrices, origin)
    with origin.reading(f"10x mtx ({triplet.features.name})"):
        features = read_names(triplet.features)
    with origin.reading(f"10x mtx ({triplet.barcodes.name})"):
        cells = _without_numbers(read_names(triplet.barcodes))
    with origin.reading(f"10x mtx ({triplet.matrix.name})"):
        shape = read_shape(triplet.matrix)
    genes_in_rows = _genes_in_rows(shape, len(features), len(cells), triplet, request, origin)
    with origin.reading(f"10x mtx ({triplet.matrix.name})"):
        stored = read_mtx(triplet.matrix)
    for part in parts[1:]:
        with origin.reading(f"10x mtx ({part.name})"):
            stored = stored + read_mtx(part)
    matrix = stored.T.tocsr() if genes_in_rows else stored
    notes = [] if genes_in_rows else ["the matrix has cells in rows, unlike that of Cell Ranger"]
    if parts:
        notes.append("spliced, unspliced and ambiguous counts of each gene (STARsolo) were added")
    names = features.iloc[:, 0]
    matrix, features, others, type_notes = _expression_only(matrix, features, origin)
    if names.str.endswith(tuple(SPLICING)).mean() > 0.5:
        matrix, features, type_notes = _sum_of_splicing(matrix, features.iloc[:, 0])
    ids, symbols = _ids_and_symbols(features, triplet)
    var, gene_notes, warnings = gene_table(
        ids, ids=None if symbols is None else ids, symbols=symbols
    )
    obs = (
        cells.iloc[:, 1:] if isinstance(cells.columns[0], str) else pd.DataFrame(index=cells.index)
    )
    obs.index = pd.Index(cells.iloc[:, 0].tolist(), dtype=object)
    return Loaded(
        matrix=matrix,
        obs=obs,
        var=var,
        format="10x_mtx",
        files=[*triplet.files, *parts[1:]],
        values=describe(matrix),
        notes=[
            f"10x mtx folder ({list_names(f.name for f in triplet.files)})",
            *notes,
            *type_notes,
            *gene_notes,
        ],
        warnings=warnings,
        features=others if request.hashtags else None,
    )


def _without_numbers(cells: pd.DataFrame) -> pd.DataFrame:
    """Leave out a first column that only numbers the cells of a file without header."""
    numbers = cells.iloc[:, 0].tolist()
    plain = cells.shape[1] > 1 and not isinstance(cells.columns[0], str)
    if plain and numbers in (numbers_from(first, len(cells)) for first in (0, 1)):
        return cells.iloc[:, 1:]
    return cells


def _of_velocyto(folder: Path) -> list[Path]:
    """The matrices of STARsolo's Velocyto folder; empty for another folder, or without one."""
    if any(file.name.endswith(("matrix.mtx", "matrix.mtx.gz")) for file in folder.iterdir()):
        return []
    parts = [next(existing(folder / name, (name,)), None) for name in VELOCYTO]
    return [part for part in parts if part is not None] if None not in parts else []


def _matrices(folder: Path, request: ReadRequest, origin: Origin) -> list[Path]:
    """The matrix files in a folder, or in its subfolder of the requested genome."""
    matrices = matrices_in(folder)
    if matrices and request.genome is None:
        return matrices
    if matrices:
        raise origin.error(
            f"has no subfolders for genomes; leave column `genome` ({request.genome}) empty"
        )
    by_genome = {
        child.name: matrices_in(child) for child in sorted(folder.iterdir()) if child.is_dir()
    }
    by_genome = {name: matrices for name, matrices in by_genome.items() if matrices}
    others = [child.name for child in sorted(folder.iterdir()) if is_matrix(child.name)]
    if others and not by_genome:
        raise origin.error(
            f"has no matrix.mtx(.gz), but {list_names(others)}; set column `path` to the file"
        )
    if not by_genome:
        raise origin.error(
            "is not a 10x folder: it has no matrix.mtx(.gz); "
            f"it contains: {list_names(sorted(child.name for child in folder.iterdir()))}"
        )
    if len(by_genome) > 1 and request.genome is None and not all(map(GENOME.match, by_genome)):
        raise origin.error(
            f"has {len(by_genome)} subfolders with a matrix ({list_names(by_genome)}); if they are "
            "samples, set column `path` to one of them, or if they are genomes, set column `genome`"
        )
    return by_genome[str(choose_genome(list(by_genome), request, origin))]


def _genes_in_rows(
    shape: tuple[int, int],
    n_features: int,
    n_barcodes: int,
    triplet: Triplet,
    request: ReadRequest,
    origin: Origin,
) -> bool:
    """Whether genes are in rows, as in 10x files; other programs put cells in rows.

    Raises
    ------
    UserError
        The header of the matrix contradicts the numbers of genes and cells.
    """
    genes_in_rows = shape == (n_features, n_barcodes)
    cells_in_rows = shape == (n_barcodes, n_features)
    if request.orientation == "genes_x_cells":
        cells_in_rows = False
    elif request.orientation == "cells_x_genes":
        genes_in_rows = False
    elif genes_in_rows and cells_in_rows:
        genes_in_rows = not has_cells_in_rows(triplet.matrix)
    if not (genes_in_rows or cells_in_rows):
        raise origin.error(
            f"has inconsistent files: {triplet.matrix.name} is {shape[0]} x {shape[1]}, but "
            f"{triplet.features.name} has {n_features} genes and {triplet.barcodes.name} "
            f"{n_barcodes} cells{_odd_line(triplet, shape)}; use the three files of one run"
        )
    return genes_in_rows


def _odd_line(triplet: Triplet, shape: tuple[int, int]) -> str:
    """A hint at an empty line, or at a header, in a file of names."""
    for file in (triplet.features, triplet.barcodes):
        lines = read_lines(file)
        blank = next((n for n, line in enumerate(lines, start=1) if not line.strip()), None)
        if blank is not None and len(lines) in shape:
            return f" (line {blank} of {file.name} is empty)"
        if len(lines) - 1 in shape and len(lines) not in shape:
            return f" (is the first line of {file.name}, {lines[0].strip()!r}, a header?)"
    return ""


def _expression_only(
    matrix: csr_matrix, features: pd.DataFrame, origin: Origin
) -> tuple[csr_matrix, pd.DataFrame, Features | None, list[str]]:
    """Separate features other than genes, by the third column if it names types of features."""
    if 2 not in features.columns or (features[2] == EXPRESSION).all():
        return matrix, features, None, []
    kinds = features[2].to_numpy(dtype=str)
    kept = kinds == EXPRESSION
    if not kept.any() and set(kinds) & OTHER_FEATURES:
        raise no_expression(kinds.tolist(), origin)
    if not kept.any():
        examples = list_names(list(dict.fromkeys(kinds))[:3])
        note = f"the third column of the genes ({examples}, …) is not used"
        return matrix, features, None, [note]
    note = f"{int((~kept).sum())} features other than {EXPRESSION} were skipped"
    others = Features.besides(kept, matrix, features[1].tolist(), features[0].tolist())
    return matrix[:, kept.nonzero()[0]], features[kept], others, [note]


def _sum_of_splicing(
    matrix: csr_matrix, names: pd.Series
) -> tuple[csr_matrix, pd.DataFrame, list[str]]:
    """Add up the spliced, unspliced and ambiguous counts of each gene of alevin-fry."""
    genes = _unspliced_names(names.tolist())
    codes, unique = pd.factorize(np.array(genes, dtype=object))
    ones = np.ones(len(codes), dtype=np.float32)
    groups = csr_matrix((ones, (np.arange(len(codes)), codes)), shape=(len(codes), len(unique)))
    note = "spliced, unspliced and ambiguous counts of each gene (alevin-fry) were added"
    return csr_matrix(matrix @ groups), pd.DataFrame({0: unique}), [note]


def _unspliced_names(names: list[str]) -> list[str]:
    """The gene of each column: that of the same place in each third, or named without a suffix.

    Genes may have names such as HLA-A, or YDR034C and YDR034C-A.
    """
    third = len(names) // 3
    if names == [f"{name}{suffix}" for suffix in ("", *SPLICING) for name in names[:third]]:
        return names[:third] * 3
    present = set(names)
    return [
        name[:-2] if name.endswith(tuple(SPLICING)) and name[:-2] in present else name
        for name in names
    ]


def _ids_and_symbols(
    features: pd.DataFrame, triplet: Triplet
) -> tuple[list[str], list[str] | None]:
    """The ids and, if the files have them, the symbols."""
    ids = features.iloc[:, 0].tolist()
    if features.shape[1] > 1:
        second = features.iloc[:, 1].tolist()
        turned = share(GENE_ID, second) >= 0.5 > share(GENE_ID, ids)
        return (second, ids) if turned else (ids, second)
    names = symbols_of(triplet.features)
    if names is not None:  # kb_python
        symbols = read_names(names)[0].tolist()
        return ids, symbols if len(symbols) == len(ids) else None
    return ids, None
