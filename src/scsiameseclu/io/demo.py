"""The demo data: 700 PBMC that scanpy includes, in two halves of 350 cells; no download."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
from scipy.sparse import csr_matrix

from scsiameseclu.genes.names import genes_of_table
from scsiameseclu.io.loaded import Loaded, Origin
from scsiameseclu.io.values import describe

PREFIX = "demo:"
HALVES = ("a", "b")


def load(half: str, origin: Origin) -> Loaded:
    """Read one half of the demo data as a file of counts.

    Raises
    ------
    UserError
        There is no such half.
    """
    import scanpy

    if half not in HALVES:
        raise origin.error("does not exist; the demo data are demo:a and demo:b")
    adata = demo_cells(half)
    var, notes, warnings = genes_of_table(adata.var)
    source = f"half {half} of scanpy's pbmc68k_reduced, counts recovered from its raw values"
    return Loaded(
        matrix=adata.X,
        obs=adata.obs,
        var=var,
        format="demo",
        files=[Path(scanpy.datasets.__file__).parent / "10x_pbmc68k_reduced.h5ad"],
        values=describe(adata.X),
        notes=[source, *notes],
        warnings=warnings,
    )


def demo_cells(half: str | None = None) -> ad.AnnData:
    """``scanpy.datasets.pbmc68k_reduced()`` with its counts.

    The data (Zheng et al. 2017, reduced by scanpy) hold log-normalised values in ``raw``, from
    which the counts are recovered exactly. The published label is the column ``bulk_labels``.

    Parameters
    ----------
    half
        ``"a"`` for cells 0, 2, 4, …; ``"b"`` for cells 1, 3, 5, …; all 700 by default.

    Returns
    -------
    AnnData of raw counts (CSR, float32) with the tables of cells and genes as scanpy has them.
    """
    import scanpy

    cells = slice(None) if half is None else slice(HALVES.index(half), None, 2)
    adata = scanpy.datasets.pbmc68k_reduced()[cells]
    counts = recovered_counts(adata.raw.X, adata.obs["n_counts"].to_numpy())
    return ad.AnnData(counts, obs=adata.obs.copy(), var=adata.raw.var.copy())


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
