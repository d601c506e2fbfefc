"""Label-free measures of a clustering: silhouette in an embedding, purity on a graph."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from sklearn import config_context
from sklearn.metrics import silhouette_score

MAX_CELLS = 5000
"""Maximum number of cells for the silhouette, which compares all pairs; more are subsampled."""
WORKING_MEMORY = 64
"""MiB of distances in memory at once."""


def silhouette(
    embedding: np.ndarray, clusters: pd.Series | np.ndarray, *, seed: int
) -> float | None:
    """Mean silhouette width (Rousseeuw 1987), Euclidean, between -1 and 1.

    Parameters
    ----------
    embedding
        (n_cells, n_dimensions).
    clusters
        (n_cells,).
    seed
        Seed for the subsample of 5,000 cells if there are more.

    Returns
    -------
    The mean, or None if undefined: for a single cluster, or as many clusters as cells.
    """
    labels = np.asarray(clusters).astype(str)
    if len(labels) > MAX_CELLS:
        chosen = np.random.default_rng(seed).choice(len(labels), MAX_CELLS, replace=False)
        chosen.sort()
        embedding, labels = embedding[chosen], labels[chosen]
    if not 2 <= len(np.unique(labels)) < len(labels):
        return None
    with config_context(working_memory=WORKING_MEMORY):
        return float(silhouette_score(embedding, labels))


def graph_purity(graph: csr_matrix, clusters: pd.Series | np.ndarray) -> float | None:
    """Mean fraction of a cell's graph neighbours that are in the same cluster.

    Edge weights and self-loops are ignored, and cells without neighbours are excluded.

    Parameters
    ----------
    graph
        Sparse matrix whose stored entries are edges, (n_cells, n_cells).
    clusters
        (n_cells,).

    Returns
    -------
    The mean, or None if no cell has neighbours.
    """
    codes = np.unique(np.asarray(clusters).astype(str), return_inverse=True)[1]
    rows, columns = graph.nonzero()
    edge = rows != columns
    rows, columns = rows[edge], columns[edge]
    degree = np.bincount(rows, minlength=len(codes))
    same = np.bincount(rows, weights=codes[rows] == codes[columns], minlength=len(codes))
    has_neighbours = degree > 0
    if not has_neighbours.any():
        return None
    return float((same[has_neighbours] / degree[has_neighbours]).mean())
