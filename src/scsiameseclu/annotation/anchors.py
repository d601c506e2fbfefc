"""The cell types of a reference as anchors, to which cells are transported."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.cluster import KMeans

from scsiameseclu.one_thread import one_thread

MAX_ANCHORS = 10  # per type
CELLS_PER_ANCHOR = 20
TEMPERATURE = 0.05
MAX_ROUNDS = 50
MAX_FITTED = 20_000  # cells from which the proportions are learned
MAX_CELLS_PER_TYPE = 5_000  # cells from which the anchors of a type are computed
BLOCK_CELLS = 20_000


@dataclass(frozen=True)
class Anchors:
    """Directions of the types of a reference.

    Attributes
    ----------
    centres
        Unit rows, (n_anchors, n_dimensions).
    types
        Number of each anchor's type, (n_anchors,).
    """

    centres: np.ndarray
    types: np.ndarray

    @classmethod
    @one_thread()
    def fit(cls, cells: np.ndarray, labels: np.ndarray, n_types: int, seed: int) -> Anchors:
        """k-means within each type: one anchor per 20 cells, at least one and at most ten."""
        rng = np.random.default_rng(seed)
        centres, types = [], []
        for number in range(n_types):
            members = cells[labels == number]
            if len(members) == 0:
                continue
            if len(members) > MAX_CELLS_PER_TYPE:
                chosen = rng.choice(len(members), MAX_CELLS_PER_TYPE, replace=False)
                members = members[np.sort(chosen)]
            n_anchors = max(1, min(MAX_ANCHORS, len(members) // CELLS_PER_ANCHOR))
            kmeans = KMeans(n_anchors, n_init=3, random_state=seed).fit(members)
            centres.append(directions(kmeans.cluster_centers_))
            types += [number] * n_anchors
        return cls(np.vstack(centres), np.array(types))

    def similarity(self, cells: np.ndarray) -> np.ndarray:
        """Cosine similarity of each cell to its nearest anchor, (n_cells,)."""
        return np.concatenate([(part @ self.centres.T).max(axis=1) for part in _blocks(cells)])

    def shares(self, cells: np.ndarray, seed: int) -> np.ndarray:
        """Proportions of the anchors that the transport of the cells converges to, (n_anchors,)."""
        if len(cells) > MAX_FITTED:
            chosen = np.random.default_rng(seed).choice(len(cells), MAX_FITTED, replace=False)
            cells = cells[chosen]
        gain = cells @ self.centres.T / TEMPERATURE
        shares = np.full(len(self.centres), 1.0 / len(self.centres))
        for _ in range(MAX_ROUNDS):
            before = shares
            plan = _softmax(gain + np.log(shares))
            # one extra cell per anchor, so that no proportion reaches zero
            shares = (plan.sum(axis=0) + 1) / (len(cells) + len(shares))
            if np.abs(shares - before).max() < 1e-4:
                break
        return shares

    def probability(self, cells: np.ndarray, shares: np.ndarray, n_types: int) -> np.ndarray:
        """Transport plan of each cell summed over the anchors of each type, (n_cells, n_types)."""
        type_of_anchor = np.eye(n_types)[self.types]
        parts = [
            _softmax(part @ self.centres.T / TEMPERATURE + np.log(shares)) @ type_of_anchor
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
    return [
        cells[first : first + BLOCK_CELLS] for first in range(0, max(len(cells), 1), BLOCK_CELLS)
    ]
