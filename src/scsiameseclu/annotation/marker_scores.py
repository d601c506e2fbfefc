"""Scores of marker sets in groups of cells.

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
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from scsiameseclu.annotation.marker_sets import MarkerSets, match_positions
from scsiameseclu.annotation.profiles import Profiles

DEVIATION_FLOOR = 0.3
"""Smallest deviation of a gene's log expression to divide by, so that a few cells that express a
gene nobody else does, such as some dendritic cells among monocytes, do not name a cluster."""
EXPRESSED = 0.1
"""A gene is used if at least this share of the cells of some cluster express it."""
MIN_RANGE = 1e-6
"""A cluster whose signals differ by less than this, in standard deviations, is not scored."""


@dataclass(frozen=True)
class Signal:
    """Centring and scaling of mean expression before marker sets are scored.

    ``centre`` and ``scale`` have shape (n_genes,); ``genes`` are the positions of those in use.
    """

    centre: np.ndarray
    scale: np.ndarray
    genes: np.ndarray

    def of(self, mean: np.ndarray, groups: list[str]) -> pd.DataFrame:
        """Signal of groups with the given mean expression, (n_groups, n_genes)."""
        contrast = (mean - self.centre) / self.scale
        return pd.DataFrame(contrast[:, self.genes], pd.Index(groups), self.genes.astype(str))


@dataclass
class Candidate:
    """Scores of the marker sets of one tissue."""

    sets: MarkerSets
    matched: pd.DataFrame
    signal: Signal
    scores: pd.DataFrame

    @property
    def overlap(self) -> float:
        upper = self.sets.table["gene"].str.upper()
        in_data = self.matched["gene"].str.upper().nunique()
        return float(in_data / max(upper.nunique(), 1))


def score_sets(
    sets: MarkerSets, positions: Mapping[str, int], profiles: Profiles, deviation: np.ndarray
) -> Candidate:
    """Score each set in each cluster; no columns if nothing can be scored.

    ``positions`` has the position of the gene of each name, as of
    :func:`scsiameseclu.annotation.marker_sets.gene_positions`.
    """
    matched = match_positions(sets, positions)
    usable = _usable(sets, matched)
    used = profiles.share.max(axis=0) >= EXPRESSED
    used[usable["target"]] = True
    columns = np.flatnonzero(used)
    scale = np.maximum(deviation, DEVIATION_FLOOR)
    signal = Signal(profiles.mean.mean(axis=0), scale, columns)
    if usable.empty or len(profiles.clusters) < 2 or len(columns) < 3:
        return Candidate(sets, matched, signal, pd.DataFrame(index=profiles.clusters))
    contrast = signal.of(profiles.mean, profiles.clusters)
    return Candidate(sets, matched, signal, marker_t_values(contrast, sets, matched))


def _usable(sets: MarkerSets, matched: pd.DataFrame) -> pd.DataFrame:
    """The rows of the sets that have enough genes in the data."""
    counts = matched["cell_type"].value_counts()
    return matched[matched["cell_type"].map(counts) >= sets.min_markers]


def marker_t_values(signal: pd.DataFrame, sets: MarkerSets, matched: pd.DataFrame) -> pd.DataFrame:
    """t values, clusters x types in the order of the marker table.

    0 where there is nothing to compare: a cluster in which all genes have the same signal, or a set
    that gives all genes the same weight.
    """
    import decoupler as dc

    net = _usable(sets, matched)[["cell_type", "target", "weight"]]
    net.columns = ["source", "target", "weight"]
    net = net.assign(target=net["target"].astype(str))
    types = [name for name in dict.fromkeys(sets.table["cell_type"]) if name in set(net["source"])]
    weights = net.pivot(index="target", columns="source", values="weight")
    weights = weights.reindex(signal.columns).fillna(0.0)
    net = net[net["source"].isin(weights.columns[weights.nunique() > 1])]
    rows = signal[signal.max(axis=1) - signal.min(axis=1) > MIN_RANGE]
    if net.empty or rows.empty:
        return pd.DataFrame(0.0, index=signal.index, columns=types)
    scores, _ = dc.mt.ulm(rows, net, tmin=sets.min_markers, empty=False)
    return scores.reindex(index=signal.index, columns=types).fillna(0.0)


def strength(scores: pd.DataFrame, sizes: np.ndarray) -> float:
    """Mean of the clusters' best scores, weighted by the square root of their cells."""
    if scores.shape[1] == 0:
        return float("-inf")
    return float(np.average(scores.max(axis=1), weights=np.sqrt(sizes)))
