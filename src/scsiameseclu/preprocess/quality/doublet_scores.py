"""Doublet scores: the share of simulated doublets among the nearest neighbours of a cell."""

from __future__ import annotations

from dataclasses import dataclass

import anndata as ad
import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from sklearn.neighbors import NearestNeighbors

from scsiameseclu.limits import MAX_SCORED_CELLS
from scsiameseclu.preprocess.expression import choose_variable_genes, divide_and_log
from scsiameseclu.preprocess.quality.metrics import cells_per_gene
from scsiameseclu.settings import ExpressionSettings

SIMULATED = 2
"""Number of simulated doublets per cell."""
N_COMPONENTS = 30
MIN_CELLS = 3
"""Minimum number of cells that express a gene, as in the Scrublet of scanpy."""
BLOCK_CELLS = 2_000
"""Number of cells whose neighbours are searched at once."""
ENRICHED = SIMULATED / (1 + SIMULATED)
"""Score of a cell whose neighbourhood has the same share of simulated doublets as all points."""


def doublet_scores(counts: csr_matrix, seed: int, *, cells: np.ndarray | None = None) -> np.ndarray:
    """Score the cells of one capture, as DoubletFinder does.

    Counts of random pairs of cells are added. Cells and simulated doublets are projected onto
    principal components of the log-normalised variable genes of the cells (not scaled to unit
    variance, which would give noise the same weight as cell types), and one more coordinate: the
    log total counts, with the mean variance of a component. The score is the share of simulated
    doublets among the :math:`k = \\sqrt{n} (1 + r) / 2` nearest points of a cell, for :math:`n`
    cells and :math:`r` simulated doublets per cell: McGinnis et al. (2019),
    doi:10.1016/j.cels.2019.03.003, with Scrublet's size of the neighbourhood (Wolock et al. 2019,
    doi:10.1016/j.cels.2018.11.005). Doublets of two cells of one type differ from other cells in
    their counts only.

    A capture of more than :data:`~scsiameseclu.limits.MAX_SCORED_CELLS` cells is split at random
    into parts of equal size, each with its own doublets. Genes and components are those of the
    first part.

    Parameters
    ----------
    counts
        Raw counts, (n_cells, n_genes).
    seed
        Seed for the pairs, the components and the parts.
    cells
        Positions of the cells to score; all by default.

    Returns
    -------
    Scores from 0 to 1, (n_cells,); :data:`ENRICHED` is that of random neighbours. NaN for all cells
    if no three genes vary between the cells, and for cells without counts in the expressed genes.
    """
    everyone = np.arange(counts.shape[0]) if cells is None else cells
    score = np.full(everyone.size, np.nan)
    parts = _parts(everyone.size, seed)
    space = _fit(counts[everyone[parts[0]]], seed)
    if space is not None:
        for part in parts:
            score[part] = _scores(counts[everyone[part]], space, seed)
    return score


