"""Positions of cells on a map: UMAP of at most 50,000 cells, and the others among them."""

from __future__ import annotations

import numpy as np

from scsiameseclu.graph.nearness import nearness
from scsiameseclu.store.provenance import threads_in_use

N_NEIGHBORS = 15
MAX_MAPPED = 50_000
"""Maximum number of cells that UMAP places."""
N_EPOCHS = 200
"""Passes over the edges of the graph, as umap-learn makes for large sets; with 500, it takes twice
as long, and trustworthiness is higher by 0.001 to 0.003 (``benchmarks/results/map-epochs.csv``)."""
N_PLACING = 5
"""Number of mapped neighbours among which another cell is placed."""
SPREAD = 10.0
"""Maximum absolute initial coordinate, as in UMAP's own initialisation."""


def map_cells(embedding: np.ndarray, seed: int) -> np.ndarray:
    """Place cells by UMAP (McInnes, Healy and Melville 2018, arXiv:1802.03426).

    It starts from two principal components, which keep the global structure as well as eigenvectors
    of the graph do (Kobak and Linderman 2021, doi:10.1038/s41587-020-00809-z). Of more than 50,000
    cells, a random 50,000 are placed by UMAP; each other cell is at the mean of its five nearest
    neighbours among them, weighted by their
    :func:`~scsiameseclu.graph.nearness.nearness`.

    Parameters
    ----------
    embedding
        (n_cells, n_dimensions).
    seed
        Seed for the choice of cells and for UMAP.

    Returns
    -------
    float32, (n_cells, 2).
    """
    n_cells = embedding.shape[0]
    if n_cells <= MAX_MAPPED:
        return _umap(embedding, seed)
    mapped = np.zeros(n_cells, dtype=bool)
    mapped[np.random.default_rng(seed).choice(n_cells, MAX_MAPPED, replace=False)] = True
    positions = np.empty((n_cells, 2), dtype=np.float32)
    positions[mapped] = _umap(embedding[mapped], seed)
    positions[~mapped] = _placed(embedding[mapped], positions[mapped], embedding[~mapped])
    return positions


def initial_positions(embedding: np.ndarray) -> np.ndarray:
    """Two principal components, scaled to the extent of UMAP's initial positions, (n_cells, 2)."""
    from sklearn.decomposition import PCA

    n_components = min(2, embedding.shape[1])
    pca = PCA(n_components, svd_solver="covariance_eigh")
    plane = np.zeros((embedding.shape[0], 2))
    plane[:, :n_components] = pca.fit_transform(embedding.astype(np.float64))
    return np.asarray(plane * (SPREAD / max(abs(plane).max(), 1e-12)))


def _umap(embedding: np.ndarray, seed: int) -> np.ndarray:
    import scranpy

    positions = scranpy.run_umap(
        np.ascontiguousarray(embedding.T, dtype=np.float64),
        num_neighbors=min(N_NEIGHBORS, embedding.shape[0] - 1),
        initialize_method="none",
        initial_coordinates=initial_positions(embedding),
        num_epochs=N_EPOCHS,
        optimize_seed=seed,
        num_threads=threads_in_use(),
    )
    return np.asarray(positions, dtype=np.float32)


def _placed(known: np.ndarray, positions: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Positions of other cells among cells whose positions are known, (n_others, 2)."""
    import knncolle

    index = knncolle.build_index(knncolle.AnnoyParameters(), known.astype(np.float64))
    near = knncolle.query_knn(
        index,
        others.astype(np.float64),
        num_neighbors=N_PLACING,
        num_threads=threads_in_use(),
    )
    weights = nearness(near.distance)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.asarray(np.einsum("nk,nkd->nd", weights, positions[near.index]))
