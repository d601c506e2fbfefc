"""The fitted cells that new cells find their neighbours among."""

from dataclasses import dataclass

import numpy as np
from sklearn.neighbors import NearestNeighbors

MAX_REFERENCE_CELLS = 10_000
N_NEIGHBOURS = 15


@dataclass(frozen=True)
class Reference:
    """A sample of the fitted cells, at most 10,000.

    Attributes
    ----------
    components
        (n_reference, n_pcs), as the model sees them.
    once
        The components propagated once over the fitted graph, (n_reference, n_pcs).
    diffused
        Their personalised PageRank, (n_reference, n_pcs).
    fused
        Latents of each network before propagation, (n_networks, n_reference, latent_size).
    """

    components: np.ndarray
    once: np.ndarray
    diffused: np.ndarray
    fused: np.ndarray

    def neighbours(self, components: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Neighbours of new cells, their weights, and the new cells' weight on themselves.

        Returns
        -------
        Indices and weights (n_cells, n_neighbours), own weight (n_cells, 1); weights and own
        weight sum to 1. A neighbour's weight falls off exponentially with its distance beyond the
        nearest, as in the fuzzy graph of UMAP; the cell weighs as much as its nearest neighbour.
        """
        n_neighbours = min(N_NEIGHBOURS, self.components.shape[0])
        search = NearestNeighbors(n_neighbors=n_neighbours).fit(self.components)
        distances, indices = search.kneighbors(components)
        beyond = distances - distances[:, :1]
        width = np.maximum(beyond.mean(axis=1, keepdims=True), 1e-12)
        strengths = np.exp(-beyond / width)
        total = 1.0 + strengths.sum(axis=1, keepdims=True)
        return indices, (strengths / total).astype(np.float32), (1.0 / total).astype(np.float32)

    def propagate(
        self, components: np.ndarray, alpha: float | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Graph inputs of new cells, by the same recursions as for the fitted cells.

        ``alpha`` is the restart probability, or None where diffusion is off.

        Returns
        -------
        Twice propagated and diffused components (n_cells, n_pcs), then what
        :meth:`neighbours` returns.
        """
        indices, weights, own = self.neighbours(components)
        once = own * components + _mix(weights, self.components[indices])
        twice = own * once + _mix(weights, self.once[indices])
        if alpha is None:
            return twice, twice, indices, weights, own
        # the cell stands on both sides of x = (1 - a) (own x + mix) + a c
        mixed = (1 - alpha) * _mix(weights, self.diffused[indices]) + alpha * components
        diffused = mixed / (1 - (1 - alpha) * own)
        return twice, diffused.astype(np.float32), indices, weights, own

    def smooth(
        self,
        fused: np.ndarray,
        network: int,
        indices: np.ndarray,
        weights: np.ndarray,
        own: np.ndarray,
    ) -> np.ndarray:
        """Propagate new cells' latents of one network over their neighbours."""
        neighbours = self.fused[network][indices]
        return np.asarray(own * fused + _mix(weights, neighbours), dtype=np.float32)


def _mix(weights: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Weighted sums over neighbours: (n, k) and (n, k, d) to (n, d)."""
    return np.einsum("nk,nkd->nd", weights, values).astype(np.float32)


def sample_reference(n_cells: int, seed: int) -> np.ndarray:
    """Which cells to keep, sorted: all, or 10,000 drawn at random."""
    if n_cells <= MAX_REFERENCE_CELLS:
        return np.arange(n_cells)
    chosen = np.random.default_rng(seed).choice(n_cells, MAX_REFERENCE_CELLS, replace=False)
    return np.sort(chosen)
