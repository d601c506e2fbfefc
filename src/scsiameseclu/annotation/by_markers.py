"""Cell types of clusters and cells by marker sets.

Clusters are scored first (:mod:`scsiameseclu.annotation.marker_scores`). A cluster may hold cells
of several types: if an embedding is given, cells are therefore scored too, in groups of about 75
similar cells, against the same background as the clusters; a cell's scores are the means over five
partitions into such groups. A cluster has a type only if the majority of its cells support it, and
a wider one otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import anndata as ad
import numpy as np
import pandas as pd

from scsiameseclu.annotation.cell_types import UNASSIGNED
from scsiameseclu.annotation.cluster_table import table_of_clusters
from scsiameseclu.annotation.descent import name_types
from scsiameseclu.annotation.majority import with_majority
from scsiameseclu.annotation.marker_scores import (
    Candidate,
    marker_t_values,
    score_sets,
    strength,
)
from scsiameseclu.annotation.marker_sets import (
    MarkerSets,
    canonical_sets,
    choose_organism,
    gene_positions,
    read_marker_table,
)
from scsiameseclu.annotation.profiles import (
    Profiles,
    cluster_profiles,
    gene_deviation,
    mean_by_group,
    similar_groups,
)
from scsiameseclu.errors import UserError
from scsiameseclu.genes.matching import GeneNames
from scsiameseclu.settings import AnnotationSettings

CELLS_PER_GROUP = 75
PARTITIONS = 5
MIN_OVERLAP = 0.2
EQUAL_STRENGTH = 0.02
"""Tissues whose scores differ by less, relative to the best, are taken for equal: extra types raise
the best score."""
MAX_UNASSIGNED = 0.5


@dataclass
class Annotation:
    """Cell types of clusters and cells by marker sets.

    Attributes
    ----------
    table
        One row per cluster: ``cell_type`` (or ``"Unassigned"``) with its Cell Ontology id and
        confidence, ``states``, the score of the type and that of the best 5 % of random gene sets
        (``random_score``), the runner-up and its score, their ``margin``, the markers that gave the
        score and are in the data, those for and against the type, and the narrowest type that fits
        best (``best_match``), assigned or not.
    scores
        t values, clusters x cell types; no columns if nothing could be scored.
    tissue, organism
        The tissue (or table) and organism that were used.
    overlap
        Share of the table's genes that are in the data, 0 to 1.
    cells
        ``cell_type`` and ``score`` of each cell: those of its groups, or of its cluster if these
        are not clear or no embedding was given.
    evidence
        Terms of the confidence of each cluster, (n_clusters, 5), as of
        :func:`scsiameseclu.annotation.confidence.terms`.
    """

    table: pd.DataFrame
    scores: pd.DataFrame
    tissue: str
    organism: str
    overlap: float
    cells: pd.DataFrame
    evidence: np.ndarray
    warnings: list[str] = field(default_factory=list)


def annotate_clusters(
    expression: ad.AnnData,
    clusters: pd.Series,
    settings: AnnotationSettings,
    *,
    embedding: np.ndarray | None = None,
    marker_sets: MarkerSets | None = None,
    organism: str = "auto",
    seed: int = 0,
) -> Annotation:
    """Assign a cell type, or ``"Unassigned"``, to each cluster and cell.

    Parameters
    ----------
    expression
        Log-normalised ``X`` (sparse). Genes are named as
        :meth:`scsiameseclu.genes.matching.GeneNames.of` says.
    clusters
        Categorical cluster of each cell, in the order of the cells.
    settings
        With ``tissue="auto"`` every tissue of the table is scored, and the one with the highest
        best scores is taken (mean over clusters, weighted by the square root of their cells). A
        user's table replaces the canonical one.
    embedding
        Embedding of the cells, (n_cells, n_dimensions), to annotate cells independently of their
        clusters.
    marker_sets
        Marker sets in place of those that ``settings`` name.
    seed
        Seed of the groups of similar cells.

    Raises
    ------
    UserError
        A user's table cannot be read, or less than a fifth of its genes are in the data.
    """
    genes = GeneNames.of(expression.var)
    profiles = cluster_profiles(expression.X, clusters)
    organism = choose_organism(organism, genes.symbols, genes.ids)
    if marker_sets is None and settings.marker_table is not None:
        marker_sets = read_marker_table(settings.marker_table)
    if marker_sets is None:
        candidate_sets = canonical_sets(settings.tissue, organism)
    else:
        candidate_sets = [marker_sets]
    best = best_candidate(candidate_sets, genes, profiles, gene_deviation(expression.X))
    if marker_sets is not None:
        _check_overlap(best, genes)
    tissue = best.sets.name if best.scores.shape[1] or len(candidate_sets) == 1 else ""
    named = name_types(best.scores, settings)
    cells = None
    if embedding is not None and best.scores.shape[1]:
        cells = scores_of_cells(best, expression, embedding, seed).types(settings)
        cells.index = expression.obs_names
        named = with_majority(named, best.scores, clusters, cells["cell_type"])
    table, evidence = table_of_clusters(best, profiles, named, genes.symbols, organism, seed)
    by_cluster = _types_of_clusters(table, clusters)
    return Annotation(
        table,
        best.scores,
        tissue,
        organism,
        best.overlap,
        by_cluster if cells is None else _clear_types(cells, by_cluster),
        evidence,
        _warnings(best, table, tissue, organism),
    )


def best_candidate(
    sets: list[MarkerSets], genes: GeneNames, profiles: Profiles, deviation: np.ndarray
) -> Candidate:
    """The tissue with the highest scores; among those that equal it, that with fewest types."""
    expressed = (profiles.sizes @ profiles.mean).tolist()
    positions = gene_positions(genes.symbols, genes.ids, expressed)
    candidates = [score_sets(one, positions, profiles, deviation) for one in sets]
    strengths = [strength(one.scores, profiles.sizes) for one in candidates]
    limit = max(strengths) - EQUAL_STRENGTH * abs(max(strengths))
    equal = [one for one, value in zip(candidates, strengths, strict=True) if value >= limit]
    return min(equal, key=lambda one: (one.scores.shape[1], -one.overlap))


def _types_of_clusters(table: pd.DataFrame, clusters: pd.Series) -> pd.DataFrame:
    """Type and score of each cell's cluster."""
    rows = pd.Index(table["cluster"]).get_indexer(clusters.astype(str))
    return table[["cell_type", "score"]].iloc[rows].set_axis(clusters.index)


