"""Coarser and finer alternatives, nested in the clusters."""

import numpy as np

MIN_PIECE = 10
MIN_SHARE = 0.05


def renumbered(unions: np.ndarray) -> np.ndarray:
    """Unions of clusters, (n_cells,), numbered from 0, the largest."""
    _, inverse, counts = np.unique(unions, return_inverse=True, return_counts=True)
    rank = np.empty(counts.size, dtype=int)
    rank[np.argsort(-counts, kind="stable")] = np.arange(counts.size)
    return np.asarray(rank[inverse])


def union_of_clusters(labels: np.ndarray, coarse: np.ndarray, n_clusters: int) -> list[int]:
    """The union that each cluster belongs to, (n_clusters,); -1 for a cluster without cells.

    Parameters
    ----------
    labels
        Clusters, (n_cells,).
    coarse
        Unions of them, (n_cells,).
    """
    unions = np.full(n_clusters, -1)
    unions[labels] = coarse
    return [int(union) for union in unions]


def finer(labels: np.ndarray, pieces: np.ndarray) -> np.ndarray:
    """Split clusters where a finer clustering does.

    Parameters
    ----------
    labels
        Clusters, (n_cells,).
    pieces
        A finer clustering of the same cells, (n_cells,).

    Returns
    -------
    Names, (n_cells,): ``3`` for a cluster left whole, ``3.0``, ``3.1`` … for the parts of one that
    is split. A part has at least 10 cells and 5 % of its cluster; what is smaller joins the
    cluster's largest part.
    """
    names = labels.astype(str).astype(object)
    for cluster in np.unique(labels):
        cells = np.flatnonzero(labels == cluster)
        seen, counts = np.unique(pieces[cells], return_counts=True)
        order = np.argsort(-counts, kind="stable")
        large = [p for p in order if counts[p] >= max(MIN_PIECE, MIN_SHARE * cells.size)]
        if len(large) < 2:
            continue
        part = np.zeros(cells.size, dtype=int)
        for number, position in enumerate(large):
            part[pieces[cells] == seen[position]] = number
        names[cells] = [f"{cluster}.{number}" for number in part]
    return names
