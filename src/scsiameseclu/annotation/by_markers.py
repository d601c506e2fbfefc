"""Cell types of clusters, from marker sets and the clusters' mean expression.

The mean log expression of each cluster is centred across the clusters and divided by the gene's
standard deviation over all cells (with a floor, so that rarely expressed genes do not dominate).
Each marker set is then scored in each cluster by decoupler's univariate linear model: the t value
of the difference between the set's genes and all other expressed genes (Badia-i-Mompel et al. 2022,
doi:10.1093/bioadv/vbac016).

Centring removes what all cells share, such as ambient RNA, and counts each cluster once, so that a
dominant type does not hide its own markers. Dividing by the deviation of cells, not of clusters,
keeps small differences between cluster means small: all genes are then equally noisy, and random
clusters score about 3 at best. Markers that are measured but not expressed stay in and count
against their type.

A cluster may hold cells of several types. If an embedding is given, cells are therefore scored
too, in groups of about 75 similar cells, against the same background as the clusters; a cell's
scores are the means over five partitions into such groups.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import anndata as ad
import numpy as np
import pandas as pd

from scsiameseclu.annotation.cell_types import UNASSIGNED
from scsiameseclu.annotation.marker_sets import (
    MarkerSets,
    canonical_sets,
    choose_organism,
    match_markers,
    read_marker_table,
)
from scsiameseclu.annotation.profiles import (
    Profiles,
    cluster_profiles,
    gene_deviation,
    similar_groups,
)
from scsiameseclu.errors import UserError
from scsiameseclu.genes.matching import GeneNames
from scsiameseclu.settings import AnnotationSettings

DEVIATION_FLOOR = 0.1
"""Smallest deviation of a gene's log expression to divide by."""
EXPRESSED = 0.1
"""A gene is used if at least this share of the cells of some cluster express it."""
CELLS_PER_GROUP = 75
PARTITIONS = 5
MIN_OVERLAP = 0.2
MAX_UNASSIGNED = 0.5
COLUMNS = [
    "cluster",
    "n_cells",
    "cell_type",
    "score",
    "runner_up",
    "runner_up_score",
    "margin",
    "n_markers",
    "markers_found",
    "best_match",
]


@dataclass
class Annotation:
    """Cell types of clusters and cells by marker sets.

    Attributes
    ----------
    table
        One row per cluster: ``cell_type`` (or ``"Unassigned"``), the best score, the runner-up
        and its score, their ``margin``, the markers of the best type that are in the data, and
        the best type itself (``best_match``), assigned or not.
    scores
        t values, clusters x cell types; no columns if nothing could be scored.
    tissue, organism
        The tissue (or table) and organism that were used.
    overlap
        Share of the table's genes that are in the data, 0 to 1.
    cells
        ``cell_type`` and ``score`` of each cell: those of its groups, or of its cluster if these
        are not clear or no embedding was given.
    """

    table: pd.DataFrame
    scores: pd.DataFrame
    tissue: str
    organism: str
    overlap: float
    cells: pd.DataFrame
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Signal:
    """Centring and scaling of mean expression before marker sets are scored.

    ``centre`` and ``scale`` have shape (n_genes,); ``genes`` are the positions of those in use.
    """

    centre: np.ndarray
    scale: np.ndarray
    genes: np.ndarray

    def of(self, profiles: Profiles) -> pd.DataFrame:
        contrast = (profiles.mean - self.centre) / self.scale
        return pd.DataFrame(
            contrast[:, self.genes], index=profiles.clusters, columns=self.genes.astype(str)
        )


@dataclass
class _Candidate:
    """Scores of the marker sets of one tissue."""

    sets: MarkerSets
    matched: pd.DataFrame
    signal: _Signal
    scores: pd.DataFrame

    @property
    def overlap(self) -> float:
        upper = self.sets.table["gene"].str.upper()
        in_data = self.matched["gene"].str.upper().nunique()
        return float(in_data / max(upper.nunique(), 1))


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
    deviation = gene_deviation(expression.X)
    candidates = [_score(sets, genes, profiles, deviation) for sets in candidate_sets]
    best = max(candidates, key=lambda one: (_strength(one.scores, profiles.sizes), one.overlap))
    if marker_sets is not None:
        _check_overlap(best, genes)
    tissue = best.sets.name if best.scores.shape[1] or len(candidates) == 1 else ""
    table = _decide(best, profiles, settings, genes.symbols)
    by_cluster = _types_of_clusters(table, clusters)
    cells = by_cluster
    if embedding is not None and best.scores.shape[1]:
        cells = _types_of_cells(best, expression, by_cluster, settings, embedding, seed)
    return Annotation(
        table,
        best.scores,
        tissue,
        organism,
        best.overlap,
        cells,
        _warnings(best, table, tissue, organism),
    )


def _types_of_clusters(table: pd.DataFrame, clusters: pd.Series) -> pd.DataFrame:
    """Type and score of each cell's cluster."""
    rows = pd.Index(table["cluster"]).get_indexer(clusters.astype(str))
    return table[["cell_type", "score"]].iloc[rows].set_axis(clusters.index)


