"""Plausibility of counts that were read: what is possible in a file, but unlikely in cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix

from scsiameseclu.genes.names import share
from scsiameseclu.genes.organism import UNKNOWN, are_symbols, detect_organism
from scsiameseclu.io.blocks import column_sums
from scsiameseclu.io.loaded import Origin, list_names
from scsiameseclu.io.orientation import CELL_LIKE, MIN_LEAN, lean
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.limits import MAX_CAPTURED, MIN_CELLS

if TYPE_CHECKING:
    from scsiameseclu.io.sample import Sample

MAX_GENE_SHARE = 0.5
"""Fraction of all counts above which a single gene is reported."""
MAX_DOMINANT, MIN_OTHERS = 4, 100
"""Number of genes that are reported if each has this fraction of the counts without the others, in
data of at least so many genes."""
TAIL, MAX_SPREAD, PER_MILLION = 0.01, 0.02, 1e6
"""Totals are equal if they differ by this fraction of their median at most, without those in the
tails; those of TPM and CPM."""
MIN_COUNTS, MIN_GENES = 50, 500
"""Median counts per cell below which a warning is issued, in data of at least this many genes."""
SHALLOW_COUNTS = 200
"""Median counts per cell at or below which a sample of too many cells seems to be a raw matrix."""
MIN_NAMED = 0.5
"""Fraction of genes named like cells above which a matrix is transposed."""
ORIENTED = ("csv", "tsv", "10x_mtx")
"""Formats to which ``orientation`` applies."""


def check_plausibility(result: Sample, request: ReadRequest, origin: Origin) -> None:
    """Add errors, warnings and notes to a sample whose values are counts."""
    _check_names(result, origin)
    matrix = result.loaded.matrix
    if matrix.shape[0] < MIN_CELLS or not matrix.shape[1]:
        return
    totals = np.asarray(matrix.sum(axis=1, dtype=np.float64)).ravel()
    if problem := _all_alike(matrix, totals):
        result.errors.append(f"{origin.where} {problem}")
        return
    if not _check_totals(result, totals, origin):
        return
    _check_genes(result, matrix)
    median = float(np.median(totals))
    if median < MIN_COUNTS and matrix.shape[1] >= MIN_GENES:
        result.warnings.append(
            f"half of the cells have {median:.0f} counts or fewer; check that the matrix contains "
            "the counts of cells"
        )
    _check_number(result, request, median)


def _check_names(result: Sample, origin: Origin) -> None:
    """Refuse cells named like genes; only warn if no name is one that only genes have."""
    genes, cells = result.loaded.var.index.tolist(), result.obs.index.tolist()
    surely_genes = lean(cells) > MIN_LEAN
    symbols = are_symbols(cells) and not are_symbols(genes) and lean(genes) <= 0
    if not symbols and not (surely_genes and share(CELL_LIKE, genes) >= MIN_NAMED):
        return
    way = (
        "correct column `orientation`"
        if result.loaded.format in ORIENTED
        else "transpose the matrix in the file"
    )
    problem = (
        f"cells named like genes ({list_names(cells[:2])}) and genes named like "
        f"{'cells' if share(CELL_LIKE, genes) >= MIN_NAMED else 'none'} ({list_names(genes[:2])})"
    )
    if surely_genes:
        result.errors.append(f"{origin.where} has {problem}; {way}")
    else:
        result.warnings.append(f"{problem}; {way} if it is transposed")


def _check_totals(result: Sample, totals: np.ndarray, origin: Origin) -> bool:
    """Refuse rounded TPM or CPM, and warn about other equal totals; whether it may be counts."""
    low, median, high = np.quantile(totals, [TAIL, 0.5, 1 - TAIL])
    if high - low > MAX_SPREAD * median:
        return True
    exact = np.ptp(totals) == 0
    if not exact and abs(median - PER_MILLION) <= MAX_SPREAD * PER_MILLION:
        result.errors.append(
            f"{origin.where} contains rounded TPM or CPM values, not counts (every cell sums to "
            f"{median:,.0f} or nearly so); use raw counts"
        )
        return False
    number = f"{median:,.0f}" if exact else f"about {median:,.0f}"
    cause = "normalisation or downsampling" if exact else "normalisation and rounding"
    result.warnings.append(
        f"every cell has {number} counts in total, as after {cause}; use the original counts if "
        "you have them"
    )
    return True


def _all_alike(matrix: csr_matrix, totals: np.ndarray) -> str:
    """Why cells with the same counts of every gene are no cells; empty if they differ."""
    n_cells = matrix.shape[0]
    if not totals.any():
        return "contains no counts; use the file with the counts"
    if np.ptp(totals) or np.ptp(np.diff(matrix.indptr)):
        return ""
    for values in (matrix.indices, matrix.data):
        rows = values.reshape(n_cells, -1)
        if not np.array_equal(rows, np.broadcast_to(rows[0], rows.shape)):
            return ""
    return (
        f"has the same counts in all of its {n_cells} cells, so that there is nothing to cluster; "
        "use the file with the counts"
    )


def _check_genes(result: Sample, matrix: csr_matrix) -> None:
    _, sums = column_sums(matrix)
    if (places := _dominant(sums)).size:
        names = list_names(repr(name) for name in result.loaded.var.index[places])
        dominance = sums[places].sum() / sums.sum()
        are = "has {:.0%} of all counts; check that it is a gene, and remove it if it is not"
        if places.size > 1:
            are = "have {:.0%} of all counts; check that they are genes, and remove those that "
            are += "are not"
        result.warnings.append(f"{names} {are.format(dominance)}")
    symbols, ids = (result.loaded.var[name].tolist() for name in ("gene_symbol", "gene_id"))
    if detect_organism(symbols, ids) == UNKNOWN:
        result.notes.append(
            f"the organism is unknown, since no gene has a known name (the first: "
            f"{list_names(symbols[:2])})"
        )


def _dominant(sums: np.ndarray) -> np.ndarray:
    """Positions of the few genes of which each has more counts than all others together."""
    order = np.argsort(-sums, kind="stable")[: MAX_DOMINANT + 1]
    rest = sums.sum() - np.cumsum(sums[order])
    number = np.flatnonzero(sums[order] > MAX_GENE_SHARE * (sums[order] + rest))
    limit = MAX_DOMINANT if sums.size >= MIN_OTHERS else 1
    return order[: number[number < limit].max(initial=-1) + 1]


def _check_number(result: Sample, request: ReadRequest, median: float) -> None:
    """More cells than one capture holds: empty droplets, or several captures."""
    n_cells = len(result.obs)
    if n_cells <= MAX_CAPTURED:
        return
    if median <= SHALLOW_COUNTS:
        result.warnings.append(
            f"{n_cells:,} cells are more than one capture holds, and half of them have "
            f"{median:.0f} counts or fewer; if the matrix contains empty droplets, use the "
            "filtered one, or set `cells` to call"
        )
    elif request.batch is None:
        result.notes.append(
            f"{n_cells:,} cells are more than one capture holds; if the file joins several, set "
            "column `batch`"
        )
