"""Rank sums of groups of cells, from the stored values of a sparse matrix."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from scsiameseclu.store.provenance import threads_in_use

GENES_AT_ONCE = 1_000
"""Genes of a thread converted to columns at once, which bounds memory."""


@dataclass(frozen=True)
class RankSums:
    """Rank sums of one gene per column.

    Attributes
    ----------
    sizes
        Number of cells of each group, (n_groups,).
    total
        Sum of the mid-ranks, among all cells, of the cells of each group, (n_groups, n_genes).
    ties
        :math:`\\sum_t (t^3 - t)` over the groups of :math:`t` equal values, (n_genes,).
    """

    sizes: np.ndarray
    total: np.ndarray
    ties: np.ndarray

    @property
    def auc(self) -> np.ndarray:
        """Area under the ROC curve of each group against the other cells, (n_groups, n_genes).

        With :math:`U = R - n (n + 1) / 2`, it is :math:`U / (n (N - n))` (Mann and Whitney 1947,
        doi:10.1214/aoms/1177730491).
        """
        inside, outside = self._inside_and_outside()
        return np.asarray((self.total - inside * (inside + 1) / 2) / (inside * outside))

    @property
    def z(self) -> np.ndarray:
        """Standard normal scores, (n_groups, n_genes); 0 for a constant gene.

        The variance of :math:`U` is :math:`n (N - n) (N + 1) / 12`, times :attr:`tie_correction`.
        There is no correction for continuity, as in scanpy.
        """
        inside, outside = self._inside_and_outside()
        variance = inside * outside * (inside + outside + 1) / 12 * self.tie_correction
        difference = self.total - inside * (inside + outside + 1) / 2
        z = np.zeros_like(difference)
        np.divide(difference, np.sqrt(variance), out=z, where=variance > 0)
        return z

    @property
    def tie_correction(self) -> np.ndarray:
        """Factor by which ties shrink the variance: :math:`1 - \\sum_t (t^3 - t) / (N^3 - N)`."""
        n = float(self.sizes.sum())
        return np.asarray(np.clip(1 - self.ties / (n**3 - n), 0, None))

    def _inside_and_outside(self) -> tuple[np.ndarray, np.ndarray]:
        inside = self.sizes[:, None].astype(float)
        return inside, self.sizes.sum() - inside


def rank_sums(values: sp.csr_matrix, groups: np.ndarray, n_groups: int) -> RankSums:
    """Rank the cells by each gene, and sum the ranks of each group.

    Only the stored values are sorted; the zeros of a gene share one mid-rank. Genes are ranked in
    blocks, in as many threads as the stage has.

    Parameters
    ----------
    values
        (n_cells, n_genes).
    groups
        Number of the group of each cell, (n_cells,), from 0.
    n_groups
        Number of groups.
    """
    sizes = np.bincount(groups, minlength=n_groups)
    blocks = [
        slice(first, min(first + GENES_AT_ONCE, values.shape[1]))
        for first in range(0, values.shape[1], GENES_AT_ONCE)
    ]
    total, ties = np.zeros((n_groups, values.shape[1])), np.zeros(values.shape[1])

    def rank(genes: slice) -> None:
        columns = values[:, genes].tocsc()
        columns.eliminate_zeros()
        for gene, (first, end) in enumerate(
            zip(columns.indptr[:-1], columns.indptr[1:], strict=True), start=genes.start
        ):
            cells = columns.indices[first:end]
            total[:, gene], ties[gene] = _of_gene(columns.data[first:end], groups[cells], sizes)

    with ThreadPoolExecutor(threads_in_use()) as pool:
        list(pool.map(rank, blocks))
    return RankSums(sizes, total, ties)


def _of_gene(stored: np.ndarray, groups: np.ndarray, sizes: np.ndarray) -> tuple[np.ndarray, float]:
    """Rank sum of each group, and the sum over ties, of one gene.

    ``stored`` are the values other than 0 and ``groups`` those of their cells, both (n_stored,).
    """
    order = np.argsort(stored)
    ordered = stored[order]
    starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]][: ordered.size])
    lengths = np.diff(np.append(starts, ordered.size))
    n_zeros = sizes.sum() - ordered.size
    n_negative = np.searchsorted(ordered, 0)
    below = starts + np.where(starts >= n_negative, n_zeros, 0)
    ranks = np.repeat(below + (lengths + 1) / 2, lengths)
    zeros = (sizes - np.bincount(groups, minlength=sizes.size)) * (n_negative + (n_zeros + 1) / 2)
    total = np.bincount(groups[order], weights=ranks, minlength=sizes.size) + zeros
    tied = np.append(lengths, n_zeros).astype(float)
    return total, float((tied**3 - tied).sum())