def _types_of_cells(
    best: _Candidate,
    expression: ad.AnnData,
    by_cluster: pd.DataFrame,
    settings: AnnotationSettings,
    embedding: np.ndarray,
    seed: int,
) -> pd.DataFrame:
    """Type and score of each cell by its groups, and by its cluster where these are not clear."""
    types = best.scores.columns
    total = np.zeros((len(by_cluster), len(types)))
    for part in range(PARTITIONS):
        groups = similar_groups(embedding, CELLS_PER_GROUP, seed + part)
        profiles = cluster_profiles(expression.X, groups)
        scores = _ulm(best.signal.of(profiles), best.sets, best.matched)
        # the rows are the categories, none of which is empty
        total += scores[types].to_numpy()[groups.cat.codes]
    named = _named(pd.DataFrame(total / PARTITIONS, columns=types), settings)
    clear = (named["cell_type"] != UNASSIGNED).to_numpy()
    return pd.DataFrame(
        {
            name: np.where(clear, named[name].to_numpy(), by_cluster[name].to_numpy())
            for name in by_cluster.columns
        },
        index=by_cluster.index,
    )


def _check_overlap(candidate: _Candidate, genes: GeneNames) -> None:
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


def _score(
    sets: MarkerSets, genes: GeneNames, profiles: Profiles, deviation: np.ndarray
) -> _Candidate:
    """Score each set in each cluster; no columns if nothing can be scored."""
    priority = (profiles.sizes @ profiles.mean).tolist()
    matched = match_markers(sets, genes.symbols, genes.ids, priority)
    usable = _usable(sets, matched)
    used = profiles.share.max(axis=0) >= EXPRESSED
    used[usable["target"]] = True
    columns = np.flatnonzero(used)
    scale = np.maximum(deviation, DEVIATION_FLOOR)
    signal = _Signal(profiles.mean.mean(axis=0), scale, columns)
    if usable.empty or len(profiles.clusters) < 2 or len(columns) < 3:
        return _Candidate(sets, matched, signal, pd.DataFrame(index=profiles.clusters))
    return _Candidate(sets, matched, signal, _ulm(signal.of(profiles), sets, matched))


def _usable(sets: MarkerSets, matched: pd.DataFrame) -> pd.DataFrame:
    """The rows of the sets that have enough genes in the data."""
    counts = matched["cell_type"].value_counts()
    return matched[matched["cell_type"].map(counts) >= sets.min_markers]


def _ulm(signal: pd.DataFrame, sets: MarkerSets, matched: pd.DataFrame) -> pd.DataFrame:
    """t values, clusters x types in the order of the marker table."""
    import decoupler as dc

    usable = _usable(sets, matched)
    net = pd.DataFrame(
        {
            "source": usable["cell_type"],
            "target": usable["target"].astype(str),
            "weight": usable["weight"],
        }
    )
    scores, _ = dc.mt.ulm(signal, net, tmin=sets.min_markers, empty=False)
    order = [name for name in dict.fromkeys(sets.table["cell_type"]) if name in scores.columns]
    return scores.loc[signal.index, order].fillna(0.0)


def _strength(scores: pd.DataFrame, sizes: np.ndarray) -> float:
    """Mean of the clusters' best scores, weighted by the square root of their cells."""
    if scores.shape[1] == 0:
        return float("-inf")
    return float(np.average(scores.max(axis=1), weights=np.sqrt(sizes)))


def _decide(
    candidate: _Candidate, profiles: Profiles, settings: AnnotationSettings, symbols: list[str]
) -> pd.DataFrame:
    table = _named(candidate.scores, settings).reset_index(drop=True)
    table["cluster"], table["n_cells"] = profiles.clusters, profiles.sizes.astype(int)
    targets = candidate.matched.groupby("cell_type")["target"]
    markers = {name: [symbols[gene] for gene in genes] for name, genes in targets}
    of_best = [markers.get(name, []) for name in table["best_match"]]
    table["n_markers"] = [len(genes) for genes in of_best]
    table["markers_found"] = [",".join(genes) for genes in of_best]
    return table[COLUMNS]


def _named(scores: pd.DataFrame, settings: AnnotationSettings) -> pd.DataFrame:
    """The best type and the runner-up of each row; ties in the order of the table."""
    values = np.full((len(scores), max(scores.shape[1], 2)), np.nan)
    values[:, : scores.shape[1]] = scores
    names = np.array([*scores.columns, "", ""], dtype=object)
    # NaN comes last, and a stable sort keeps the order of the columns
    best, second = np.argsort(-values, axis=1, kind="stable")[:, :2].T
    rows = np.arange(len(scores))
    score, second_score = values[rows, best], values[rows, second]
    clear = (scores.shape[1] == 1) | (score - second_score >= settings.margin)
    assigned = (score >= settings.min_score) & clear
    return pd.DataFrame(
        {
            "cell_type": np.where(assigned, names[best], UNASSIGNED),
            "score": score,
            "runner_up": names[second],
            "runner_up_score": second_score,
            "margin": score - second_score,
            "best_match": names[best],
        },
        index=scores.index,
    )


def _warnings(best: _Candidate, decided: pd.DataFrame, tissue: str, organism: str) -> list[str]:
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
