"""How near the neighbours of a cell are, relative to each other."""

from __future__ import annotations

import numpy as np


def nearness(distances: np.ndarray) -> np.ndarray:
    """Falls off exponentially with the distance beyond the nearest, in units of its mean.

    Parameters
    ----------
    distances
        Sorted distances to the neighbours of each cell, (n_cells, k).

    Returns
    -------
    1 for the nearest, less for the others, (n_cells, k).
    """
    beyond = distances - distances[:, :1]
    return np.asarray(np.exp(-beyond / np.maximum(beyond.mean(axis=1, keepdims=True), 1e-12)))
