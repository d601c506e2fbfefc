"""Exact nearest neighbours by torch, in blocks: for machines with a GPU."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from torch import Tensor

ROWS = 4_096
COLUMNS = 65_536
METRICS = ("euclidean", "cosine")


class TorchNeighbours(TransformerMixin, BaseEstimator):
    """A ``transformer`` for ``scanpy.pp.neighbors``.

    Time is quadratic in cells, at the speed of matrix products; memory is that of one block.

    Parameters
    ----------
    n_neighbors
        With the cell itself, as scanpy counts.
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
        """Keep the features, (n_cells, n_dimensions), on the device."""
        points = torch.as_tensor(np.asarray(features, dtype=np.float32), device=self.device)
        if self.metric == "cosine":
            points = torch.nn.functional.normalize(points, dim=1)
        else:
            points = points - points.mean(dim=0)  # smaller numbers, smaller errors
        self.points_ = points
        return self

    def transform(self, features: Any = None) -> sp.csr_matrix:
        """Distances to the nearest others, (n_cells, n_cells) with ``n_neighbors - 1`` a row.

        Of the fitted features, whatever is given.
        """
        n_cells = self.points_.shape[0]
        n_others = min(self.n_neighbors, n_cells) - 1
        indices = np.empty((n_cells, n_others), dtype=np.int32)
        distances = np.empty((n_cells, n_others), dtype=np.float32)
        for first in range(0, n_cells, ROWS):
            rows = slice(first, min(first + ROWS, n_cells))
            found = self._nearest(rows, n_others)
            exact, order = self._distances(rows, found).sort(dim=1)
            indices[rows] = found.gather(1, order).cpu().numpy()
            distances[rows] = exact.cpu().numpy()
        indptr = np.arange(n_cells + 1, dtype=np.int64) * n_others
        return sp.csr_matrix((distances.ravel(), indices.ravel(), indptr), (n_cells, n_cells))

    def _nearest(self, rows: slice, n_others: int) -> Tensor:
        """Indices of the nearest others, in no order, (n_rows, n_others)."""
        own = self.points_[rows]
        nearest = torch.empty((own.shape[0], 0), device=own.device)
        found = torch.empty((own.shape[0], 0), dtype=torch.long, device=own.device)
        for first in range(0, self.points_.shape[0], COLUMNS):
            part = self.points_[first : first + COLUMNS]
            # squared distance less the row's own square, which orders nothing
            gap = torch.addmm(part.square().sum(dim=1), own, part.T, alpha=-2.0)
            inside = torch.arange(rows.start, rows.stop, device=gap.device) - first
            here = (inside >= 0) & (inside < part.shape[0])
            gap[here.nonzero().squeeze(1), inside[here]] = torch.inf
            value, index = gap.topk(min(n_others, part.shape[0]), dim=1, largest=False)
            nearest = torch.cat([nearest, value], dim=1)
            found = torch.cat([found, index + first], dim=1)
            nearest, order = nearest.topk(min(n_others, nearest.shape[1]), dim=1, largest=False)
            found = found.gather(1, order)
        return found

    def _distances(self, rows: slice, found: Tensor) -> Tensor:
        """Distances to the cells found, from differences, (n_rows, n_others)."""
        own = self.points_[rows]
        squares = torch.zeros(found.shape, device=own.device)
        for place in range(found.shape[1]):
            squares[:, place] = (own - self.points_[found[:, place]]).square().sum(dim=1)
        return squares / 2 if self.metric == "cosine" else squares.sqrt()
