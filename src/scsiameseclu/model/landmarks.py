"""The fitted cells among which new cells find their neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.neighbors import NearestNeighbors

from scsiameseclu.graph.nearness import nearness

MAX_LANDMARKS = 10_000
N_NEIGHBOURS = 15


@dataclass(frozen=True)
class Neighbourhood:
    """Neighbours of cells among the landmarks.

    Attributes
    ----------
    indices, weights
        Which landmarks, and their weights, (n_cells, n_neighbours).
    self_weights
        The weight of each cell itself, (n_cells, 1).
    """

    indices: np.ndarray
    weights: np.ndarray
    self_weights: np.ndarray

    def mean(self, of_landmarks: np.ndarray) -> np.ndarray:
        """Weighted sum over the neighbours of values (n_landmarks, d), float32 (n_cells, d)."""
        values = of_landmarks[self.indices]
        return np.einsum("nk,nkd->nd", self.weights, values).astype(np.float32)

    def propagate(self, of_cells: np.ndarray, of_landmarks: np.ndarray) -> np.ndarray:
        """One step over the graph: each cell's value and its neighbours', by their weights."""
        return np.asarray(self.self_weights * of_cells + self.mean(of_landmarks))


@dataclass(frozen=True)
class Landmarks:
    """A sample of the fitted cells, at most 10,000.

    Attributes
    ----------
    components
        (n_landmarks, n_pcs), as the networks see them.
    once
        The components propagated once over the fitted graph, (n_landmarks, n_pcs).
    diffused
        Their personalised PageRank, (n_landmarks, n_pcs); None where view 2 is not diffused.
    latents
        Fused latents of each network, (n_networks, n_landmarks, latent_size); None unless new
        cells' latents are propagated over the graph.
    """

    components: np.ndarray
    once: np.ndarray
    diffused: np.ndarray | None = None
    latents: np.ndarray | None = None

    def neighbourhood(self, components: np.ndarray) -> Neighbourhood:
        """Neighbours of new cells, and weights that sum to 1 with the cell's own.

        A neighbour's weight falls off exponentially with its distance beyond the nearest, as in
        the fuzzy graph of UMAP; the cell weighs as much as its nearest neighbour.
        """
        n_neighbours = min(N_NEIGHBOURS, self.components.shape[0])
        search = NearestNeighbors(n_neighbors=n_neighbours).fit(self.components)
        distances, indices = search.kneighbors(components)
        strengths = nearness(distances)
        total = 1.0 + strengths.sum(axis=1, keepdims=True)
        weights, self_weights = (
            (strengths / total).astype(np.float32),
            (1.0 / total).astype(np.float32),
        )
        return Neighbourhood(indices, weights, self_weights)

    def propagate(
        self, components: np.ndarray, near: Neighbourhood, alpha: float | None
    ) -> tuple[np.ndarray, np.ndarray]:
        """The two views of new cells, by the same recursions as for the fitted cells.

        Parameters
        ----------
        components
            Of the new cells, (n_cells, n_pcs).
        near
            Their neighbours.
        alpha
            Restart probability of the diffusion; None where view 2 is not diffused.

        Returns
        -------
        Components propagated twice, and diffused ones; (n_cells, n_pcs).
        """
        twice = near.propagate(near.propagate(components, self.components), self.once)
        if alpha is None:
            return twice, twice
        assert self.diffused is not None
        # the cell is on both sides of x = (1 - alpha) (self_weight x + mean) + alpha c
        known = (1 - alpha) * near.mean(self.diffused) + alpha * components
        diffused = known / (1 - (1 - alpha) * near.self_weights)
        return twice, diffused.astype(np.float32)

    def read_out(self, latents: np.ndarray, network: int, near: Neighbourhood) -> np.ndarray:
        """New cells' fused latents of one network as they are clustered, (n_cells, latent_size)."""
        if self.latents is None:
            return latents
        return np.asarray(near.propagate(latents, self.latents[network]), dtype=np.float32)


def choose_landmarks(n_cells: int, seed: int) -> np.ndarray:
    """Which cells to keep, sorted: all, or 10,000 drawn at random."""
    if n_cells <= MAX_LANDMARKS:
        return np.arange(n_cells)
    chosen = np.random.default_rng(seed).choice(n_cells, MAX_LANDMARKS, replace=False)
    return np.sort(chosen)
