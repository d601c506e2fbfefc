"""Real data sets in the shape that the stages exchange."""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc
from scipy.sparse import csr_matrix


def counts_of(path: Path, *, n_cells: int | None = None) -> ad.AnnData:
    """A data set as the stage ingest leaves it; every k-th cell when fewer are wanted."""
    adata = ad.read_h5ad(path)
    if n_cells is not None:
        adata = adata[:: max(1, adata.n_obs // n_cells)].copy()
    return as_ingested(adata)


def as_ingested(adata: ad.AnnData) -> ad.AnnData:
    """Give an AnnData of raw counts the columns that the stage ingest writes."""
    adata.var["gene_id"] = adata.var["gene_symbol"] = adata.var_names.astype(str)
    if "batch" not in adata.obs:
        adata.obs["batch"] = pd.Categorical(["sample"] * adata.n_obs)
    return adata


def demo_counts() -> ad.AnnData:
    """The 700 cells that scanpy carries, counts recovered."""
    adata = sc.datasets.pbmc68k_reduced()
    logged = adata.raw.X.toarray()
    counts = np.round(np.expm1(logged) * adata.obs["n_counts"].to_numpy()[:, None] / 1e4)
    bare = ad.AnnData(csr_matrix(counts.astype(np.float32)), obs=adata.obs[["bulk_labels"]])
    bare.var_names = adata.raw.var_names
    return as_ingested(bare)


def log_normalised(adata: ad.AnnData, *, min_cells: int = 3) -> ad.AnnData:
    """Expressed genes, counts per 10,000, log1p."""
    sc.pp.filter_genes(adata, min_cells=min_cells)
    sc.pp.normalize_total(adata, target_sum=1e4)
    sc.pp.log1p(adata)
    return adata


def leiden(adata: ad.AnnData, resolution: float = 1.0) -> pd.Series:
    """Leiden clusters by scanpy's usual way: 2,000 variable genes, scaled, 30 components."""
    work = adata.copy()
    sc.pp.highly_variable_genes(work, n_top_genes=2000)
    work = work[:, work.var["highly_variable"]].copy()
    sc.pp.scale(work, max_value=10)
    sc.pp.pca(work, n_comps=30, svd_solver="randomized", random_state=0)
    sc.pp.neighbors(work, method="gauss", random_state=0)
    sc.tl.leiden(
        work, resolution=resolution, flavor="igraph", n_iterations=2, random_state=0, directed=False
    )
    return work.obs["leiden"]
