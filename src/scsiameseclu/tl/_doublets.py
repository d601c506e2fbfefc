"""Clusters of doublets."""

from __future__ import annotations

import logging

import anndata as ad
import numpy as np
import pandas as pd

from scsiameseclu._inputs import clusters_of, expression_of, plain_params
from scsiameseclu.annotation.doublet_clusters import doublet_clusters as find_doublet_clusters
from scsiameseclu.errors import UserError
from scsiameseclu.io.loaded import list_names

log = logging.getLogger(__name__)
COLUMNS = ("doublet_score", "total_counts")
SLOT = "doublet_clusters"


def doublet_clusters(
    adata: ad.AnnData,
    *,
    groupby: str = "siamese",
    layer: str | None = None,
    key_added: str = SLOT,
    copy: bool = False,
) -> ad.AnnData | None:
    """Clusters that consist of doublets, since two other clusters explain them.

    A cluster is named if its cells have high doublet scores and more counts than the cells of two
    other clusters, and hardly any gene is higher or lower in it than in both. The idea is that of
    ``findDoubletClusters`` of scDblFinder (Bach et al. 2017, doi:10.1038/s41467-017-02001-5).

    Parameters
    ----------
    adata
        Counts or log-normalised values, clusters, and the columns ``doublet_score`` and
        ``total_counts`` of :func:`scsiameseclu.pp.quality`.
    groupby
        Column of ``obs`` with the clusters.
    layer
        Layer of the values, by default X. Counts in it are log-normalised first.
    key_added
        Name of the slot.
    copy
        Return a copy and leave ``adata`` as it is.

    Returns
    -------
    None, or with ``copy`` an AnnData. Sets the following field:

    ``uns["doublet_clusters"]``
        ``table``, one row per cluster of doublets: ``cluster``, ``doublet_of`` (the two clusters,
        joined by ``+``), ``share`` (of the first in the mixture), ``n_own`` (genes higher or lower
        than in both) and ``n_distinguishing`` (genes that distinguish the two); and ``params``.

    Raises
    ------
    UserError
        A column or layer does not exist, or there are no counts or log-normalised values.
    """
    missing = [name for name in COLUMNS if name not in adata.obs]
    if missing:
        raise UserError(
            f"adata.obs has no column {list_names(missing)}; call scsiameseclu.pp.quality first"
        )
    score, total = (adata.obs[name].to_numpy(float) for name in COLUMNS)
    clusters = clusters_of(adata, groupby)
    mixtures = find_doublet_clusters(expression_of(adata, layer).X, clusters, score, total)
    for name, mixture in mixtures.items():
        log.warning("cluster %s seems to consist of doublets of %s", name, mixture.parents)
    rows = [
        (name, "+".join(m.parents), m.share, m.n_own, m.n_distinguishing)
        for name, m in mixtures.items()
    ]
    names = ["cluster", "doublet_of", "share", "n_own", "n_distinguishing"]
    table = pd.DataFrame(rows, columns=names, index=np.arange(len(rows)).astype(str))
    adata = adata.copy() if copy else adata
    adata.uns[key_added] = {"table": table, "params": plain_params(groupby=groupby, layer=layer)}
    return adata if copy else None
