"""The demo data: 700 PBMC that travel with scanpy, as two samples of 350 cells; no network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.sparse import csr_matrix

from scsiameseclu.genes.names import genes_of_table
from scsiameseclu.io.loaded import Loaded, Origin
from scsiameseclu.io.values import describe

PREFIX = "demo:"
HALVES = ("a", "b")


def load(half: str, origin: Origin) -> Loaded:
    """Read one half: cells 0, 2, 4, ... (``"a"``) or 1, 3, 5, ... (``"b"``).

    ``scanpy.datasets.pbmc68k_reduced()`` (Zheng et al. 2017, sorted and reduced by scanpy) keeps
    log-normalised values in ``raw``; their counts are recovered exactly. The published label is
    the column ``bulk_labels``.

    Raises
    ------
    UserError
        There is no such half.
    """
    import scanpy

    if half not in HALVES:
        raise origin.error("does not exist; the demo data are demo:a and demo:b")
    adata = scanpy.datasets.pbmc68k_reduced()[HALVES.index(half) :: 2]
    matrix = recovered_counts(adata.raw.X, adata.obs["n_counts"].to_numpy())
    var, told, warnings = genes_of_table(adata.raw.var)
    notes = [f"half {half} of scanpy's pbmc68k_reduced, counts recovered from its raw values"]
    return Loaded(
        matrix=matrix,
        obs=adata.obs.copy(),
        var=var,
        format="demo",
        files=[Path(scanpy.datasets.__file__).parent / "10x_pbmc68k_reduced.h5ad"],
        values=describe(matrix),
        notes=[*notes, *told],
        warnings=warnings,
    )


def recovered_counts(logged: csr_matrix, totals: np.ndarray) -> csr_matrix:
    """Counts behind ``log1p(counts / totals * 1e4)``: the nearest whole numbers.

    Parameters
    ----------
    logged
        (n_cells, n_genes).
    totals
        Each cell's total counts before genes were removed, (n_cells,).
    """
    matrix = csr_matrix(logged, dtype=np.float64, copy=True)
    each = np.repeat(np.asarray(totals, dtype=np.float64), np.diff(matrix.indptr))
    matrix.data = np.rint(np.expm1(matrix.data) * each / 1e4)
    matrix.eliminate_zeros()
    return matrix.astype(np.float32)
