"""Scores of S phase and G2/M, and the phase of each cell."""

from __future__ import annotations

import warnings

import anndata as ad
import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from scsiameseclu.genes.gene_classes import cell_cycle_genes
from scsiameseclu.preprocess.quality.metrics import cells_per_gene

COLUMNS = ("S_score", "G2M_score", "phase")
PHASES = ("G1", "S", "G2M")
MIN_MARKERS = 10
"""Minimum number of detected markers of each phase."""
CONTROL_POOL = 2000
"""Number of genes from which the control genes are chosen."""
TARGET_TOTAL = 1e4


def cell_cycle(
    counts: csr_matrix, symbols: list[str], organism: str, names: pd.Index, *, seed: int
) -> pd.DataFrame:
    """Score the cell cycle with ``scanpy.tl.score_genes_cell_cycle``.

    The score of a phase is the mean of the log-normalised expression of its markers, minus that of
    control genes of similar mean expression (Tirosh et al. 2016, doi:10.1126/science.aad0501). A
    cell is in G1 if both scores are negative, otherwise in the phase with the larger score.

    Parameters
    ----------
    counts
        Raw counts, (n_cells, n_genes).
    symbols
        Gene symbols, (n_genes,).
    organism
        As returned by :func:`scsiameseclu.genes.organism.detect_organism`.
    names
        Cell names, (n_cells,).
    seed
        Seed for the choice of the control genes.

    Returns
    -------
    DataFrame indexed by ``names`` with the columns ``S_score``, ``G2M_score`` (float64) and
    ``phase`` (categories G1, S and G2M). All are missing if fewer than ten markers of a phase are
    detected; the phase of an empty cell is missing too.
    """
    import scanpy as sc

    unknown = pd.DataFrame(
        {
            "S_score": np.nan,
            "G2M_score": np.nan,
            "phase": pd.Categorical([None] * len(names), PHASES),
        },
        index=names,
    )
    detected = cells_per_gene(counts) > 0
    markers = cell_cycle_genes(symbols, organism)
    markers = {phase: genes[detected[genes]] for phase, genes in markers.items()}
    if min(map(len, markers.values())) < MIN_MARKERS:
        return unknown
    chosen = _with_controls(np.concatenate(list(markers.values())), detected, seed)
    totals = np.asarray(counts.sum(axis=1, dtype=np.float64)).ravel()
    part = counts[:, chosen].astype(np.float32)
    part.data *= np.repeat(
        np.divide(TARGET_TOTAL, totals, out=np.zeros_like(totals), where=totals > 0),
        np.diff(part.indptr),
    ).astype(np.float32)
    np.log1p(part.data, out=part.data)
    work = ad.AnnData(
        part,
        obs=pd.DataFrame(index=[str(cell) for cell in range(len(names))]),
        var=pd.DataFrame(index=[str(gene) for gene in chosen]),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sc.tl.score_genes_cell_cycle(
            work,
            s_genes=[str(gene) for gene in markers["S"]],
            g2m_genes=[str(gene) for gene in markers["G2M"]],
            random_state=seed,
        )
    phase = work.obs["phase"].astype(object).where(totals > 0, None)
    return pd.DataFrame(
        {
            "S_score": work.obs["S_score"].to_numpy(dtype=float),
            "G2M_score": work.obs["G2M_score"].to_numpy(dtype=float),
            "phase": pd.Categorical(phase, PHASES),
        },
        index=names,
    )


def _with_controls(markers: np.ndarray, detected: np.ndarray, seed: int) -> np.ndarray:
    """Positions of the markers and of the pool of control genes, in ascending order."""
    others = np.setdiff1d(np.flatnonzero(detected), markers)
    if len(others) > CONTROL_POOL:
        others = np.random.default_rng(seed).choice(others, CONTROL_POOL, replace=False)
    return np.union1d(markers, others)
