"""Marker genes of clusters."""

from __future__ import annotations

import logging

import anndata as ad

from scsiameseclu._inputs import clusters_of, expression_of, plain_params
from scsiameseclu.annotation.markers import filter_markers, find_markers
from scsiameseclu.settings import MarkerSettings

log = logging.getLogger(__name__)


def markers(
    adata: ad.AnnData,
    *,
    groupby: str = "siamese",
    layer: str | None = None,
    max_adjusted_p: float = MarkerSettings.max_adjusted_p,
    min_log2_fold_change: float = MarkerSettings.min_log2_fold_change,
    min_pct_in: float = MarkerSettings.min_pct_in,
    key_added: str = "siamese_markers",
    copy: bool = False,
) -> ad.AnnData | None:
    """Marker genes of each cluster by the Wilcoxon rank-sum test against all other cells.

    Parameters
    ----------
    adata
        Counts or log-normalised values, and clusters.
    groupby
        Column of ``obs`` with the clusters.
    layer
        Layer to test, by default X. Counts in it are log-normalised first; ``layers["counts"]`` is
        used if X is scaled.
    max_adjusted_p, min_log2_fold_change, min_pct_in
        Which genes are kept: largest p value after Benjamini and Hochberg's correction within the
        cluster, smallest log2 fold change, smallest percent of the cluster's cells that express it.
    key_added
        Name of the slot.
    copy
        Return a copy and leave ``adata`` as it is.

    Returns
    -------
    None, or with ``copy`` an AnnData. Sets the following field, which
    :func:`scsiameseclu.get.markers_df` returns as a table:

    ``uns["siamese_markers"]``
        ``table`` (DataFrame, the columns are those of :func:`scsiameseclu.get.markers_df`) and
        ``params`` (dict).

    Raises
    ------
    UserError
        There is no such column or layer, or no counts or log-normalised values.
    """
    settings = MarkerSettings(
        max_adjusted_p=max_adjusted_p,
        min_log2_fold_change=min_log2_fold_change,
        min_pct_in=min_pct_in,
    )
    table, warnings = find_markers(expression_of(adata, layer), clusters_of(adata, groupby))
    table = filter_markers(table, settings).reset_index(drop=True)
    table.index = table.index.astype(str)
    params = plain_params(groupby=groupby, layer=layer, **settings.to_dict())
    for sentence in warnings:
        log.warning("%s", sentence)
    adata = adata.copy() if copy else adata
    adata.uns[key_added] = {"table": table, "params": params}
    return adata if copy else None
