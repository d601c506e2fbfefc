"""Weights of a kNN graph: the fuzzy union of local neighbourhoods, as in UMAP."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp

MAX_STEPS = 64
TOLERANCE = 1e-5
"""Of the sum of a cell's weights, in the search for its width."""
MIN_SCALE = 1e-3
"""Minimum width, in mean distances."""
ROWS_AT_ONCE = 50_000


def fuzzy_graph(distances: sp.csr_matrix) -> sp.csr_matrix:
    """Symmetric weights from distances to nearest neighbours.

    The weight of neighbour :math:`j` of cell :math:`i` is
    :math:`w_{ij} = \\exp(-\\max(d_{ij} - \\rho_i, 0) / \\sigma_i)`, where :math:`\\rho_i` is the
    distance to the nearest neighbour that is not a duplicate, and :math:`\\sigma_i` is such that
    the weights of the cell's :math:`k - 1` neighbours sum to :math:`\\log_2 k`. The union of both
    directions is :math:`w_{ij} + w_{ji} - w_{ij} w_{ji}` (McInnes, Healy and Melville 2018,
    arXiv:1802.03426, sections 3.1 and 4.1).

    ``scanpy.pp.neighbors`` computes the same with umap-learn. With numba 0.62 and newer, umap-learn
    0.5 gives every neighbour the weight 1 where :math:`\\sigma_i > 1`; and it compiles its
    functions anew in every process.

    Parameters
    ----------
    distances
        (n_cells, n_cells), with the same number of stored distances in each row: those to its
        :math:`k - 1` nearest other cells.

    Returns
    -------
    Weights in (0, 1], float32, (n_cells, n_cells).
    """
    n_cells = distances.shape[0]
    stored = distances.data.reshape(n_cells, -1).astype(np.float32)
    weights = np.empty_like(stored)
    if stored.size == 0:
        return sp.csr_matrix(distances.shape, dtype=np.float32)
    # of k distances, with the one of 0 to the cell itself
    mean = float(stored.mean(dtype=np.float64)) * stored.shape[1] / (stored.shape[1] + 1)
    for first in range(0, n_cells, ROWS_AT_ONCE):
        rows = slice(first, first + ROWS_AT_ONCE)
        weights[rows] = _local_weights(stored[rows], mean)
    indices, indptr = distances.indices.copy(), distances.indptr.copy()
    one_way = sp.csr_matrix((weights.ravel(), indices, indptr), distances.shape)
    one_way.eliminate_zeros()  # in place
    other_way = one_way.T.tocsr()
    union = (one_way + other_way - one_way.multiply(other_way)).tocsr()
    union.eliminate_zeros()
    return union


def neighbourhood_widths(distances: np.ndarray) -> np.ndarray:
    """:math:`\\sigma_i` of each cell, (n_cells,), from distances (n_cells, k - 1)."""
    return _widths(_beyond_nearest(distances)[0])


def _beyond_nearest(distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances beyond the nearest that is not a duplicate, and the distance to that one."""
    positive = np.where(distances > 0, distances, np.inf).min(axis=1)
    nearest = np.where(np.isfinite(positive), positive, 0).astype(np.float32)
    return np.maximum(distances - nearest[:, None], 0), nearest


def _local_weights(distances: np.ndarray, mean: float) -> np.ndarray:
    """Weights of each cell's neighbours, (n_cells, k - 1), before the union."""
    beyond, nearest = _beyond_nearest(distances)
    width = _widths(beyond)
    n = distances.shape[1]
    row_mean = distances.mean(axis=1) * (n / (n + 1))
    scale = np.where(nearest > 0, row_mean, mean)
    width = np.maximum(width, MIN_SCALE * scale).astype(np.float32)
    with np.errstate(invalid="ignore", divide="ignore"):
        weights = np.exp(-beyond / width[:, None])
    return np.where(beyond > 0, weights, np.float32(1))


def _widths(beyond: np.ndarray) -> np.ndarray:
    """The width at which each row's weights sum to :math:`\\log_2 k`, by bisection, (n_cells,)."""
    target = np.log2(beyond.shape[1] + 1)
    middle = np.ones(beyond.shape[0], dtype=np.float32)
    low, high = np.zeros_like(middle), np.full_like(middle, np.inf)
    rows = np.arange(beyond.shape[0])
    for _ in range(MAX_STEPS):
        total = np.exp(-beyond[rows] / middle[rows, None]).sum(axis=1)
        rows, total = (part[np.abs(total - target) >= TOLERANCE] for part in (rows, total))
        if rows.size == 0:
            break
        too_wide = total > target
        high[rows[too_wide]] = middle[rows[too_wide]]
        low[rows[~too_wide]] = middle[rows[~too_wide]]
        unbounded = np.isinf(high[rows])
        middle[rows] = np.where(unbounded, 2 * middle[rows], (low[rows] + high[rows]) / 2)
    return middle
