"""The table of clusters: the type of each by markers, its evidence, confidence and states."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from scsiameseclu.annotation.cell_types import UNASSIGNED, vocabulary
from scsiameseclu.annotation.confidence import TERMS, confidence, terms
from scsiameseclu.annotation.evidence import FOR, compare_with_random, for_and_against
from scsiameseclu.annotation.marker_scores import Candidate
from scsiameseclu.annotation.profiles import Profiles
from scsiameseclu.annotation.states import expressed_states, state_genes

COLUMNS = [
    "cluster",
    "n_cells",
    "cell_type",
    "cell_type_ontology_term_id",
    "cell_type_confidence",
    "states",
    "score",
    "random_score",
    "runner_up",
    "runner_up_score",
    "margin",
    "n_markers",
    "markers_found",
    "genes_for",
    "genes_against",
    "best_match",
]


@dataclass(frozen=True)
class _Genes:
    """Genes in use: positions among all genes, symbols of all, mean expression of those in use."""

    positions: np.ndarray
    symbols: list[str]
    expression: np.ndarray


def table_of_clusters(
    candidate: Candidate,
    profiles: Profiles,
    named: pd.DataFrame,
    symbols: list[str],
    organism: str,
    seed: int,
) -> tuple[pd.DataFrame, np.ndarray]:
    """Type, evidence and states of each cluster.

    Parameters
    ----------
    candidate
        Scores of the marker sets.
    profiles
        Profiles of the clusters.
    named
        The type of each cluster, as of :func:`scsiameseclu.annotation.descent.name_types`.
    symbols
        Symbols of all genes.
    organism
        Organism whose genes show states.
    seed
        Seed of the random gene sets.

    Returns
    -------
    The table, with the columns :data:`COLUMNS`, and the terms of the confidence, (n_clusters, 5).
    """
    table = named.reset_index(drop=True)
    signal = candidate.signal.of(profiles.mean, profiles.clusters)
    positions = candidate.signal.genes
    genes = _Genes(positions, symbols, profiles.mean.mean(axis=0)[positions])
    targets = {
        str(name): np.unique(rows.to_numpy())
        for name, rows in candidate.matched.groupby("cell_type")["target"]
    }
    rows, evidence = [], np.zeros((len(table), len(TERMS)))
    for number, row in enumerate(table.to_dict("records")):
        markers = targets.get(row["evidence"], np.empty(0, dtype=int))
        row["n_cells"] = int(profiles.sizes[number])
        described, evidence[number] = _evidence(
            row, signal.to_numpy()[number], markers, genes, seed
        )
        rows.append(described)
    states = expressed_states(signal, genes.expression, state_genes(symbols, organism), seed)
    known = vocabulary()
    table = table.assign(
        cluster=profiles.clusters,
        n_cells=profiles.sizes.astype(int),
        cell_type_ontology_term_id=[known.ontology_id(str(name)) for name in table["cell_type"]],
        states=[", ".join(names) for names in states],
    )
    return pd.concat([table, pd.DataFrame(rows)], axis=1)[COLUMNS], evidence


def _evidence(
    row: dict[Any, Any], signal: np.ndarray, markers: np.ndarray, genes: _Genes, seed: int
) -> tuple[dict[str, Any], np.ndarray]:
    """Columns of the table on the evidence for one cluster's type, and the confidence's terms."""
    members = np.searchsorted(genes.positions, markers)
    names = [genes.symbols[gene] for gene in markers]
    higher, lower = for_and_against(signal[members], names)
    limit, probability, evidence = np.nan, 0.0, np.zeros(len(TERMS))
    if len(markers):
        random = compare_with_random(signal, genes.expression, members, seed)
        share = float((signal[members] > FOR).mean())
        limit, evidence = (
            random.limit,
            terms(
                row["score"],
                random.beyond(row["score"]),
                row["lead"],
                share,
                row["n_cells"],
            ),
        )
        probability = confidence(evidence) if row["cell_type"] != UNASSIGNED else 0.0
    return {
        "cell_type_confidence": probability,
        "random_score": limit,
        "n_markers": len(names),
        "markers_found": ",".join(names),
        "genes_for": ",".join(higher),
        "genes_against": ",".join(lower),
    }, evidence
