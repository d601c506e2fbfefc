"""How well batches are mixed: the share of neighbours from other batches, relative to chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from scsiameseclu.preprocess.integration import batch_mixing

N_NEIGHBORS = 30
MAX_CELLS = 20_000
"""Maximum number of cells that are compared; more are subsampled."""
MIN_CELLS = 10
"""Minimum number of cells of a cluster, in each of two batches, for its mixing."""


@dataclass(frozen=True)
class Mixing:
    """Mixing of batches: 1 if neighbours are drawn at random, 0 if they are all of one batch.

    Attributes
    ----------
    overall
        Of all cells; None with a single batch.
    clusters
        Of each cluster, relative to the batches of its own cells; None for clusters with fewer than
        two batches of at least 10 cells.
    """

    overall: float | None
    clusters: dict[str, float | None]


def mixing_by_cluster(
    space: np.ndarray,
    batches: pd.Series | np.ndarray,
    clusters: pd.Series | np.ndarray,
    *,
    n_neighbors: int = N_NEIGHBORS,
    seed: int = 0,
) -> Mixing:
    """Mixing of batches in a space, of all cells and within each cluster.

    The mean of :func:`scsiameseclu.pp.batch_mixing` over all cells and, for each cluster, among its
    own cells, so that differences in composition between batches do not count.

    Parameters
    ----------
    space
        (n_cells, n_dimensions).
    batches, clusters
        (n_cells,).
    n_neighbors
        Number of neighbours of each cell; fewer in clusters with fewer cells.
    seed
        Seed for the subsample of 20,000 cells if there are more.
    """
    codes = np.unique(np.asarray(batches).astype(str), return_inverse=True)[1]
    names = np.asarray(clusters).astype(str)
    values = np.asarray(space, dtype=np.float32)
    listed = list(dict.fromkeys(names))
    if len(codes) > MAX_CELLS:
        chosen = np.random.default_rng(seed).choice(len(codes), MAX_CELLS, replace=False)
        chosen.sort()
        codes, names, values = codes[chosen], names[chosen], values[chosen]
    return Mixing(
        _mixing(values, codes, n_neighbors),
        {
            name: _mixing(values[names == name], codes[names == name], n_neighbors, MIN_CELLS)
            for name in listed
        },
    )


def _mixing(
    space: np.ndarray, codes: np.ndarray, n_neighbors: int, min_cells: int = 1
) -> float | None:
    if (np.bincount(codes) >= min_cells).sum() < 2:
        return None
    batches = pd.Series(pd.Categorical(codes))
    return float(batch_mixing(space, batches, n_neighbors).mean())
