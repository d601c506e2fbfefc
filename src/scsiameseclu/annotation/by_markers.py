"""Cell types of clusters, from marker sets and the clusters' mean expression.

The mean log expression of each cluster is centred across the clusters and divided by the gene's
deviation over all cells (with a floor, so that hardly expressed genes cannot shout). Each marker
set is then scored in each cluster by decoupler's univariate linear model: the t value of the
difference between the set's genes and all other expressed genes (Badia-i-Mompel et al. 2022,
doi:10.1093/bioadv/vbac016).

Centring removes what all cells share, such as ambient RNA, and counts each cluster once, so that a
dominant type does not hide its own markers. Dividing by the deviation of cells, not of clusters,
keeps small differences between cluster means small: all genes are then equally noisy, and clusters
drawn at random score about 3 at best. Markers that are measured but not expressed stay in, and
count against their type.

A cluster may hold cells of several types. Where there is an embedding, cells are therefore scored
too, in groups of about 75 alike cells, against the same background as the clusters; a cell's
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
    match_genes,
    own_sets,
)
from scsiameseclu.annotation.profiles import (
    Profiles,
    alike_groups,
    cluster_profiles,
    gene_deviation,
)
from scsiameseclu.errors import UserError
from scsiameseclu.settings import AnnotationSettings

DEVIATION_FLOOR = 0.1
"""Smallest deviation of a gene's log expression to divide by."""
EXPRESSED = 0.1
"""A gene takes part when this share of the cells of some cluster express it."""
CELLS_OF_GROUP = 75
PARTITIONS = 5
LOW_OVERLAP = 0.2
MOST_UNASSIGNED = 0.5
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
    """The clusters' types.

    Attributes
    ----------
    table
        One line per cluster: ``cell_type`` (or ``"Unassigned"``), the best score, the runner-up
        and its score, their ``margin``, the markers of the best type that are in the data, and
        the best type itself (``best_match``), assigned or not.
    scores
        t values, clusters x cell types; no columns when nothing could be scored.
    tissue, organism
        What was used.
    overlap
        Share of the table's genes that are in the data, 0 to 1.
    cells
        ``cell_type`` and ``score`` of each cell: of its groups, or where these are not clear, of
        its cluster. Those of the clusters where no embedding was given.
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
    """How mean expression becomes what the sets are scored on.

    ``centre`` and ``scale`` are of all genes, (n_genes,); ``genes`` are those that take part.
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
    """One group of marker sets, scored."""

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
    organism: str = "auto",
    sample: str = "sample",
    seed: int = 0,
) -> Annotation:
    """Name the cell type of each cluster and cell, or ``"Unassigned"``.

    Parameters
    ----------
    expression
        Log-normalised ``X`` (sparse), ``var["gene_symbol"]`` and ``var["gene_id"]``.
    clusters
        Categorical cluster of each cell, in the order of the cells.
    settings
        With ``tissue="auto"`` every tissue of the table is scored, and the one is taken in which
        the clusters' best scores are highest (mean over clusters, weighted by the square root of
        their cells). A user's table takes the place of the canonical one.
    embedding
        Of the cells, (n_cells, n_dimensions), to name the types of cells apart from their clusters.
    seed
        Of the groups of alike cells.

    Raises
    ------
    UserError
        A user's table cannot be read, or less than a fifth of its genes are in the data.
    """
    symbols = [str(gene) for gene in expression.var["gene_symbol"]]
    ids = [str(gene) for gene in expression.var["gene_id"]]
    profiles = cluster_profiles(expression.X, clusters)
    organism = choose_organism(organism, symbols, ids)
    if settings.marker_table is not None:
        offered = [own_sets(settings.marker_table)]
    else:
        offered = canonical_sets(settings.tissue, organism)
    deviation = gene_deviation(expression.X)
    candidates = [_score(sets, symbols, ids, profiles, deviation) for sets in offered]
    best = max(candidates, key=lambda one: (_strength(one.scores, profiles.sizes), one.overlap))
    if settings.marker_table is not None:
        _check_overlap(best, symbols, ids, sample)
    tissue = best.sets.name if best.scores.shape[1] or len(candidates) == 1 else ""
    table = _decide(best, profiles, settings, symbols)
    return Annotation(
        table,
        best.scores,
        tissue,
        organism,
        best.overlap,
        _of_cells(best, expression, clusters, table, settings, embedding, seed),
        _warnings(best, table, tissue, sample),
    )


def _of_cells(
    best: _Candidate,
    expression: ad.AnnData,
    clusters: pd.Series,
    table: pd.DataFrame,
    settings: AnnotationSettings,
    embedding: np.ndarray | None,
    seed: int,
) -> pd.DataFrame:
    """Types and scores of cells, by their groups where there are any and these are clear."""
    place = pd.Index(table["cluster"]).get_indexer(clusters.astype(str))
    own = table[["cell_type", "score"]].iloc[place].set_axis(clusters.index)
    if embedding is None or best.scores.shape[1] == 0:
        return own
    types = best.scores.columns
    total = np.zeros((len(own), len(types)))
    for part in range(PARTITIONS):
        groups = alike_groups(embedding, CELLS_OF_GROUP, seed + part)
        profiles = cluster_profiles(expression.X, groups)
        scores = _ulm(best.signal.of(profiles), best.sets, best.matched)
        # the rows are the categories, none of which is empty
        total += scores[types].to_numpy()[groups.cat.codes]
    named = _named(pd.DataFrame(total / PARTITIONS, columns=types), settings)
    clear = (named["cell_type"] != UNASSIGNED).to_numpy()
    return pd.DataFrame(
        {
            name: np.where(clear, named[name].to_numpy(), own[name].to_numpy())
            for name in own.columns
        },
        index=own.index,
    )


