"""Names of clusters that stay the same when a cohort is clustered again."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment

MIN_OVERLAP = 0.5
"""Share of the cells of the smaller of two clusters that both must have to be the same."""


@dataclass(frozen=True)
class ClusterNames:
    """Names of the clusters of a cohort, by cell.

    Attributes
    ----------
    cells
        Name of the cluster of each cell, indexed by cell.
    next_number
        The first number that no cluster of the cohort has ever had.
    """

    cells: pd.Series
    next_number: int


def stable_names(
    labels: np.ndarray, cells: pd.Index, n_clusters: int, earlier: ClusterNames | None
) -> tuple[list[str], ClusterNames]:
    """Name clusters after those of an earlier clustering that they overlap with.

    Pairs of new and earlier clusters are matched one to one, such that the sum of their Jaccard
    indices over the cells of both clusterings is largest. A pair keeps the earlier name if the two
    share at least half of the cells of the smaller; other clusters get new numbers.

    Parameters
    ----------
    labels
        Number of the cluster of each cell, (n_cells,).
    cells
        Names of the cells, (n_cells,).
    n_clusters
        Number of clusters.
    earlier
        Names of an earlier clustering; None for none.

    Returns
    -------
    names : list of str
        By number of the cluster.
    record : ClusterNames
        For the next time.

    Examples
    --------
    >>> cells = pd.Index(["a", "b", "c", "d"])
    >>> names, record = stable_names(np.array([0, 0, 1, 1]), cells, 2, None)
    >>> stable_names(np.array([1, 1, 0, 2]), cells, 3, record)[0]
    ['1', '0', '2']
    """
    if earlier is None:
        names, number = [str(n) for n in range(n_clusters)], n_clusters
    else:
        names, number = _matched(labels, cells, n_clusters, earlier)
    of_cells = pd.Series(np.array(names, dtype=object)[labels], index=cells)
    return names, ClusterNames(of_cells, number)


def _matched(
    labels: np.ndarray, cells: pd.Index, n_clusters: int, earlier: ClusterNames
) -> tuple[list[str], int]:
    before = earlier.cells.reindex(cells)
    both = before.notna().to_numpy()
    codes, known = pd.factorize(before[both], sort=True)
    shared = np.zeros((n_clusters, len(known)), dtype=np.int64)
    np.add.at(shared, (labels[both], codes), 1)
    now, then = shared.sum(axis=1), shared.sum(axis=0)
    union = now[:, None] + then[None, :] - shared
    jaccard = shared / np.maximum(union, 1)
    smaller = np.minimum(now[:, None], then[None, :])
    names: list[str | None] = [None] * n_clusters
    for cluster, other in zip(*linear_sum_assignment(jaccard, maximize=True), strict=True):
        if shared[cluster, other] > 0 and (
            shared[cluster, other] >= MIN_OVERLAP * smaller[cluster, other]
        ):
            names[cluster] = str(known[other])
    number = earlier.next_number
    for cluster in range(n_clusters):
        if names[cluster] is None:
            names[cluster], number = str(number), number + 1
    return [str(name) for name in names], number
