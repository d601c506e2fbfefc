"""Mean expression and share of expressing cells by cluster, without a dense matrix of cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from sklearn.cluster import KMeans
from sklearn.utils.sparsefuncs import mean_variance_axis

from scsiameseclu.one_thread import one_thread

MIN_GROUPS, MAX_GROUPS = 20, 200
MIN_CELLS = 10
MAX_FITTED, MAX_ITERATIONS = 20_000, 10
BLOCK_CELLS = 20_000
"""Cells whose values are held in double precision at once."""


class ClusterProfile(NamedTuple):
    """Mean expression and share of expressing cells of one cluster, each (n_genes,)."""

    mean: np.ndarray
    share: np.ndarray


@dataclass(frozen=True)
class Profiles:
    """One row per cluster.

    Attributes
    ----------
    clusters
        Names of the clusters.
    sizes
        Number of cells, shape (n_clusters,).
    mean
        Mean log-normalised expression, shape (n_clusters, n_genes).
    share
        Share of the cells that express a gene, 0 to 1, shape (n_clusters, n_genes).
    """

    clusters: list[str]
    sizes: np.ndarray
    mean: np.ndarray
    share: np.ndarray

    def row(self, cluster: str) -> ClusterProfile:
        """The profile of one cluster."""
        position = self.clusters.index(cluster)
        return ClusterProfile(self.mean[position], self.share[position])

    def rest(self) -> Profiles:
        """Profiles of the cells outside each cluster (NaN when there are none)."""
        others = self.sizes.sum() - self.sizes
        with np.errstate(invalid="ignore", divide="ignore"):
            mean, share = (
                ((self.sizes @ values) - self.sizes[:, None] * values) / others[:, None]
                for values in (self.mean, self.share)
            )
        # Subtraction leaves -1e-17 where there is nothing.
        return Profiles(self.clusters, others, np.maximum(mean, 0), np.maximum(share, 0))


@one_thread()
def similar_groups(embedding: np.ndarray, cells_per_group: int, seed: int) -> pd.Series:
    """Groups of neighbouring cells by k-means: categories of about ``cells_per_group`` cells.

    There are at most 200 groups, fitted on at most 20,000 cells, so time is linear in cells; and at
    least 20 if these have ten cells each, so that small samples do not mix their types.
    """
    cells = np.asarray(embedding, dtype=np.float32)
    smallest = min(MIN_GROUPS, max(len(cells) // MIN_CELLS, 1))
    n_groups = int(np.clip(len(cells) // cells_per_group, smallest, MAX_GROUPS))
    fitted = cells
    if len(cells) > MAX_FITTED:
        rows = np.random.default_rng(seed).choice(len(cells), MAX_FITTED, replace=False)
        fitted = cells[np.sort(rows)]
    kmeans = KMeans(n_groups, n_init=1, max_iter=MAX_ITERATIONS, random_state=seed).fit(fitted)
    labels = np.concatenate(
        [
            kmeans.predict(cells[start : start + MAX_FITTED])
            for start in range(0, len(cells), MAX_FITTED)
        ]
    )
    return pd.Series(pd.Categorical(labels.astype(str)))


def cluster_profiles(x: csr_matrix, clusters: pd.Series) -> Profiles:
    """Aggregate cells to clusters by sparse products, a block of cells at a time.

    Parameters
    ----------
    x
        Log-normalised expression, shape (n_cells, n_genes).
    clusters
        Categorical cluster of each cell; clusters without cells are left out.
    """
    labels = clusters.cat.remove_unused_categories()
    codes, names = labels.cat.codes.to_numpy(), [str(name) for name in labels.cat.categories]
    sizes = np.bincount(codes[codes >= 0], minlength=len(names))
    mean, share = np.zeros((2, len(names), x.shape[1]))
    for first in range(0, x.shape[0], BLOCK_CELLS):
        block = x[first : first + BLOCK_CELLS]
        assigned = codes[first : first + BLOCK_CELLS]
        cells = np.flatnonzero(assigned >= 0)
        member = csr_matrix(
            (np.ones(cells.size), (assigned[cells], cells)), (len(names), assigned.size)
        )
        mean += (member @ block).toarray()  # n_clusters x n_genes
        block.data = (block.data != 0).astype(np.float32)  # a copy already
        share += (member @ block).toarray()
    mean, share = mean / sizes[:, None], share / sizes[:, None]
    return Profiles(names, sizes, mean, share)


def mean_by_group(x: csr_matrix, groupings: Sequence[pd.Series]) -> list[np.ndarray]:
    """Mean expression of the groups of several groupings, in one pass over the cells.

    Parameters
    ----------
    x
        Log-normalised expression, (n_cells, n_genes).
    groupings
        Categorical group of each cell; no category is empty.

    Returns
    -------
    One array per grouping, (n_groups, n_genes).
    """
    numbers = [len(groups.cat.categories) for groups in groupings]
    before = np.cumsum([0, *numbers])
    codes = np.stack(
        [
            groups.cat.codes.to_numpy() + first
            for groups, first in zip(groupings, before, strict=False)
        ]
    )
    sums = np.zeros((before[-1], x.shape[1]))
    for first in range(0, x.shape[0], BLOCK_CELLS):
        block, rows = x[first : first + BLOCK_CELLS], codes[:, first : first + BLOCK_CELLS]
        cells = np.tile(np.arange(rows.shape[1]), len(rows))
        member = csr_matrix((np.ones(rows.size), (rows.ravel(), cells)), (len(sums), rows.shape[1]))
        sums += (member @ block).toarray()
    sums /= np.bincount(codes.ravel(), minlength=len(sums))[:, None]
    return np.split(sums, before[1:-1])


def gene_deviation(x: csr_matrix) -> np.ndarray:
    """Standard deviation of each gene over all cells, shape (n_genes,)."""
    deviation: np.ndarray = np.sqrt(mean_variance_axis(x, axis=0)[1])
    return deviation


@dataclass(frozen=True)
class ClusterMoments:
    """Mean and unbiased variance of normalised counts by cluster, and the sizes of clusters.

    ``mean`` and ``variance`` are (n_clusters, n_genes), one row per category; 0 for empty ones.
    """

    sizes: np.ndarray
    mean: np.ndarray
    variance: np.ndarray


def cluster_moments(logged: csr_matrix, clusters: pd.Series) -> ClusterMoments:
    """Moments of normalised counts, not of their logarithms, a block of cells at a time.

    Parameters
    ----------
    logged
        Log-normalised expression, (n_cells, n_genes).
    clusters
        Categorical cluster of each cell.
    """
    codes, n_clusters = clusters.cat.codes.to_numpy(), len(clusters.cat.categories)
    sizes = np.bincount(codes, minlength=n_clusters)
    sums, squares = np.zeros((2, n_clusters, logged.shape[1]))
    for first in range(0, logged.shape[0], BLOCK_CELLS):
        block = logged[first : first + BLOCK_CELLS].astype(np.float64)
        assigned = codes[first : first + BLOCK_CELLS]
        member = csr_matrix(
            (np.ones(assigned.size), (assigned, np.arange(assigned.size))),
            (n_clusters, assigned.size),
        )
        block.data = np.expm1(block.data)
        sums += (member @ block).toarray()
        block.data **= 2
        squares += (member @ block).toarray()
    n_cells = np.maximum(sizes, 1)[:, None]
    mean = sums / n_cells
    variance = np.maximum(squares - n_cells * mean**2, 0) / np.maximum(n_cells - 1, 1)
    return ClusterMoments(n_cells.ravel(), mean, variance)
