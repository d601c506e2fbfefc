"""Demo data: the 700 PBMCs included in scanpy, in two halves of 350 cells; no download."""

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
    """Read one half of the demo data.

    Raises
    ------
    UserError
        ``half`` is neither ``"a"`` nor ``"b"``.
    """
    import scanpy

    if half not in HALVES:
        raise origin.error("does not exist; use demo:a or demo:b")
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
    """``scanpy.datasets.pbmc68k_reduced()`` with raw counts.

    The data set (Zheng et al. 2017, subsampled by scanpy) stores log-normalised values in ``raw``,
    from which the counts are recovered exactly. Published labels are in ``obs["bulk_labels"]``.

    Parameters
    ----------
    half
        ``"a"`` for cells 0, 2, 4, …; ``"b"`` for cells 1, 3, 5, …; all 700 by default.

    Returns
    -------
    AnnData with raw counts (CSR, float32) and scanpy's ``obs`` and ``var``.
    """
    import scanpy

    cells = slice(None) if half is None else slice(HALVES.index(half), None, 2)
    adata = scanpy.datasets.pbmc68k_reduced()[cells]
    counts = recovered_counts(adata.raw.X, adata.obs["n_counts"].to_numpy())
    return ad.AnnData(counts, obs=adata.obs.copy(), var=adata.raw.var.copy())


def recovered_counts(logged: csr_matrix, totals: np.ndarray) -> csr_matrix:
    """Invert ``log1p(counts / totals * 1e4)`` and round to integers.

    Parameters
    ----------
    logged
        (n_cells, n_genes).
    totals
        Total counts per cell before genes were removed, (n_cells,).
    """
    matrix = csr_matrix(logged, dtype=np.float64, copy=True)
    total_per_value = np.repeat(np.asarray(totals, dtype=np.float64), np.diff(matrix.indptr))
    matrix.data = np.rint(np.expm1(matrix.data) * total_per_value / 1e4)
    matrix.eliminate_zeros()
    return matrix.astype(np.float32)
