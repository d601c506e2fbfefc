"""More clusters from a clustering that is agreed on: split off what other clusterings see."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

MIN_CELLS = 3  # of either part of a split


@dataclass(frozen=True)
class Split:
    """The cells that one cluster shares with a cluster of another partition get their own."""

    cluster: int
    partition: int
    piece: int

    def apply(self, labels: np.ndarray, partitions: Sequence[np.ndarray]) -> np.ndarray:
        """New labels (n_cells,), for the cells that both have; the new cluster is the last."""
        cells = (labels == self.cluster) & (partitions[self.partition] == self.piece)
        return np.where(cells, labels.max() + 1, labels)


def best_split(labels: np.ndarray, partitions: Sequence[np.ndarray]) -> Split | None:
    """The split after which the mean adjusted Rand index with all partitions is largest.

    Splitting a cluster of n cells into parts of a and n - a takes a (n - a) pairs from those
    within clusters, and from those within clusters of both partitions the sum over the other's
    clusters d of a_d (n_d - a_d); so all splits are scored by one product of indicator matrices.

    Parameters
    ----------
    labels
        Clusters 0 … n_clusters - 1, each with cells, (n_cells,).
    partitions
        Other clusterings of the same cells, each (n_cells,), integers from 0. They are what is
        agreed with, and their overlaps with the clusters are the splits that are tried.

    Returns
    -------
    Nothing where no cluster can be split into parts of at least three cells.
    """
    n_cells = labels.size
    sizes = np.array([partition.max() + 1 for partition in partitions])
    first = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    columns = np.concatenate([p + shift for p, shift in zip(partitions, first, strict=True)])
    others = _indicator(np.tile(np.arange(n_cells), len(partitions)), columns, n_cells)
    membership = _indicator(np.arange(n_cells), labels, n_cells)
    shared = np.asarray(
        (membership.T @ others).todense()
    )  # clusters x all clusters of all partitions
    cluster, column = np.nonzero(
        (shared >= MIN_CELLS) & (np.bincount(labels)[:, None] - shared >= MIN_CELLS)
    )
    if not cluster.size:
        return None
    parts = others[:, column].multiply(membership[:, cluster]).tocsc()
    # the same cells are often split off by many partitions: keep one of each
    marks = np.random.default_rng(0).normal(size=n_cells) @ parts
    kept = np.sort(np.unique(np.round(marks, 8), return_index=True)[1])
    cluster, column, parts = cluster[kept], column[kept], parts[:, kept]
    pieces = np.asarray((parts.T @ others).todense())
    lost = np.add.reduceat(pieces * (shared[cluster] - pieces), first, axis=1)
    size = np.asarray(parts.sum(axis=0)).ravel()
    within = _pairs(np.bincount(labels)).sum() - size * (np.bincount(labels)[cluster] - size)
    same = np.add.reduceat(_pairs(shared).sum(axis=0), first)[None, :] - lost
    theirs = np.add.reduceat(_pairs(np.asarray(others.sum(axis=0)).ravel()), first)
    expected = np.outer(within, theirs) / _pairs(np.array(n_cells))
    room = (within[:, None] + theirs[None, :]) / 2.0 - expected
    agreement = np.where(room > 0, (same - expected) / np.where(room > 0, room, 1.0), 1.0)
    best = int(agreement.mean(axis=1).argmax())
    partition = int(np.searchsorted(first, column[best], side="right")) - 1
    return Split(int(cluster[best]), partition, int(column[best] - first[partition]))


def _indicator(rows: np.ndarray, columns: np.ndarray, n_rows: int) -> sp.csc_matrix:
    ones = np.ones(rows.size)
    return sp.csc_matrix((ones, (rows, columns)), (n_rows, int(columns.max()) + 1))


def _pairs(counts: np.ndarray) -> np.ndarray:
    pairs: np.ndarray = counts * (counts - 1.0) / 2.0
    return pairs
