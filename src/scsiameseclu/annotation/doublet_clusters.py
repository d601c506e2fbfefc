"""Clusters of doublets: those that two other clusters explain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from scsiameseclu.annotation.profiles import ClusterMoments, cluster_moments
from scsiameseclu.preprocess.quality.doublet_scores import ENRICHED

MIN_CELLS = 20
"""Minimum number of cells of a cluster of doublets; smaller ones have uncertain means."""
MAX_PARENTS = 30
"""Maximum number of clusters, the largest ones, that are considered as parents."""
SIGNIFICANT = 4.0
"""Minimum difference of two means for a gene to distinguish clusters, in standard errors."""
MIN_DISTINGUISHING = 100
"""Minimum number of genes that distinguish the parents."""
MAX_OWN_SHARE = 0.01
"""Maximum number of a cluster's own genes, per gene that distinguishes its parents."""
MIN_SHARE = 0.2
"""Minimum share of each parent in the mixture."""
FLOOR = 1e-3
"""Added to variances of normalised counts, so that genes without counts have none to offer."""


@dataclass(frozen=True)
class Mixture:
    """A cluster explained by two others.

    Attributes
    ----------
    parents
        Names of the two clusters.
    share
        Share of the first parent in the mixture, 0 to 1.
    n_own
        Number of genes that are higher or lower than in both parents.
    n_distinguishing
        Number of genes that distinguish the parents.
    """

    parents: tuple[str, str]
    share: float
    n_own: int
    n_distinguishing: int


def doublet_clusters(
    logged: csr_matrix, clusters: pd.Series, scores: np.ndarray, totals: np.ndarray
) -> dict[str, Mixture]:
    """Find clusters that consist of doublets of two other clusters.

    As in ``findDoubletClusters`` of scDblFinder (Bach et al. 2017, doi:10.1038/s41467-017-02001-5),
    the mean of a gene in doublets lies between those of the parents, so a cluster of doublets has
    no genes of its own, and more counts than either parent. A cluster is named as doublets of the
    two clusters that leave it the fewest genes of its own if

    - the median doublet score of its cells exceeds that of random neighbours;
    - its median total count exceeds that of both parents;
    - at most one gene is higher or lower than in both parents, by four standard errors, per 100
      genes that distinguish the parents;
    - of the difference between the parents, the cluster has 20 to 80 %.

    A type between two others is not named, since it has genes of its own, is not larger, or is not
    where simulated doublets are.

    Parameters
    ----------
    logged
        Log-normalised expression, (n_cells, n_genes).
    clusters
        Categorical cluster of each cell.
    scores
        Doublet scores, (n_cells,); NaN where there is none.
    totals
        Total counts, (n_cells,).

    Returns
    -------
    The mixtures by name of the cluster, in the order of the clusters.
    """
    codes, names = clusters.cat.codes.to_numpy(), [str(n) for n in clusters.cat.categories]
    table = pd.DataFrame({"score": scores, "total": totals}).groupby(codes).median()
    table = table.reindex(range(len(names)))
    sizes = np.bincount(codes, minlength=len(names))
    suspected = (table["score"].to_numpy() > ENRICHED) & (sizes >= MIN_CELLS)
    if not suspected.any() or len(names) < 3:
        return {}
    moments = cluster_moments(logged, clusters)
    largest = np.argsort(-sizes, kind="stable")[:MAX_PARENTS]
    mixtures = {}
    for cluster in np.flatnonzero(suspected):
        smaller = table["total"].to_numpy() < table["total"].iloc[cluster]
        parents = [other for other in largest if smaller[other] and sizes[other] >= MIN_CELLS]
        found = list(_mixtures(moments, int(cluster), [int(p) for p in sorted(parents)], names))
        if found:
            best = min(found, key=lambda m: (m.n_own / m.n_distinguishing, -m.n_distinguishing))
            mixtures[names[cluster]] = best
    return mixtures


def _mixtures(
    moments: ClusterMoments, cluster: int, parents: list[int], names: list[str]
) -> Iterator[Mixture]:
    """The pairs of parents that explain a cluster."""
    error = (moments.variance + FLOOR) / moments.sizes[:, None]
    mean, own_error = moments.mean, error[cluster]
    gap = {p: (mean[cluster] - mean[p]) / np.sqrt(own_error + error[p]) for p in parents}
    for a, b in combinations(parents, 2):
        apart = np.abs(mean[a] - mean[b]) > SIGNIFICANT * np.sqrt(error[a] + error[b])
        n_apart = int(apart.sum())
        if n_apart < MIN_DISTINGUISHING:
            continue
        low, high = np.minimum(gap[a], gap[b]), np.maximum(gap[a], gap[b])
        n_own = int(((low > SIGNIFICANT) | (high < -SIGNIFICANT)).sum())
        if n_own > MAX_OWN_SHARE * n_apart:
            continue
        scale = np.sqrt(own_error + error[a] + error[b])[apart]
        span, position = ((mean[x] - mean[b])[apart] / scale for x in (a, cluster))
        share = float(span @ position / (span @ span))
        if MIN_SHARE <= share <= 1 - MIN_SHARE:
            yield Mixture((names[a], names[b]), share, n_own, n_apart)
