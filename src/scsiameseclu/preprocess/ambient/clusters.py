"""Quick clusters of cells from counts, before the networks are trained."""

from __future__ import annotations

import warnings

import anndata as ad
import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from scsiameseclu.graph.neighbours import find_neighbours
from scsiameseclu.preprocess.expression import (
    choose_variable_genes,
    divide_and_log,
    gene_moments,
    log_normalise,
    median_total,
    principal_components,
    project,
)
from scsiameseclu.settings import ExpressionSettings

N_COMPONENTS = 30
N_NEIGHBORS = 15
MAX_FITTED = 20_000
"""Number of cells from which the clusters are computed; others join the nearest cluster."""
BLOCK_CELLS = 20_000
MIN_VARIABLE = 3
"""Minimum number of variable genes."""


def quick_clusters(counts: csr_matrix, seed: int) -> np.ndarray:
    """Leiden clusters (Traag et al. 2019, doi:10.1038/s41598-019-41695-z) at resolution 1.0.

    They are computed from 30 principal components of the log-normalised variable genes. In samples
    of more than 20,000 cells, genes, components and clusters are those of a random subset, and the
    other cells are assigned to the cluster with the nearest mean.

    Parameters
    ----------
    counts
        Raw counts, (n_cells, n_genes).
    seed
        Seed for the components, the subset and Leiden.

    Returns
    -------
    Numbers from 0, (n_cells,); all 0 if fewer than three genes vary.
    """
    n_cells = counts.shape[0]
    fitted = np.arange(n_cells)
    if n_cells > MAX_FITTED:
        fitted = np.sort(np.random.default_rng(seed).permutation(fitted)[:MAX_FITTED])
    part = counts[fitted] if fitted.size < n_cells else counts
    adata = ad.AnnData(log_normalise(part)[0], obs=_numbered(fitted.size))
    settings, moments = ExpressionSettings(n_pcs=N_COMPONENTS), gene_moments(adata.X)
    choose_variable_genes(adata, settings, moments=moments)
    if int(adata.var["highly_variable"].sum()) < MIN_VARIABLE:
        return np.zeros(n_cells, dtype=np.int64)
    principal_components(adata, settings, seed, moments)
    labels = _leiden(adata.obsm["X_pca"], seed)
    if fitted.size == n_cells:
        return labels
    means = _means(adata.obsm["X_pca"], labels)
    middle = median_total(part)
    blocks = (counts[i : i + BLOCK_CELLS] for i in range(0, n_cells, BLOCK_CELLS))
    everyone = np.concatenate(
        [_nearest(_projected(b, adata, settings, middle), means) for b in blocks]
    )
    everyone[fitted] = labels
    return everyone


def _projected(
    counts: csr_matrix, fitted: ad.AnnData, settings: ExpressionSettings, middle: float
) -> np.ndarray:
    """Scores of cells on the components of the fitted ones, (n_cells, n_components)."""
    totals = np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()
    chosen = np.flatnonzero(fitted.var["highly_variable"])
    genes = fitted.var.iloc[chosen]
    return project(
        divide_and_log(counts[:, chosen], np.where(totals > 0, totals / middle, 1.0)),
        genes["pca_mean"].to_numpy(),
        genes["pca_deviation"].to_numpy(),
        fitted.varm["PCs"][chosen],
        fitted.uns["pca"]["centre"],
        settings.max_value,
    )


def _numbered(n_cells: int) -> pd.DataFrame:
    return pd.DataFrame(index=[str(number) for number in range(n_cells)])


def _leiden(components: np.ndarray, seed: int) -> np.ndarray:
    import scanpy as sc

    work = ad.AnnData(obs=_numbered(len(components)))
    work.obsm["X_pca"] = components
    find_neighbours(work, "X_pca", N_NEIGHBORS, "euclidean", seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sc.tl.leiden(work, flavor="igraph", n_iterations=2, directed=False, random_state=seed)
    return work.obs["leiden"].astype(int).to_numpy()


def _means(points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mean of each cluster, (n_clusters, n_dimensions)."""
    return np.stack([points[labels == label].mean(axis=0) for label in range(labels.max() + 1)])


def _nearest(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """The nearest centre of each point, (n_points,)."""
    half_norms = 0.5 * (centres**2).sum(axis=1)
    return np.asarray((points @ centres.T - half_norms).argmax(axis=1))