def _parts(n_cells: int, seed: int) -> list[np.ndarray]:
    """Split cells at random into parts of at most :data:`MAX_SCORED_CELLS` cells."""
    n_parts = -(-n_cells // MAX_SCORED_CELLS)
    if n_parts <= 1:
        return [np.arange(n_cells)]
    mixed = np.random.default_rng(seed).permutation(n_cells)
    return [np.sort(part) for part in np.array_split(mixed, n_parts)]


@dataclass(frozen=True)
class _Space:
    """Genes and components of a part of a capture.

    Attributes
    ----------
    expressed
        Mask of the genes whose counts make the total of a cell, (n_genes,).
    variable
        Positions of the variable genes, (n_variable,).
    loadings, centre
        Components of these genes, (n_components, n_variable), and the scores of their means,
        (n_components,).
    median_total
        Total counts that correspond to a size factor of 1.
    """

    expressed: np.ndarray
    variable: np.ndarray
    loadings: np.ndarray
    centre: np.ndarray
    median_total: float

    def totals(self, counts: csr_matrix) -> np.ndarray:
        """Counts of each cell in the expressed genes, (n_cells,)."""
        return np.asarray(counts @ self.expressed.astype(np.float64)).ravel()

    def project(self, genes: csr_matrix, totals: np.ndarray) -> np.ndarray:
        """Scores of cells from counts of the variable genes, (n_cells, n_components)."""
        logged = divide_and_log(genes, totals / self.median_total)
        return np.asarray(logged @ self.loadings.T - self.centre)


def _fit(counts: csr_matrix, seed: int) -> _Space | None:
    """Choose the genes and fit the components; None if there are too few cells or genes."""
    import scanpy as sc

    detected = cells_per_gene(counts)
    expressed = detected >= MIN_CELLS
    counts = counts[:, expressed]
    totals = np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()
    counts, totals = counts[totals > 0], totals[totals > 0]
    if len(totals) <= N_COMPONENTS:
        return None
    middle = float(np.median(totals))
    logged = divide_and_log(counts, totals / middle)
    variable = _variable(logged)
    if variable.sum() < MIN_CELLS:
        return None
    logged = logged[:, variable]
    _, loadings, *_ = sc.pp.pca(
        logged,
        n_comps=min(N_COMPONENTS, min(logged.shape) - 1),
        random_state=seed,
        return_info=True,
        dtype="float32",
    )
    return _Space(
        expressed=expressed,
        variable=np.flatnonzero(expressed)[variable],
        loadings=loadings,
        centre=np.asarray(logged.mean(axis=0)).ravel() @ loadings.T,
        median_total=middle,
    )


def _scores(counts: csr_matrix, space: _Space, seed: int) -> np.ndarray:
    """Scores of a part of the cells, (n_cells,); NaN for cells without expressed genes."""
    score = np.full(counts.shape[0], np.nan)
    totals = space.totals(counts)
    cells = np.flatnonzero(totals > 0)
    genes, totals = counts[cells][:, space.variable], totals[cells]
    n_cells = cells.size
    pairs = np.random.default_rng(seed).integers(0, n_cells, (2, SIMULATED * n_cells))
    summed = csr_matrix(genes[pairs[0]] + genes[pairs[1]])
    of_pairs = totals[pairs[0]] + totals[pairs[1]]
    points = np.concatenate([space.project(genes, totals), space.project(summed, of_pairs)])
    log_totals = np.log(np.concatenate([totals, of_pairs]))
    points = np.c_[points, _with_variance_of_component(log_totals, points, n_cells)]
    score[cells] = _share_simulated(points, n_cells)
    return score


def _variable(logged: csr_matrix) -> np.ndarray:
    """Mask of the highly variable genes, (n_genes,)."""
    adata = ad.AnnData(logged, obs=pd.DataFrame(index=[str(i) for i in range(logged.shape[0])]))
    choose_variable_genes(adata, ExpressionSettings())
    mask: np.ndarray = adata.var["highly_variable"].to_numpy()
    return mask


def _with_variance_of_component(
    log_totals: np.ndarray, points: np.ndarray, n_cells: int
) -> np.ndarray:
    """Log totals, centred, with the mean variance of a component over the cells, (n_points,)."""
    of_cells = log_totals[:n_cells]
    deviation = np.sqrt(points[:n_cells].var(axis=0).mean())
    scaled: np.ndarray = (log_totals - of_cells.mean()) * deviation / max(of_cells.std(), 1e-12)
    return scaled


def _share_simulated(points: np.ndarray, n_cells: int) -> np.ndarray:
    """Share of points from ``n_cells`` on among the nearest points of each cell, (n_cells,)."""
    points = points.astype(np.float32)
    n_nearest = max(1, round(0.5 * np.sqrt(n_cells) * (1 + SIMULATED)))
    search = NearestNeighbors(n_neighbors=n_nearest + 1).fit(points)
    score = np.empty(n_cells)
    for first in range(0, n_cells, BLOCK_CELLS):
        block = np.arange(first, min(first + BLOCK_CELLS, n_cells))
        nearest = search.kneighbors(points[block], return_distance=False)
        others = nearest != block[:, None]
        others[others.all(axis=1), -1] = False  # among equal points, the cell itself may be missing
        score[block] = ((nearest >= n_cells) & others).sum(axis=1) / n_nearest
    return score
