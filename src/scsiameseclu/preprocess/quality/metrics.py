"""Quality metrics of cells and genes, before filtering."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

TOP_GENES = 20
BLOCK_CELLS = 20_000


def cells_per_gene(counts: csr_matrix, cells: np.ndarray) -> np.ndarray:
    """Number of cells in which each gene is detected, (n_genes,).

    Parameters
    ----------
    counts
        (n_cells, n_genes).
    cells
        Mask of the cells to consider, (n_cells,).
    """
    n_cells = np.zeros(counts.shape[1], dtype=np.int64)
    for first in range(0, counts.shape[0], BLOCK_CELLS):
        block = slice(first, first + BLOCK_CELLS)
        kept = counts[block][cells[block]]
        n_cells += np.bincount(kept.indices[kept.data > 0], minlength=counts.shape[1])
    return n_cells


def cell_metrics(counts: ad.AnnData, mitochondrial: np.ndarray) -> pd.DataFrame:
    """Detected genes, total counts, and percentages of the top 20 and mitochondrial genes.

    Parameters
    ----------
    counts
        AnnData with sparse raw counts in ``X``, (n_cells, n_genes).
    mitochondrial
        Mask of the mitochondrial genes, (n_genes,).

    Returns
    -------
    DataFrame indexed by cell name with the columns ``n_genes``, ``total_counts``, ``pct_top20``
    (percent; NaN for empty cells; 100 if the matrix has at most 20 genes) and ``pct_mito``
    (percent; NaN if no mitochondrial gene is known).
    """
    import scanpy as sc

    work = ad.AnnData(counts.X, obs=pd.DataFrame(index=counts.obs_names))
    work.var["mito"] = mitochondrial
    enough = counts.n_vars > TOP_GENES
    table, _ = sc.pp.calculate_qc_metrics(
        work, qc_vars=["mito"], percent_top=(TOP_GENES,) if enough else None, log1p=False
    )
    total = table["total_counts"].to_numpy(dtype=float)
    top = table[f"pct_counts_in_top_{TOP_GENES}_genes"].to_numpy(float) if enough else 100.0
    mito = table["pct_counts_mito"].to_numpy(dtype=float) if mitochondrial.any() else np.nan
    return pd.DataFrame(
        {
            "n_genes": table["n_genes_by_counts"].to_numpy(dtype=np.int64),
            "total_counts": total,
            "pct_top20": np.where(total > 0, top, np.nan),
            "pct_mito": np.where(total > 0, mito, np.nan),
        },
        index=counts.obs_names.copy(),
    )
