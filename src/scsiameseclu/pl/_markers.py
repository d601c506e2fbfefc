"""Dot plot of marker genes."""

from __future__ import annotations

from collections.abc import Sequence

import anndata as ad
from matplotlib.axes import Axes

from scsiameseclu._inputs import clusters_of
from scsiameseclu.annotation.profiles import cluster_profiles
from scsiameseclu.errors import UserError
from scsiameseclu.get import markers_df
from scsiameseclu.io.loaded import list_names
from scsiameseclu.pl._axes import new_axes
from scsiameseclu.plotting.inks import Inks
from scsiameseclu.plotting.markers import dot_legends, draw_dots, figure_size, relative
from scsiameseclu.preprocess.matrices import gene_positions, log_normalised


def markers(
    adata: ad.AnnData,
    genes: Sequence[str] | str | None = None,
    *,
    groupby: str = "siamese",
    n_genes: int = 3,
    layer: str | None = None,
    key: str = "siamese_markers",
    ax: Axes | None = None,
) -> Axes:
    """Dot plot of genes by cluster.

    The area of a dot is the share of the cluster's cells that express the gene, its depth the mean
    log-normalised expression relative to the gene's highest cluster.

    Parameters
    ----------
    adata
        Counts or log-normalised values, and clusters.
    genes
        Names among ``var_names``; by default the first markers of each cluster, without ribosomal
        and mitochondrial genes.
    groupby
        Column of ``obs`` with the clusters.
    n_genes
        Number of markers per cluster, where ``genes`` is not given.
    layer
        Layer of the values, by default X; counts are log-normalised first.
    key
        The ``key_added`` of :func:`scsiameseclu.tl.markers`.
    ax
        Axes to draw on; new ones by default.

    Raises
    ------
    UserError
        There is no such column, layer or gene, or no markers although ``genes`` is not given.
    """
    clusters = clusters_of(adata, groupby)
    labels = list(clusters.cat.categories)
    if genes is None:
        genes = _first_markers(adata, key, n_genes)
    wanted = list(dict.fromkeys([genes] if isinstance(genes, str) else genes))
    if not wanted:
        raise UserError(
            "there are no genes to draw; give some, or call scsiameseclu.tl.markers(adata) with "
            "weaker criteria"
        )
    positions = gene_positions(adata.var_names, wanted)
    missing = [gene for gene, position in zip(wanted, positions, strict=True) if position < 0]
    if missing:
        raise UserError(f"there are no such genes in adata: {list_names(missing)}")
    profiles = cluster_profiles(log_normalised(adata, layer)[:, positions], clusters)
    ax = new_axes(*figure_size(len(labels), len(wanted))) if ax is None else ax
    draw_dots(ax, wanted, labels, profiles.share, relative(profiles.mean), Inks())
    dot_legends(ax, ax, Inks())
    return ax


def _first_markers(adata: ad.AnnData, key: str, n_genes: int) -> list[str]:
    """The first markers, cluster by cluster, without flagged genes."""
    table = markers_df(adata, key=key)
    first = table[table["flag"] == ""].groupby("cluster", sort=False).head(n_genes)
    return [str(gene) for gene in first["gene"]]