@dataclass(frozen=True)
class CellScores:
    """Scores of cells by their groups.

    Attributes
    ----------
    distinct
        The scores that occur, combinations of groups x marker sets.
    rows
        Row of ``distinct`` of each cell, (n_cells,).
    """

    distinct: pd.DataFrame
    rows: np.ndarray

    def types(self, settings: AnnotationSettings) -> pd.DataFrame:
        """``cell_type`` and ``score`` of each cell."""
        named = name_types(self.distinct, settings)[["cell_type", "score"]]
        return named.iloc[self.rows].reset_index(drop=True)


def scores_of_cells(
    best: Candidate, expression: ad.AnnData, embedding: np.ndarray, seed: int
) -> CellScores:
    """Mean scores of each cell's groups over the partitions into groups of similar cells."""
    types = best.scores.columns
    total = np.zeros((expression.n_obs, len(types)))
    partitions = [
        similar_groups(embedding, CELLS_PER_GROUP, seed + part) for part in range(PARTITIONS)
    ]
    for groups, mean in zip(partitions, mean_by_group(expression.X, partitions), strict=True):
        signal = best.signal.of(mean, list(groups.cat.categories))
        scores = marker_t_values(signal, best.sets, best.matched)
        total += scores[types].to_numpy()[groups.cat.codes]
    means, rows = np.unique(total / PARTITIONS, axis=0, return_inverse=True)
    return CellScores(pd.DataFrame(means, columns=types), rows.ravel())


def _clear_types(cells: pd.DataFrame, by_cluster: pd.DataFrame) -> pd.DataFrame:
    """Type and score of each cell by its groups, and by its cluster where these are not clear."""
    clear = (cells["cell_type"] != UNASSIGNED).to_numpy()
    return pd.DataFrame(
        {
            name: np.where(clear, cells[name].to_numpy(), by_cluster[name].to_numpy())
            for name in by_cluster.columns
        },
        index=cells.index,
    )


def _check_overlap(candidate: Candidate, genes: GeneNames) -> None:
    """Raise if few genes of a user's table are in the data; canonical markers only warn."""
    if candidate.overlap >= MIN_OVERLAP:
        return
    sets = candidate.sets
    raise UserError(
        f"{candidate.overlap:.0%} of the genes of marker table {sets.name} are in the data, at "
        f"least {MIN_OVERLAP:.0%} are needed; the data have genes such as {genes.examples()}, the "
        f"table such as {', '.join(sets.table['gene'][:3])}: give symbols or ids of the same "
        "organism"
    )


def _warnings(best: Candidate, decided: pd.DataFrame, tissue: str, organism: str) -> list[str]:
    if len(decided) < 2:
        return ["there is only one cluster, so its cell type cannot be scored"]
    if best.sets.table.empty:
        return [
            f"there are no marker sets for this organism ({organism}), so all clusters are "
            "Unassigned; give your own marker table, or set column `organism` to human or mouse"
        ]
    table = tissue or "any tissue"
    if best.scores.shape[1] == 0:
        return [
            f"{best.overlap:.0%} of the marker genes ({table}) are in the data, too few to score "
            "any cell type, so all clusters are Unassigned; name the genes by symbols, or give "
            "your own marker table"
        ]
    if best.overlap < MIN_OVERLAP:
        return [
            f"only {best.overlap:.0%} of the marker genes ({table}) are in the data; cell types "
            "are unreliable"
        ]
    unassigned = decided.loc[decided["cell_type"] == UNASSIGNED, "n_cells"].sum()
    if unassigned > MAX_UNASSIGNED * decided["n_cells"].sum():
        return [
            f"{unassigned:,} of {decided['n_cells'].sum():,} cells are Unassigned by the markers "
            f"of {table}; for another tissue, give your own marker table"
        ]
    return []
