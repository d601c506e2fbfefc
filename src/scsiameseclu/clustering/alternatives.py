"""For each cluster, how many clusterings see it as part of another cluster, or as two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from scsiameseclu.clustering.merges import Voters


@dataclass(frozen=True)
class Alternatives:
    """What would change if a cluster were merged, or split.

    A voter supports a change if its adjusted Rand index with the clusters grows by it.

    Attributes
    ----------
    merge_with
        For each cluster, the other one whose union with it has the most support (of equal ones,
        the larger mean gain), (n_clusters,); -1 if no union has any.
    merge_support
        Share of the voters, by weight, that support the union, (n_clusters,).
    split_support
        Share of the voters that support splitting the cluster into its fine clusters,
        (n_clusters,); 0 if it has only one.
    """

    merge_with: np.ndarray
    merge_support: np.ndarray
    split_support: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "merge_with": [int(other) for other in self.merge_with],
            "merge_support": [float(share) for share in self.merge_support],
            "split_support": [float(share) for share in self.split_support],
        }


def alternatives(
    labels: np.ndarray, fine: np.ndarray, n_clusters: int, voters: Voters
) -> Alternatives:
    """Compare the clusters with each union of two and each split of one.

    Parameters
    ----------
    labels
        Clusters of the cells that the voters cluster, numbered from 0, (n_cells,).
    fine
        Parts of the clusters, (n_cells,).
    n_clusters
        Number of clusters; those without any of these cells have no support for a change.
    voters
        The clusterings to agree with.
    """
    merge_with = np.full(n_clusters, -1)
    merge_support, split_support = np.zeros((2, n_clusters))
    present, codes = np.unique(labels, return_inverse=True)
    before, weights = voters.by_voter(codes), voters.weights
    one, other = np.triu_indices(present.size, 1)
    gains = voters.after_unions(codes, one, other) - before if one.size else np.empty((0, 0))
    support = (gains > 0) @ weights if one.size else np.empty(0)
    for code, cluster in enumerate(present):
        pairs = np.flatnonzero(((one == code) | (other == code)) & (support > 0))
        if pairs.size:
            best = pairs[np.lexsort((gains[pairs] @ weights, support[pairs]))[-1]]
            merge_with[cluster] = present[one[best] + other[best] - code]
            merge_support[cluster] = support[best]
        inside = codes == code
        parts = np.unique(fine[inside], return_inverse=True)[1]
        if parts.max() > 0:
            split = codes.copy()
            split[inside] = np.where(parts > 0, present.size - 1 + parts, code)
            split_support[cluster] = weights @ (voters.by_voter(split) > before)
    return Alternatives(merge_with, merge_support, split_support)
