"""Doublet scores: the share of simulated doublets among the nearest neighbours of a cell."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix
from sklearn.neighbors import NearestNeighbors

from scsiameseclu.preprocess.expression import (
    choose_variable_genes,
    divide_and_log,
    median_total,
)
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


def doublet_scores(counts: csr_matrix, seed: int) -> np.ndarray:
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

    Parameters
    ----------
    counts
        Raw counts, (n_cells, n_genes).
    seed
        Seed for the pairs and the components.

    Returns
    -------
    Scores from 0 to 1, (n_cells,); :data:`ENRICHED` is that of random neighbours. NaN for all cells
    if no three genes vary between the cells, and for cells without counts in the expressed genes.
    """
    detected = np.bincount(counts.indices[counts.data > 0], minlength=counts.shape[1])
    counts = counts[:, detected >= MIN_CELLS]
    totals = np.asarray(counts.sum(axis=1), dtype=np.float64).ravel()
    score = np.full(len(totals), np.nan)
    cells = np.flatnonzero(totals > 0)
    if len(cells) > N_COMPONENTS:
        score[cells] = _scores(counts[cells], totals[cells], seed)
    return score


def _scores(counts: csr_matrix, totals: np.ndarray, seed: int) -> np.ndarray:
    n_cells = len(totals)
    middle = median_total(counts)
    logged = divide_and_log(counts, totals / middle)
    variable = _variable(logged)
    if variable.sum() < MIN_CELLS:
        return np.full(n_cells, np.nan)
    pairs = np.random.default_rng(seed).integers(0, n_cells, (2, SIMULATED * n_cells))
    genes = counts[:, variable]
    summed = csr_matrix(genes[pairs[0]] + genes[pairs[1]])
    of_pairs = totals[pairs[0]] + totals[pairs[1]]
    points = _components(logged[:, variable], divide_and_log(summed, of_pairs / middle), seed)
    log_totals = np.log(np.concatenate([totals, of_pairs]))
    points = np.c_[points, _with_variance_of_component(log_totals, points, n_cells)]
    return _share_simulated(points, n_cells)


def _variable(logged: csr_matrix) -> np.ndarray:
    """Mask of the highly variable genes, (n_genes,)."""
    adata = ad.AnnData(logged, obs=pd.DataFrame(index=[str(i) for i in range(logged.shape[0])]))
    choose_variable_genes(adata, ExpressionSettings())
    mask: np.ndarray = adata.var["highly_variable"].to_numpy()
    return mask


def _components(cells: csr_matrix, doublets: csr_matrix, seed: int) -> np.ndarray:
    """Scores of cells and doublets on the components of the cells, (n_points, n_components)."""
    import scanpy as sc

    n_components = min(N_COMPONENTS, min(cells.shape) - 1)
    scores, loadings, *_ = sc.pp.pca(
        cells, n_comps=n_components, random_state=seed, return_info=True, dtype="float32"
    )
    centre = np.asarray(cells.mean(axis=0)).ravel() @ loadings.T
    return np.concatenate([scores, doublets @ loadings.T - centre])


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
