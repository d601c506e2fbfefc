"""Clusters at another level of the tree of clusters."""

from __future__ import annotations

import numpy as np
import pandas as pd

from scsiameseclu.clustering.levels import finer, renumbered
from scsiameseclu.curation.edit import Clusters, regroup
from scsiameseclu.errors import UserError

DEFAULT, COARSE, FINE = "default", "coarse", "fine"


def at_level(
    clusters: Clusters, level: str, obs: pd.DataFrame, leaves: np.ndarray, groups: np.ndarray
) -> Clusters:
    """Unions or parts of clusters.

    Parameters
    ----------
    clusters
        The clusters of the level ``default``.
    level
        ``coarse``, ``default``, ``fine``, or a number of clusters.
    obs
        ``siamese``, ``siamese_coarse`` and ``siamese_fine`` of the cells.
    leaves
        Number of the finest cluster of each cell, (n_cells,).
    groups
        The cluster of each of the finest at each level, (n_levels, n_leaves).

    Raises
    ------
    UserError
        The tree has no level with so many clusters.
    """
    if level == DEFAULT:
        return clusters
    if level in (COARSE, FINE):
        column = obs[f"siamese_{level}"]
        names = [str(name) for name in column.cat.remove_unused_categories().cat.categories]
        return regroup(clusters, names, column.astype(str).to_numpy(dtype=object)).by_size()
    numbers = groups.max(axis=1) + 1
    rows = np.flatnonzero(numbers == int(level))
    if not rows.size:
        raise UserError(
            f"level is {level}, but the tree of clusters has {listed_numbers(numbers)} clusters; "
            "choose one of these, or set n_clusters"
        )
    groups_of_cells = groups[rows[0]][leaves]
    if int(level) < len(clusters.names):
        labels = renumbered(groups_of_cells).astype(str).astype(object)
    else:
        codes = pd.Index(clusters.names).get_indexer(pd.Index(clusters.labels))
        parts = finer(codes, groups_of_cells)
        pieces = (str(part).partition(".") for part in parts)
        labels = np.array(
            [f"{clusters.names[int(whole)]}{dot}{part}" for whole, dot, part in pieces],
            dtype=object,
        )
    names = sorted(set(labels), key=lambda name: [int(part) for part in name.split(".")])
    return regroup(clusters, names, labels).by_size()


def listed_numbers(numbers: np.ndarray) -> str:
    """Numbers of clusters as text, ``2 to 14`` where none is missing."""
    every = sorted({int(number) for number in numbers})
    if every == list(range(every[0], every[-1] + 1)) and len(every) > 1:
        return f"{every[0]} to {every[-1]}"
    return ", ".join(map(str, every))
