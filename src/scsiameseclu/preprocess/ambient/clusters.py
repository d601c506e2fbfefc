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
    gene_moments,
    log_normalise,
    principal_components,
)
from scsiameseclu.settings import ExpressionSettings

N_COMPONENTS = 30
N_NEIGHBORS = 15
MAX_FITTED = 20_000
"""Number of cells from which the clusters are computed; others join the nearest cluster."""
BLOCK_CELLS = 20_000


def quick_clusters(counts: csr_matrix, seed: int) -> np.ndarray:
    """Leiden clusters (Traag et al. 2019, doi:10.1038/s41598-019-41695-z) at resolution 1.0.

    They are computed from 30 principal components of the log-normalised variable genes. In samples
    of more than 20,000 cells, a random subset is clustered, and the other cells are assigned to the
    cluster with the nearest mean.

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
    values, _ = log_normalise(counts)
    adata = ad.AnnData(values, obs=pd.DataFrame(index=[str(i) for i in range(values.shape[0])]))
    settings, moments = ExpressionSettings(n_pcs=N_COMPONENTS), gene_moments(values)
    choose_variable_genes(adata, settings, moments=moments)
    n_variable = int(adata.var["highly_variable"].sum())
    if n_variable < 3:
        return np.zeros(adata.n_obs, dtype=np.int64)
    principal_components(adata, settings, seed, moments)
    components = adata.obsm["X_pca"]
    fitted = np.arange(adata.n_obs)
    if adata.n_obs > MAX_FITTED:
        fitted = np.sort(np.random.default_rng(seed).permutation(fitted)[:MAX_FITTED])
    labels = _leiden(components[fitted], seed)
    if fitted.size == adata.n_obs:
        return labels
    everyone = _nearest(components, _means(components[fitted], labels))
    everyone[fitted] = labels
    return everyone


def _leiden(components: np.ndarray, seed: int) -> np.ndarray:
    import scanpy as sc

    work = ad.AnnData(obs=pd.DataFrame(index=[str(i) for i in range(len(components))]))
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
    blocks = range(0, len(points), BLOCK_CELLS)
    return np.concatenate(
        [(points[i : i + BLOCK_CELLS] @ centres.T - half_norms).argmax(axis=1) for i in blocks]
    )
