"""Micro-clusters of a batch, and values that are interpolated between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.cluster import KMeans

from scsiameseclu.preprocess.signal import signal_weights

CELLS_PER_MICRO = 10
MAX_MICRO = 300
MAX_FITTED = 20_000
"""Number of cells of a batch that k-means is fitted to."""
BLOCK = 4096


@dataclass(frozen=True)
class MatchingSpace:
    """Where cells of different batches are compared: directions of the components' signal.

    Attributes
    ----------
    centre, weights
        Mean and signal weight of each component over the cells of all batches, (n_components,).
    """

    centre: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, components: np.ndarray) -> MatchingSpace:
        """The space of these cells, (n_cells, n_components)."""
        weights = signal_weights(components.astype(np.float32)).astype(np.float64)
        return cls(components.mean(axis=0, dtype=np.float64), weights)

    def directions(self, components: np.ndarray) -> np.ndarray:
        """Rows of length 1, (n, n_components)."""
        signal = (components - self.centre) * self.weights
        unit: np.ndarray = signal / np.maximum(np.linalg.norm(signal, axis=1, keepdims=True), 1e-12)
        return unit


def cosine_distances(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Between rows of length 1, (n_first, n_second)."""
    distances: np.ndarray = np.maximum(1.0 - first @ second.T, 0.0)
    return distances


def spacing(directions: np.ndarray) -> float:
    """Median cosine distance of micro-clusters to the nearest other one."""
    distances = cosine_distances(directions, directions)
    np.fill_diagonal(distances, np.inf)
    return max(float(np.median(distances.min(axis=1))), 1e-3)


@dataclass(frozen=True)
class MicroClusters:
    """Micro-clusters of the cells of one batch.

    Attributes
    ----------
    labels
        Micro-cluster of each cell, (n_cells,).
    masses
        Number of cells in each, (n_micro,).
    """

    labels: np.ndarray
    masses: np.ndarray

    @classmethod
    def of(cls, directions: np.ndarray, seed: int) -> MicroClusters:
        """k-means of the cells' directions, with about ten cells to a cluster, at most 300.

        The result does not depend on the order of the cells.
        """
        n_cells = directions.shape[0]
        n_micro = int(np.clip(n_cells // CELLS_PER_MICRO, 2, MAX_MICRO))
        order = in_order(directions)
        if n_cells > MAX_FITTED:
            chosen = np.random.default_rng(seed).choice(n_cells, MAX_FITTED, replace=False)
            order = order[np.sort(chosen)]
        kmeans = KMeans(n_micro, n_init=1, max_iter=50, random_state=seed).fit(directions[order])
        labels = np.unique(kmeans.predict(directions), return_inverse=True)[1]
        return cls(labels, np.bincount(labels).astype(np.float64))

    def means(self, values: np.ndarray) -> np.ndarray:
        """Mean of values (n_cells, d) in each micro-cluster, (n_micro, d)."""
        sums = np.zeros((len(self.masses), values.shape[1]))
        np.add.at(sums, self.labels, values)
        return sums / self.masses[:, None]


def in_order(values: np.ndarray) -> np.ndarray:
    """An order of the rows that depends on their values alone, (n_rows,)."""
    return np.lexsort(values.T[::-1])


def interpolate(
    directions: np.ndarray,
    anchors: np.ndarray,
    masses: np.ndarray,
    bandwidth: float,
    values: np.ndarray,
) -> np.ndarray:
    """Values of micro-clusters at the places of cells.

    The weight of a micro-cluster is its mass times ``exp(-distance / bandwidth)``.

    Parameters
    ----------
    directions, anchors
        Of cells and micro-clusters, (n_cells, n_components) and (n_micro, n_components).
    masses
        Of the micro-clusters, (n_micro,).
    values
        Of the micro-clusters, (n_micro, d).

    Returns
    -------
    (n_cells, d).
    """
    out = np.empty((directions.shape[0], values.shape[1]))
    for first in range(0, directions.shape[0], BLOCK):
        part = slice(first, first + BLOCK)
        distances = cosine_distances(directions[part], anchors)
        distances -= distances.min(axis=1, keepdims=True)
        weights = masses * np.exp(-distances / bandwidth)
        out[part] = weights @ values / weights.sum(axis=1, keepdims=True)
    return out
