"""The tree of clusters from coarse to fine: every number of clusters, with what speaks for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scsiameseclu.clustering.consensus import cluster_stability
from scsiameseclu.clustering.merges import Candidate, Voters

NEAR = 1.25
"""Voters judge the stability of a level if their number of clusters is within this factor of it."""


@dataclass(frozen=True)
class LevelTree:
    """Nested clusterings, from two clusters to the finest.

    Attributes
    ----------
    leaves
        The finest clusters, numbered from 0, (n_cells,).
    groups
        The cluster of each leaf at each level, numbered from 0, (n_levels, n_leaves); the number of
        clusters rises from level to level.
    agreement
        Weighted mean adjusted Rand index of each level with the voters, (n_levels,).
    stability
        Stability of the cluster of each leaf at each level, (n_levels, n_leaves).
    """

    leaves: np.ndarray
    groups: np.ndarray
    agreement: np.ndarray
    stability: np.ndarray

    @property
    def numbers(self) -> np.ndarray:
        """Number of clusters at each level, (n_levels,)."""
        return np.asarray(self.groups.max(axis=1) + 1)


def level_tree(
    labels: np.ndarray,
    fine: np.ndarray,
    compared: np.ndarray,
    voters: Voters,
    partitions: Sequence[np.ndarray],
) -> LevelTree:
    """Merge the finest clusters pair after pair, within clusters first, and then the clusters.

    Parameters
    ----------
    labels
        Clusters, numbered from 0, (n_cells,).
    fine
        Parts of them, (n_cells,).
    compared
        Positions of the cells that the voters have clustered.
    voters
        Clusterings of these cells, with which every merge agrees as far as possible.
    partitions
        Clusterings of these cells, for the stability.
    """
    parts, leaves = np.unique(fine.astype(str), return_inverse=True)
    first = np.array([np.flatnonzero(leaves == leaf)[0] for leaf in range(len(parts))])
    parents = labels[first]
    within = voters.merged([leaves[compared]], [len(parts)], parents=[parents])
    onwards = voters.merged([labels[compared]], [int(labels.max()) + 1])
    steps = [
        *((_groups(candidate, labels, first), candidate) for candidate in reversed(onwards)),
        *((_groups(candidate, leaves, first), candidate) for candidate in reversed(within)),
    ]
    # the clusters themselves end one path and begin the other
    numbers = [int(codes.max()) + 1 for codes, _ in steps]
    steps = [step for n, step in enumerate(steps) if n == 0 or numbers[n] > max(numbers[:n])]
    groups = np.array([codes for codes, _ in steps])
    stability = [_stability(codes[leaves[compared]], codes, partitions) for codes in groups]
    return LevelTree(
        leaves, groups, np.array([step.expected for _, step in steps]), np.array(stability)
    )


def _groups(candidate: Candidate, clusters: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The candidate's cluster of each leaf, numbered from 0, from the first cell of each."""
    return np.unique(candidate.labels(clusters)[first], return_inverse=True)[1]


def _stability(
    labels: np.ndarray, groups: np.ndarray, partitions: Sequence[np.ndarray]
) -> np.ndarray:
    """Stability of the group of each leaf, among the partitions with about as many clusters."""
    k = int(groups.max()) + 1
    others = [partition for partition in partitions if not np.array_equal(partition, labels)]
    if not others:
        return np.ones(len(groups))
    distance = np.array([abs(np.log(len(np.unique(partition)) / k)) for partition in others])
    near = distance <= max(np.log(NEAR), distance.min())
    judges = [partition for partition, is_near in zip(others, near, strict=True) if is_near]
    stability = cluster_stability(labels, judges, k)
    return np.asarray(stability[groups])
