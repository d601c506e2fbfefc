"""The types of a reference as directions, to which cells are transported."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.cluster import KMeans

N_ANCHORS = 10  # of a type, at most
CELLS_PER_ANCHOR = 20
TEMPERATURE = 0.05
MAX_ROUNDS = 50
MAX_FITTED = 20_000  # cells that the proportions are learned from
MAX_OF_TYPE = 5_000  # cells that the anchors of a type are sought in
BLOCK = 20_000


@dataclass(frozen=True)
class Anchors:
    """The reference's types as directions.

    Attributes
    ----------
    centres
        Unit rows, (n_anchors, n_dimensions).
    types
        The number of the type of each anchor, (n_anchors,).
    """

    centres: np.ndarray
    types: np.ndarray

    @classmethod
    def fit(cls, cells: np.ndarray, labels: np.ndarray, n_types: int, seed: int) -> Anchors:
        """k-means in each type: an anchor for every 20 cells, one at least and ten at most."""
        rng = np.random.default_rng(seed)
        centres, types = [], []
        for number in range(n_types):
            own = cells[labels == number]
            if len(own) == 0:
                continue
            if len(own) > MAX_OF_TYPE:
                own = own[np.sort(rng.choice(len(own), MAX_OF_TYPE, replace=False))]
            count = max(1, min(N_ANCHORS, len(own) // CELLS_PER_ANCHOR))
            found = KMeans(count, n_init=3, random_state=seed).fit(own).cluster_centers_
            centres.append(directions(found))
            types += [number] * count
        return cls(np.vstack(centres), np.array(types))

    def likeness(self, cells: np.ndarray) -> np.ndarray:
        """Cosine of each cell with its nearest anchor, (n_cells,)."""
        return np.concatenate([(part @ self.centres.T).max(axis=1) for part in _blocks(cells)])

    def shares(self, cells: np.ndarray, seed: int) -> np.ndarray:
        """Proportions of the anchors among the cells, (n_anchors,): those of the transport."""
        if len(cells) > MAX_FITTED:
            chosen = np.random.default_rng(seed).choice(len(cells), MAX_FITTED, replace=False)
            cells = cells[chosen]
        gain = cells @ self.centres.T / TEMPERATURE
        shares = np.full(len(self.centres), 1.0 / len(self.centres))
        for _ in range(MAX_ROUNDS):
            before = shares
            plan = _softmax(gain + np.log(shares))
            # one cell more for each anchor, so that none is lost for good
            shares = (plan.sum(axis=0) + 1) / (len(cells) + len(shares))
            if np.abs(shares - before).max() < 1e-4:
                break
        return shares

    def probability(self, cells: np.ndarray, shares: np.ndarray, n_types: int) -> np.ndarray:
        """Transport of each cell, summed over the anchors of each type: (n_cells, n_types)."""
        of_types = np.eye(n_types)[self.types]
        parts = [
            _softmax(part @ self.centres.T / TEMPERATURE + np.log(shares)) @ of_types
            for part in _blocks(cells)
        ]
        return np.concatenate(parts)


def directions(rows: np.ndarray) -> np.ndarray:
    """Rows of length 1, in double precision."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-12), dtype=np.float64)


def _softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _blocks(cells: np.ndarray) -> list[np.ndarray]:
    return [cells[first : first + BLOCK] for first in range(0, max(len(cells), 1), BLOCK)]
