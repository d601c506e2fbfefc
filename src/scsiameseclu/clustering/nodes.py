"""Nodes and splits of the tree of clusters, by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Split:
    """A cluster of one level that is two or more clusters of the next.

    Attributes
    ----------
    level
        Position of the level of the parent.
    parent
        Mask of its leaves, (n_leaves,).
    children
        Masks of their leaves, each (n_leaves,).
    """

    level: int
    parent: np.ndarray
    children: list[np.ndarray]


def splits(groups: np.ndarray) -> Iterator[Split]:
    """All splits, from coarse to fine.

    Parameters
    ----------
    groups
        The cluster of each leaf at each level, (n_levels, n_leaves).
    """
    for level in range(len(groups) - 1):
        for cluster in np.unique(groups[level]):
            parent = groups[level] == cluster
            parts = np.unique(groups[level + 1][parent])
            if len(parts) > 1:
                yield Split(level, parent, [groups[level + 1] == part for part in parts])


def node_name(leaves: np.ndarray, clusters: Sequence[str], names: Sequence[str]) -> str:
    """Name of a node: its clusters, or the parts of a single one, joined by ``+``.

    Parameters
    ----------
    leaves
        Mask of its leaves, (n_leaves,).
    clusters, names
        Name of the cluster that each leaf is a part of, and of the leaf itself, (n_leaves,).
    """
    inside = [int(leaf) for leaf in np.flatnonzero(leaves)]
    whole = list(dict.fromkeys(clusters[leaf] for leaf in inside))
    complete = sum(name in whole for name in clusters) == len(inside)
    return "+".join(whole if complete else [names[leaf] for leaf in inside])


def leaf_order(groups: np.ndarray) -> np.ndarray:
    """An order of the leaves in which the leaves of every node are neighbours, (n_leaves,)."""
    return np.lexsort(groups[::-1])
