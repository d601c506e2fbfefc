"""Quality of a clustering without labels: silhouette in a space, purity on a graph."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from sklearn import config_context
from sklearn.metrics import silhouette_score

MOST_CELLS = 5000
"""The silhouette compares all pairs; above this a random sample of the cells stands for them."""
WORKING_MEMORY = 64
"""MiB of distances held at a time."""


def silhouette(
    embedding: np.ndarray, clusters: pd.Series | np.ndarray, *, seed: int
) -> float | None:
    """Mean silhouette width (Rousseeuw 1987), Euclidean, between -1 and 1.

    Parameters
    ----------
    embedding
        Shape (n_cells, n_dimensions).
    clusters
        Shape (n_cells,).
    seed
        Of the sample of 5,000 cells, drawn where there are more.

    Returns
    -------
    None where it is not defined: one cluster, or as many clusters as cells.
    """
    labels = np.asarray(clusters).astype(str)
    if len(labels) > MOST_CELLS:
        chosen = np.random.default_rng(seed).choice(len(labels), MOST_CELLS, replace=False)
        chosen.sort()
        embedding, labels = embedding[chosen], labels[chosen]
    if not 2 <= len(np.unique(labels)) < len(labels):
        return None
    with config_context(working_memory=WORKING_MEMORY):
        return float(silhouette_score(embedding, labels))


def graph_purity(graph: csr_matrix, clusters: pd.Series | np.ndarray) -> float | None:
    """Mean share of a cell's graph neighbours that are in its own cluster.

    Every neighbour counts alike, whatever the weight of its edge; a cell is not its own neighbour,
    and cells without neighbours are left out. None when no cell has any.

    Parameters
    ----------
    graph
        Sparse, shape (n_cells, n_cells); an entry is an edge.
    clusters
        Shape (n_cells,).
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
