"""Block-wise exact nearest-neighbour search with PyTorch, for GPUs."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from torch import Tensor

BLOCK_ROWS = 4_096
BLOCK_COLUMNS = 65_536
METRICS = ("euclidean", "cosine")


class TorchNeighbours(TransformerMixin, BaseEstimator):
    """A ``transformer`` for ``scanpy.pp.neighbors``.

    Time is quadratic in the number of cells, at the speed of matrix products; memory is that of one
    block.

    Parameters
    ----------
    n_neighbors
        Number of neighbours including the cell itself, as in scanpy.
    metric
        ``euclidean`` or ``cosine``.
    device
        A torch device, such as ``cuda``.
    """

    def __init__(self, n_neighbors: int = 15, metric: str = "euclidean", device: str = "cuda"):
        self.n_neighbors = n_neighbors
        self.metric = metric
        self.device = device

    def fit(self, features: np.ndarray, y: Any = None) -> TorchNeighbours:
        """Copy the features, (n_cells, n_dimensions), to the device."""
        points = torch.as_tensor(np.asarray(features, dtype=np.float32), device=self.device)
        if self.metric == "cosine":
            points = torch.nn.functional.normalize(points, dim=1)
        else:
            points = points - points.mean(dim=0)  # smaller values have smaller rounding errors
        self.points_ = points
        return self

    def transform(self, features: Any = None) -> sp.csr_matrix:
        """Distances to the nearest other cells, (n_cells, n_cells), ``n_neighbors - 1`` per row.

        The fitted features are used; ``features`` is ignored.
        """
        n_cells = self.points_.shape[0]
        n_others = min(self.n_neighbors, n_cells) - 1
        indices = np.empty((n_cells, n_others), dtype=np.int32)
        distances = np.empty((n_cells, n_others), dtype=np.float32)
        for first in range(0, n_cells, BLOCK_ROWS):
            rows = slice(first, min(first + BLOCK_ROWS, n_cells))
            neighbours = self._nearest(rows, n_others)
            exact, order = self._distances(rows, neighbours).sort(dim=1)
            indices[rows] = neighbours.gather(1, order).cpu().numpy()
            distances[rows] = exact.cpu().numpy()
        indptr = np.arange(n_cells + 1, dtype=np.int64) * n_others
        return sp.csr_matrix((distances.ravel(), indices.ravel(), indptr), (n_cells, n_cells))

    def _nearest(self, rows: slice, n_others: int) -> Tensor:
        """Indices of the nearest other cells, unordered, (n_rows, n_others)."""
        queries = self.points_[rows]
        nearest = torch.empty((queries.shape[0], 0), device=queries.device)
        neighbours = torch.empty((queries.shape[0], 0), dtype=torch.long, device=queries.device)
        for first in range(0, self.points_.shape[0], BLOCK_COLUMNS):
            part = self.points_[first : first + BLOCK_COLUMNS]
            # squared distance minus the squared norm of the row, which does not affect the order
            gap = torch.addmm(part.square().sum(dim=1), queries, part.T, alpha=-2.0)
            column = torch.arange(rows.start, rows.stop, device=gap.device) - first
            in_block = (column >= 0) & (column < part.shape[0])
            gap[in_block.nonzero().squeeze(1), column[in_block]] = torch.inf
            value, index = gap.topk(min(n_others, part.shape[0]), dim=1, largest=False)
            nearest = torch.cat([nearest, value], dim=1)
            neighbours = torch.cat([neighbours, index + first], dim=1)
            nearest, order = nearest.topk(min(n_others, nearest.shape[1]), dim=1, largest=False)
            neighbours = neighbours.gather(1, order)
        return neighbours

    def _distances(self, rows: slice, neighbours: Tensor) -> Tensor:
        """Distances to the neighbours, computed from differences, (n_rows, n_others)."""
        queries = self.points_[rows]
        squares = torch.zeros(neighbours.shape, device=queries.device)
        for i in range(neighbours.shape[1]):
            squares[:, i] = (queries - self.points_[neighbours[:, i]]).square().sum(dim=1)
        return squares / 2 if self.metric == "cosine" else squares.sqrt()
