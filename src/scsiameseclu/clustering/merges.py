"""Clusterings with fewer clusters, from one with more: the merges that others agree with most."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp


@dataclass(frozen=True)
class Candidate:
    """A member's clustering, or what is left of it after some of its clusters were merged.

    Attributes
    ----------
    member
        Position of the member.
    groups
        For each of the member's clusters, the cluster that it is part of, numbered from 0; -1 for
        a cluster without any of the compared cells, which stays apart.
    sizes
        Number of cells of each cluster, (n_clusters,).
    expected
        Weighted mean adjusted Rand index with the voters.
    """

    member: int
    groups: np.ndarray
    sizes: np.ndarray
    expected: float

    def labels(self, partition: np.ndarray) -> np.ndarray:
        """Clusters of cells, (n_cells,), from their clusters by the member."""
        groups = self.groups[partition]
        return np.asarray(np.where(groups >= 0, groups, self.groups.size + partition))


class Voters:
    """Clusterings of the same cells, and the weight of each.

    Parameters
    ----------
    partitions
        Clusters from 0, each (n_cells,).
    weights
        (n_voters,), positive; their scale does not matter.
    """

    def __init__(self, partitions: Sequence[np.ndarray], weights: np.ndarray) -> None:
        self.weights = np.asarray(weights, dtype=float) / np.sum(weights)
        n_cells = partitions[0].size
        codes = [np.unique(labels, return_inverse=True)[1] for labels in partitions]
        lengths = [labels.max() + 1 for labels in codes]
        self.first = np.concatenate([[0], np.cumsum(lengths)[:-1]])
        columns = np.concatenate([c + shift for c, shift in zip(codes, self.first, strict=True)])
        rows = np.tile(np.arange(n_cells), len(codes))
        self.indicator = sp.csr_matrix((np.ones(rows.size), (rows, columns)))
        self.n_pairs = max(n_cells * (n_cells - 1) / 2.0, 1.0)
        self.within = np.add.reduceat(
            _pairs(np.asarray(self.indicator.sum(axis=0)).ravel()), self.first
        )

    def by_voter(self, codes: np.ndarray) -> np.ndarray:
        """Adjusted Rand index of clusters from 0, (n_cells,), with each voter, (n_voters,)."""
        table, sizes = self._contingency(codes), np.bincount(codes).astype(float)
        return np.asarray(self._index(self._both(table)[None], _pairs(sizes).sum(keepdims=True))[0])

    def after_unions(self, codes: np.ndarray, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """The same after the union of two clusters, for each of some pairs, (n_pairs, n_voters)."""
        table, sizes = self._contingency(codes), np.bincount(codes).astype(float)
        return self._index(*self._joined(table, sizes, self._both(table), one, other))

    def merged(
        self,
        partitions: Sequence[np.ndarray],
        n_clusters: Sequence[int],
        parents: Sequence[np.ndarray] | None = None,
    ) -> list[Candidate]:
        """Clusterings with so many clusters, and all on the way from each of them to two clusters.

        With ``parents``, (n_clusters,) for each clustering, only clusters of the same parent are
        merged.

        In each step, those two clusters are merged whose union is agreed on most. Merging clusters
        of a and b cells adds a b pairs to those within clusters and, with a voter that has a_d and
        b_d of them in its cluster d, the sum of a_d b_d to those within clusters of both; so all
        pairs are scored by one product of their rows in the table of contingencies.
        """
        return [
            candidate
            for member, (partition, n) in enumerate(zip(partitions, n_clusters, strict=True))
            for candidate in self._path(member, partition, n, parents[member] if parents else None)
        ]

    def _path(
        self, member: int, partition: np.ndarray, n_clusters: int, parents: np.ndarray | None
    ) -> Iterator[Candidate]:
        alive, codes = np.unique(partition, return_inverse=True)
        groups = np.full(n_clusters, -1)
        groups[alive] = np.arange(alive.size)
        table = self._contingency(codes)
        sizes = np.bincount(codes).astype(float)
        parent = np.zeros(alive.size) if parents is None else parents[alive]
        both = self._both(table)
        expected = float(self._agreement(both[None], _pairs(sizes).sum(keepdims=True))[0])
        yield Candidate(member, groups.copy(), sizes.copy(), expected)
        while sizes.size > (2 if parents is None else 1):
            one, other = np.triu_indices(sizes.size, 1)
            same = parent[one] == parent[other]
            one, other = one[same], other[same]
            if not one.size:
                return
            together, within = self._joined(table, sizes, both, one, other)
            agreement = self._agreement(together, within)
            best = int(agreement.argmax())
            kept, gone = int(one[best]), int(other[best])
            both = together[best]
            table[kept] += table[gone]
            sizes[kept] += sizes[gone]
            table, sizes = np.delete(table, gone, axis=0), np.delete(sizes, gone)
            parent = np.delete(parent, gone)
            groups[groups == gone] = kept
            groups[groups > gone] -= 1
            yield Candidate(member, groups.copy(), sizes.copy(), float(agreement[best]))

    def _agreement(self, both: np.ndarray, within: np.ndarray) -> np.ndarray:
        """Weighted mean adjusted Rand index from pairs within clusters of both and of one."""
        return np.asarray(self._index(both, within) @ self.weights)

    def _both(self, table: np.ndarray) -> np.ndarray:
        """Pairs of cells within a cluster and a cluster of each voter, (n_voters,)."""
        return np.asarray(np.add.reduceat(_pairs(table).sum(axis=0), self.first))

    def _joined(
        self,
        table: np.ndarray,
        sizes: np.ndarray,
        both: np.ndarray,
        one: np.ndarray,
        other: np.ndarray,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Pairs within clusters of both and of one, after the union of two clusters."""
        together = both + np.add.reduceat(table[one] * table[other], self.first, axis=1)
        return together, _pairs(sizes).sum() + sizes[one] * sizes[other]

    def _contingency(self, codes: np.ndarray) -> np.ndarray:
        """Cells of each cluster in each cluster of the voters, (n_clusters, n_of_voters)."""
        members = sp.csr_matrix((np.ones(codes.size), (codes, np.arange(codes.size))))
        return np.asarray((members @ self.indicator).todense())

    def _index(self, both: np.ndarray, within: np.ndarray) -> np.ndarray:
        """Adjusted Rand index with each voter."""
        chance = within[:, None] * self.within / self.n_pairs
        room = (within[:, None] + self.within) / 2.0 - chance
        return np.where(room > 0, (both - chance) / np.where(room > 0, room, 1.0), 1.0)


def _pairs(counts: np.ndarray) -> np.ndarray:
    pairs: np.ndarray = counts * (counts - 1.0) / 2.0
    return pairs
