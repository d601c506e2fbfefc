"""Marker genes whose excess in a cluster is explained by ambient RNA."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd

from scsiameseclu.annotation.markers import PSEUDOCOUNT
from scsiameseclu.annotation.profiles import cluster_moments

COLUMN = "ambient"


def flag_ambient(
    table: pd.DataFrame,
    expression: ad.AnnData,
    clusters: pd.Series,
    *,
    profile: np.ndarray,
    contamination: np.ndarray,
    cell_total: float,
    min_log2_fold_change: float,
) -> pd.DataFrame:
    """Add the column ``ambient`` to a marker table: ``"yes"`` for ambient markers, else empty.

    If clusters differ in their contamination, abundant ambient genes differ too, whatever the cells
    express. The ambient part of the mean of a gene in a group of cells is its share of the ambient
    profile times the mean contamination times the normalised total count per cell. A marker is
    ambient if the ambient parts of both means explain most of its log fold change, and without them
    it is below the minimum.

    Parameters
    ----------
    table
        Result of :func:`~scsiameseclu.annotation.markers.find_markers`.
    expression
        Log-normalised values in ``X`` (sparse); ``var_names`` are those in the table.
    clusters
        Categorical cluster of each cell.
    profile
        Ambient profile, (n_genes,); sums to 1.
    contamination
        Share of the counts of each cell that is ambient, (n_cells,); NaN counts as 0.
    cell_total
        Normalised total count per cell.
    min_log2_fold_change
        Minimum of a marker, see :class:`~scsiameseclu.settings.MarkerSettings`.
    """
    names = [str(name) for name in clusters.cat.categories]
    codes = clusters.cat.codes.to_numpy()
    moments = cluster_moments(expression.X, clusters)
    sizes = moments.sizes[:, None]
    inside = moments.mean * sizes
    shares = np.bincount(codes, np.nan_to_num(contamination), len(names))[:, None]
    ambient = shares * cell_total * profile
    others = len(codes) - sizes
    change = _change(inside, sizes, others)
    native = _change(np.maximum(inside - ambient, 0), sizes, others)
    row = pd.Index(names).get_indexer(pd.Index(table["cluster"]))
    column = expression.var_names.get_indexer(pd.Index(table["gene"]))
    explained = (change - native)[row, column] if len(table) else np.zeros(0)
    fold_change = table["log2_fold_change"].to_numpy(float)
    is_marker = fold_change >= min_log2_fold_change
    flagged = is_marker & (fold_change - explained < np.minimum(min_log2_fold_change, explained))
    return table.assign(**{COLUMN: np.where(flagged, "yes", "")})


def _change(sums: np.ndarray, sizes: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Log2 fold changes of the means inside and outside the clusters, (n_clusters, n_genes)."""
    outside = np.maximum(sums.sum(axis=0) - sums, 0) / np.maximum(others, 1)
    return np.asarray(np.log2((sums / sizes + PSEUDOCOUNT) / (outside + PSEUDOCOUNT)))