def _check_overlap(own: _Candidate, symbols: list[str], ids: list[str], sample: str) -> None:
    """Raise where a user's table hardly meets the genes; canonical markers only warn."""
    if own.overlap >= LOW_OVERLAP:
        return
    there = [
        name if name == other else f"{name} ({other})"
        for name, other in zip(symbols, ids, strict=True)
    ]
    raise UserError(
        f"sample {sample}: {own.overlap:.0%} of the genes of marker table {own.sets.name} are in "
        f"the data, at least {LOW_OVERLAP:.0%} are needed; the data have genes such as "
        f"{', '.join(there[:3])}, the table such as {', '.join(own.sets.table['gene'][:3])}: give "
        "symbols or ids of the same organism"
    )


def _score(
    sets: MarkerSets,
    symbols: list[str],
    ids: list[str],
    profiles: Profiles,
    deviation: np.ndarray,
) -> _Candidate:
    """Score each set in each cluster; no columns where nothing can be scored."""
    priority = (profiles.sizes @ profiles.mean).tolist()
    matched = match_genes(sets, symbols, ids, priority)
    usable = _usable(sets, matched)
    genes = profiles.share.max(axis=0) >= EXPRESSED
    genes[usable["target"]] = True
    columns = np.flatnonzero(genes)
    scale = np.maximum(deviation, DEVIATION_FLOOR)
    signal = _Signal(profiles.mean.mean(axis=0), scale, columns)
    if usable.empty or len(profiles.clusters) < 2 or len(columns) < 3:
        nothing = pd.DataFrame(index=profiles.clusters)
        return _Candidate(sets, matched, signal, nothing)
    return _Candidate(sets, matched, signal, _ulm(signal.of(profiles), sets, matched))


def _usable(sets: MarkerSets, matched: pd.DataFrame) -> pd.DataFrame:
    """The lines of the sets of which enough genes are in the data."""
    counts = matched["cell_type"].value_counts()
    return matched[matched["cell_type"].map(counts) >= sets.min_markers]


def _ulm(signal: pd.DataFrame, sets: MarkerSets, matched: pd.DataFrame) -> pd.DataFrame:
    """t values, rows of the signal x types in the order of the marker table."""
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
    found = {name: [symbols[gene] for gene in genes] for name, genes in targets}
    own = [found.get(name, []) for name in table["best_match"]]
    table["n_markers"] = [len(genes) for genes in own]
    table["markers_found"] = [",".join(genes) for genes in own]
    return table[COLUMNS]


def _named(scores: pd.DataFrame, settings: AnnotationSettings) -> pd.DataFrame:
    """The best type of each row and the runner-up; types of equal score in the table's order."""
    values = np.full((len(scores), max(scores.shape[1], 2)), np.nan)
    values[:, : scores.shape[1]] = scores
    names = np.array([*scores.columns, "", ""], dtype=object)
    # nan comes last, and a stable order keeps that of the columns
    best, second = np.argsort(-values, axis=1, kind="stable")[:, :2].T
    rows = np.arange(len(scores))
    score, below = values[rows, best], values[rows, second]
    clear = (scores.shape[1] == 1) | (score - below >= settings.margin)
    told = (score >= settings.min_score) & clear
    return pd.DataFrame(
        {
            "cell_type": np.where(told, names[best], UNASSIGNED),
            "score": score,
            "runner_up": names[second],
            "runner_up_score": below,
            "margin": score - below,
            "best_match": names[best],
        },
        index=scores.index,
    )


def _warnings(best: _Candidate, decided: pd.DataFrame, tissue: str, sample: str) -> list[str]:
    if len(decided) < 2:
        return [f"sample {sample}: one cluster only, so there is nothing to tell its type by"]
    table = tissue or "any tissue"
    if best.scores.shape[1] == 0:
        return [
            f"sample {sample}: {best.overlap:.0%} of the marker genes ({table}) are in the data, "
            "too few to score any cell type, so all clusters are Unassigned; the genes need their "
            "symbols, or give a marker table of your own"
        ]
    if best.overlap < LOW_OVERLAP:
        return [
            f"sample {sample}: only {best.overlap:.0%} of the marker genes ({table}) are in the "
            "data; take the cell types with care"
        ]
    without = decided.loc[decided["cell_type"] == UNASSIGNED, "n_cells"].sum()
    if without > MOST_UNASSIGNED * decided["n_cells"].sum():
        return [
            f"sample {sample}: {without:,} of {decided['n_cells'].sum():,} cells are Unassigned by "
            f"the markers of {table}; if the sample is of another tissue, give a marker table of "
            "your own"
        ]
    return []
