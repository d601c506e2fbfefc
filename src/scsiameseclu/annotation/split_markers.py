"""Genes that speak for every split of the tree of clusters."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
import scipy.sparse as sp

from scsiameseclu.annotation.markers import PSEUDOCOUNT, gene_flags
from scsiameseclu.annotation.profiles import BLOCK_CELLS
from scsiameseclu.clustering.nodes import node_name, splits
from scsiameseclu.genes.matching import GeneNames
from scsiameseclu.settings import MarkerSettings

TOP = 20
COLUMNS = [
    *("n_clusters", "parent", "child", "n_cells", "rank", "gene", "gene_id", "score"),
    *("log2_fold_change", "pct_in", "pct_out"),
]


def split_markers(
    values: sp.csr_matrix,
    genes: pd.DataFrame,
    leaves: np.ndarray,
    groups: np.ndarray,
    clusters: list[str],
    names: list[str],
    settings: MarkerSettings,
) -> pd.DataFrame:
    """Genes more highly expressed in one part of a split than in the others.

    The score is Welch's t of log-normalised expression, from the sums of every leaf; it compares
    cells of the split cluster only. Ribosomal and mitochondrial genes are left out.

    Parameters
    ----------
    values
        Log-normalised expression, (n_cells, n_genes).
    genes
        ``var`` of the genes.
    leaves
        Number of the finest cluster of each cell, (n_cells,).
    groups
        The cluster of each leaf at each level, (n_levels, n_leaves).
    clusters, names
        See :func:`scsiameseclu.clustering.nodes.node_name`.
    settings
        Minimum fold change and percentage of expressing cells.

    Returns
    -------
    Up to 20 rows per part of a split: ``n_clusters`` (after the split), ``parent``, ``child``,
    ``n_cells`` of the child, ``rank``, ``gene``, ``gene_id``, ``score``, ``log2_fold_change``,
    ``pct_in`` and ``pct_out``.
    """
    sums = _Sums.of(values, leaves, groups.shape[1])
    known = GeneNames.of(genes)
    usable = np.array([not flag for flag in gene_flags(known.symbols, known.ids)])
    named = pd.DataFrame({"gene": genes.index.astype(str), "gene_id": known.ids})
    parts = list(_parts(sums, named, usable, groups, clusters, names, settings))
    return pd.concat(parts, ignore_index=True)[COLUMNS] if parts else pd.DataFrame(columns=COLUMNS)


def _parts(
    sums: _Sums,
    named: pd.DataFrame,
    usable: np.ndarray,
    groups: np.ndarray,
    clusters: list[str],
    names: list[str],
    settings: MarkerSettings,
) -> Iterator[pd.DataFrame]:
    for split in splits(groups):
        for child in split.children:
            inside, outside = sums.over(child), sums.over(split.parent & ~child)
            table = named.assign(
                score=_welch(inside, outside),
                log2_fold_change=np.log2(
                    (np.expm1(inside.mean) + PSEUDOCOUNT) / (np.expm1(outside.mean) + PSEUDOCOUNT)
                ),
                pct_in=100 * inside.share,
                pct_out=100 * outside.share,
            )
            kept = usable & (table["log2_fold_change"] >= settings.min_log2_fold_change)
            kept &= (table["pct_in"] >= settings.min_pct_in) & (table["score"] > 0)
            top = table[kept].sort_values(["score", "gene"], ascending=[False, True]).head(TOP)
            yield top.assign(
                n_clusters=int(groups[split.level + 1].max()) + 1,
                parent=node_name(split.parent, clusters, names),
                child=node_name(child, clusters, names),
                n_cells=int(inside.n),
                rank=np.arange(1, len(top) + 1),
            )


class _Sums:
    """Sums over the cells of leaves: numbers of cells, values, squares and expressing cells."""

    def __init__(
        self, n: np.ndarray, total: np.ndarray, squares: np.ndarray, expressing: np.ndarray
    ) -> None:
        self.n_of_leaves, self.total, self.squares, self.expressing = n, total, squares, expressing

    @classmethod
    def of(cls, values: sp.csr_matrix, leaves: np.ndarray, n_leaves: int) -> _Sums:
        """Sum a block of cells at a time; the results are (n_leaves, n_genes)."""
        total, squares, expressing = np.zeros((3, n_leaves, values.shape[1]))
        for first in range(0, values.shape[0], BLOCK_CELLS):
            block = values[first : first + BLOCK_CELLS].astype(np.float64)
            assigned = leaves[first : first + BLOCK_CELLS]
            member = sp.csr_matrix(
                (np.ones(assigned.size), (assigned, np.arange(assigned.size))),
                (n_leaves, assigned.size),
            )
            total += (member @ block).toarray()
            expressing += (member @ (block > 0)).toarray()
            block.data **= 2  # a copy already
            squares += (member @ block).toarray()
        n_cells = np.bincount(leaves, minlength=n_leaves).astype(float)
        return cls(n_cells, total, squares, expressing)

    def over(self, leaves: np.ndarray) -> _Group:
        return _Group(
            float(self.n_of_leaves[leaves].sum()),
            *(part[leaves].sum(axis=0) for part in (self.total, self.squares, self.expressing)),
        )


class _Group:
    """Mean, variance and share of expressing cells of each gene, (n_genes,)."""

    def __init__(
        self, n: float, total: np.ndarray, squares: np.ndarray, expressing: np.ndarray
    ) -> None:
        self.n = n
        self.mean = total / n
        self.share = expressing / n
        self.variance = np.clip(squares - n * self.mean**2, 0, None) / max(n - 1, 1)


def _welch(inside: _Group, outside: _Group) -> np.ndarray:
    error = np.sqrt(inside.variance / inside.n + outside.variance / outside.n)
    difference = inside.mean - outside.mean
    return np.divide(difference, error, out=np.zeros_like(difference), where=error > 0)
