"""How mixed batches are among neighbours."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.neighbors import NearestNeighbors

N_NEIGHBORS = 30


def batch_mixing(
    representation: np.ndarray, batches: pd.Series, n_neighbors: int = N_NEIGHBORS
) -> np.ndarray:
    """Share of each cell's neighbours from other batches, relative to chance.

    Parameters
    ----------
    representation
        (n_cells, d).
    batches
        Categorical batch of each cell.
    n_neighbors
        Number of neighbours; fewer if there are fewer cells.

    Returns
    -------
    (n_cells,); the mean is 1 where batches are fully mixed and 0 where they are apart. NaN if there
    is only one batch.
    """
    codes = batches.cat.codes.to_numpy()
    n_cells = len(codes)
    chance = 1.0 - np.bincount(codes)[codes] / n_cells
    search = NearestNeighbors(n_neighbors=min(n_neighbors, n_cells - 1)).fit(representation)
    near = search.kneighbors(return_distance=False)
    other = (codes[near] != codes[:, None]).mean(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(chance > 0, other / chance, np.nan)
