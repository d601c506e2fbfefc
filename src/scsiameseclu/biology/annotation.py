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
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scsiameseclu.biology.cell_types import UNASSIGNED
from scsiameseclu.biology.marker_sets import (
    MarkerSets,
    canonical_sets,
    choose_organism,
    match_genes,
    own_sets,
)
from scsiameseclu.biology.profiles import Profiles, cluster_profiles, gene_deviation
from scsiameseclu.errors import UserError
from scsiameseclu.settings import AnnotationSettings

if TYPE_CHECKING:
    import anndata as ad
    import numpy as np
    import pandas as pd

DEVIATION_FLOOR = 0.1
"""Smallest deviation of a gene's log expression to divide by."""
EXPRESSED = 0.1
"""A gene takes part when this share of the cells of some cluster express it."""
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
    """

    table: "pd.DataFrame"
    scores: "pd.DataFrame"
    tissue: str
    organism: str
    overlap: float
    warnings: list[str] = field(default_factory=list)


@dataclass
class _Candidate:
    """One group of marker sets, scored."""

    sets: MarkerSets
    matched: "pd.DataFrame"
    scores: "pd.DataFrame"

    @property
    def overlap(self) -> float:
        upper = self.sets.table["gene"].str.upper()
        in_data = self.matched["gene"].str.upper().nunique()
        return float(in_data / max(upper.nunique(), 1))


def annotate_clusters(
    expression: "ad.AnnData",
    clusters: "pd.Series",
    settings: AnnotationSettings,
    *,
    organism: str = "auto",
    sample: str = "sample",
) -> Annotation:
    """Name the cell type of each cluster, or ``"Unassigned"``.

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
        _warnings(best, table, tissue, sample),
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
    deviation: "np.ndarray",
) -> _Candidate:
    """Score each set in each cluster; no columns where nothing can be scored."""
    import decoupler as dc
    import numpy as np
    import pandas as pd

    priority = (profiles.sizes @ profiles.mean).tolist()
    matched = match_genes(sets, symbols, ids, priority)
    counts = matched["cell_type"].value_counts()
    usable = matched[matched["cell_type"].map(counts) >= sets.min_markers]
    nothing = pd.DataFrame(index=profiles.clusters)
    if usable.empty or len(profiles.clusters) < 2:
        return _Candidate(sets, matched, nothing)
    genes = profiles.share.max(axis=0) >= EXPRESSED
    genes[usable["target"]] = True
    columns = np.flatnonzero(genes)
    if len(columns) < 3:
        return _Candidate(sets, matched, nothing)
    contrast = profiles.mean - profiles.mean.mean(axis=0)
    contrast /= np.maximum(deviation, DEVIATION_FLOOR)
    signal = pd.DataFrame(
        contrast[:, columns], index=profiles.clusters, columns=columns.astype(str)
    )
    net = pd.DataFrame(
        {
            "source": usable["cell_type"],
            "target": usable["target"].astype(str),
            "weight": usable["weight"],
        }
    )
    scores, _ = dc.mt.ulm(signal, net, tmin=sets.min_markers, empty=False)
    order = [name for name in dict.fromkeys(sets.table["cell_type"]) if name in scores.columns]
    return _Candidate(sets, matched, scores.loc[profiles.clusters, order].fillna(0.0))


def _strength(scores: "pd.DataFrame", sizes: "np.ndarray") -> float:
    """Mean of the clusters' best scores, weighted by the square root of their cells."""
    import numpy as np

    if scores.shape[1] == 0:
        return float("-inf")
    return float(np.average(scores.max(axis=1), weights=np.sqrt(sizes)))


def _decide(
    candidate: _Candidate, profiles: Profiles, settings: AnnotationSettings, symbols: list[str]
) -> "pd.DataFrame":
    import pandas as pd

    lines = []
    for row, (cluster, size) in enumerate(zip(profiles.clusters, profiles.sizes, strict=True)):
        # Stable: types of equal score keep the order of the marker table.
        order = candidate.scores.iloc[row].sort_values(ascending=False, kind="stable")
        names, values = list(order.index), [float(value) for value in order]
        best, score = (names[0], values[0]) if names else ("", float("nan"))
        second, runner_up = (values[1], names[1]) if len(names) > 1 else (float("nan"), "")
        margin = score - second
        clear = len(names) == 1 or margin >= settings.margin
        found = candidate.matched.loc[candidate.matched["cell_type"] == best, "target"]
        lines.append(
            {
                "cluster": cluster,
                "n_cells": int(size),
                "cell_type": best if score >= settings.min_score and clear else UNASSIGNED,
                "score": score,
                "runner_up": runner_up,
                "runner_up_score": second,
                "margin": margin,
                "n_markers": len(found),
                "markers_found": ",".join(symbols[gene] for gene in found),
                "best_match": best,
            }
        )
    return pd.DataFrame(lines, columns=COLUMNS)


def _warnings(best: _Candidate, decided: "pd.DataFrame", tissue: str, sample: str) -> list[str]:
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
