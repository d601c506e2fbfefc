"""States of clusters beside their types: dividing, interferon, stress, hypoxia, quality, doublets.

States of gene expression are scored like types, from ``cell_states.tsv`` (columns ``state``,
``gene``, ``mouse_gene`` and ``source``, a publication on the state in which the genes were not
looked up one by one); dividing cells also by the markers of the cell cycle in
:mod:`scsiameseclu.genes.gene_classes`. A state is a flag: it does not compete with types or other
states.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from importlib.resources import files

import numpy as np
import pandas as pd

from scsiameseclu.annotation.evidence import compare_with_random, set_scores
from scsiameseclu.annotation.marker_sets import SPECIES_COLUMN
from scsiameseclu.genes.gene_classes import cell_cycle_genes

DIVIDING, LOW_QUALITY, DOUBLETS = "dividing", "low quality", "doublet-like"
MIN_GENES = 3
"""Smallest number of a state's genes in the data."""
MIN_SCORE = 5.0
"""Smallest score of a state, a t value; random sets must reach less in 95 % of cases."""
MIN_SIGNAL = 0.25
"""Smallest mean signal of a state's genes, in standard deviations of cells."""
FEW_GENES, MUCH_MITOCHONDRIAL = 0.6, 1.5
"""A cluster is of low quality if its median of detected genes, relative to the median cell, is
below the first and that of the mitochondrial share above the second."""
MANY_DOUBLETS = 0.5
"""Smallest share of called doublets in a cluster of doublets."""


def state_genes(symbols: Sequence[str], organism: str) -> dict[str, np.ndarray]:
    """Positions of each state's genes among the symbols; states with too few are left out."""
    if organism not in SPECIES_COLUMN:
        return {}
    with (files("scsiameseclu.annotation") / "cell_states.tsv").open(encoding="utf-8") as lines:
        table = pd.read_csv(lines, sep="\t", dtype=str, keep_default_na=False)
    upper = [symbol.upper() for symbol in symbols]
    known = "human" if organism not in ("human", "mouse") else organism
    cycle = cell_cycle_genes(symbols, known)
    positions = {}
    for state, rows in table.groupby("state", sort=False):
        genes = set(rows[SPECIES_COLUMN[organism]].str.upper()) - {""}
        positions[str(state)] = np.flatnonzero([symbol in genes for symbol in upper])
    positions[DIVIDING] = np.unique(np.concatenate([positions[DIVIDING], *cycle.values()]))
    return {state: genes for state, genes in positions.items() if len(genes) >= MIN_GENES}


def expressed_states(
    signal: pd.DataFrame, expression: np.ndarray, genes: Mapping[str, np.ndarray], seed: int
) -> list[list[str]]:
    """States whose genes are raised in each cluster.

    Parameters
    ----------
    signal
        Signal, shape (n_clusters, n_genes in use); the columns are positions of genes, as text.
    expression
        Mean expression of the genes in use.
    genes
        Positions of each state's genes, as of :func:`state_genes`.
    seed
        Seed of the random sets.
    """
    place = {int(name): i for i, name in enumerate(signal.columns)}
    states: list[list[str]] = [[] for _ in range(len(signal))]
    for state, positions in genes.items():
        members = np.array([place[gene] for gene in positions if gene in place], dtype=int)
        if len(members) < MIN_GENES:
            continue
        for row, values in enumerate(signal.to_numpy()):
            score = set_scores(values, members[None])[0]
            if score < MIN_SCORE or values[members].mean() < MIN_SIGNAL:
                continue
            if score > compare_with_random(values, expression, members, seed).limit:
                states[row].append(state)
    return states


def with_quality_states(
    table: pd.DataFrame, clusters: pd.Series, quality: pd.DataFrame, doublets: Collection[str]
) -> pd.DataFrame:
    """Add the flags for low quality and doublets to ``states`` of a table of clusters.

    Parameters
    ----------
    table
        One row per cluster, with ``cluster`` and ``states`` (separated by commas).
    clusters
        Categorical cluster of each cell.
    quality
        ``n_genes`` and, where known, ``pct_mito`` and ``predicted_doublet`` (``"yes"``, ``"no"``
        or ``"NA"``), one row per cell.
    doublets
        Clusters that two others explain, as of
        :func:`scsiameseclu.annotation.doublet_clusters.doublet_clusters`.
    """
    labels = clusters.astype(str).to_numpy()
    n_genes = quality["n_genes"].groupby(labels).median() / quality["n_genes"].median()
    low = n_genes < FEW_GENES
    if "pct_mito" in quality and quality["pct_mito"].median() > 0:
        mito = quality["pct_mito"].groupby(labels).median() / quality["pct_mito"].median()
        low &= mito > MUCH_MITOCHONDRIAL
    else:
        low[:] = False
    many = pd.Series(False, index=low.index)
    if "predicted_doublet" in quality:
        called = quality["predicted_doublet"].astype(str) == "yes"
        many = called.groupby(labels).mean() >= MANY_DOUBLETS
    states = []
    for name, expressed in zip(table["cluster"].astype(str), table["states"], strict=True):
        flags = {LOW_QUALITY: low[name], DOUBLETS: many[name] or name in doublets}
        states.append(", ".join(filter(None, [expressed, *(f for f, on in flags.items() if on)])))
    return table.assign(states=states)
