"""Quality metrics of cells and genes, before filtering."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

COLUMNS = (
    "n_genes", "total_counts", "pct_top20", "pct_mito", "pct_ribo", "pct_hb",
    "S_score", "G2M_score", "phase", "doublet_score", "predicted_doublet",
)  # fmt: skip
"""The metrics of cells, in the order of the tables."""
TOP_GENES = 20
BLOCK_CELLS = 20_000


def cells_per_gene(counts: csr_matrix, cells: np.ndarray | None = None) -> np.ndarray:
    """Number of cells in which each gene is detected, (n_genes,).

    Parameters
    ----------
    counts
        (n_cells, n_genes).
    cells
        Mask of the cells to consider, (n_cells,); all by default.
    """
    n_cells = np.zeros(counts.shape[1], dtype=np.int64)
    for first in range(0, counts.shape[0], BLOCK_CELLS):
        block = slice(first, first + BLOCK_CELLS)
        kept = counts[block] if cells is None else counts[block][cells[block]]
        n_cells += np.bincount(kept.indices[kept.data > 0], minlength=counts.shape[1])
    return n_cells


def cell_metrics(counts: ad.AnnData, classes: dict[str, np.ndarray]) -> pd.DataFrame:
    """Detected genes, total counts, and percentages of the top 20 genes and of classes of genes.

    Parameters
    ----------
    counts
        AnnData with sparse raw counts in ``X``, (n_cells, n_genes).
    classes
        Mask of the genes of each class, (n_genes,), such as those of ``mito``.

    Returns
    -------
    DataFrame indexed by cell name with the columns ``n_genes``, ``total_counts``, ``pct_top20``
    (percent; NaN for empty cells; 100 if the matrix has at most 20 genes) and one for each class,
    such as ``pct_mito`` (percent; NaN if the class has no gene).
    """
    enough = counts.n_vars > TOP_GENES
    blocks = range(0, max(counts.n_obs, 1), BLOCK_CELLS)
    table = pd.concat([_of_block(counts.X[i : i + BLOCK_CELLS], classes, enough) for i in blocks])
    total = table["total_counts"].to_numpy(dtype=float)
    top = table[f"pct_counts_in_top_{TOP_GENES}_genes"].to_numpy(float) if enough else 100.0
    shares = {
        f"pct_{name}": table[f"pct_counts_{name}"].to_numpy(float) if genes.any() else np.nan
        for name, genes in classes.items()
    }
    return pd.DataFrame(
        {
            "n_genes": table["n_genes_by_counts"].to_numpy(dtype=np.int64),
            "total_counts": total,
            "pct_top20": np.where(total > 0, top, np.nan),
            **{name: np.where(total > 0, share, np.nan) for name, share in shares.items()},
        },
        index=counts.obs_names.copy(),
    )


def _of_block(
    counts: csr_matrix, classes: dict[str, np.ndarray], with_top_genes: bool
) -> pd.DataFrame:
    """Scanpy's metrics of some cells; it copies their counts several times."""
    import scanpy as sc

    work = ad.AnnData(
        counts, obs=pd.DataFrame(index=[str(number) for number in range(counts.shape[0])])
    )
    for name, genes in classes.items():
        work.var[name] = genes
    table, _ = sc.pp.calculate_qc_metrics(
        work, qc_vars=list(classes), percent_top=(TOP_GENES,) if with_top_genes else None,
        log1p=False,
    )  # fmt: skip
    return table
