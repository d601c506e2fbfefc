"""Mini-batches of cells in a random order that can be saved and restored."""

from __future__ import annotations

from typing import Any

import numpy as np


class Batches:
    """Endless mini-batches. Each epoch has a new order and drops its last, short mini-batch.

    Parameters
    ----------
    n_cells, batch_size
        Number of cells, and of cells in a mini-batch (at most all).
    seed
        Seed for the orders.
    """

    def __init__(self, n_cells: int, batch_size: int, seed: int) -> None:
        self.n_cells = n_cells
        self.size = min(batch_size, n_cells)
        self._rng = np.random.default_rng(seed)
        self._shuffle()

    def _shuffle(self) -> None:
        self._before = self._rng.bit_generator.state
        self._order = self._rng.permutation(self.n_cells)
        self._first = 0

    def __iter__(self) -> Batches:
        return self

    def __next__(self) -> np.ndarray:
        if self._first + self.size > self.n_cells:
            self._shuffle()
        batch = self._order[self._first : self._first + self.size]
        self._first += self.size
        return np.sort(batch)

    def peek(self) -> np.ndarray:
        """The next mini-batch, without advancing."""
        state = self._rng.bit_generator.state
        kept = self._before, self._order, self._first
        batch = next(self)
        self._before, self._order, self._first = kept
        self._rng.bit_generator.state = state
        return batch

    def state_dict(self) -> dict[str, Any]:
        """The position in the order, in plain values."""
        return {"before": self._before, "first": self._first}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a position."""
        self._rng.bit_generator.state = state["before"]
        self._shuffle()
        self._first = state["first"]
