"""The markers section: dot plot, heat map and table of the top markers of each cluster."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from scsiameseclu.annotation.profiles import cluster_profiles
from scsiameseclu.plotting.markers import (
    dot_legends,
    draw_dots,
    draw_squares,
    figure_size,
    relative,
    square_legend,
)
from scsiameseclu.report.finished_sample import FinishedSample
from scsiameseclu.report.svg import PAGE, draw
from scsiameseclu.report.tables import Cell, Picture, Table, probability, real, text
from scsiameseclu.store.files import read_columns, read_parts

IN_PLOT = 3
IN_TABLE = 10


def marker_pictures(sample: FinishedSample) -> list[Picture]:
    """Dot plot and heat map of the top markers of each cluster; empty without markers."""
    genes = _plotted_genes(sample)
    if not genes:
        return []
    share, mean = group_expression(sample.folder.path("expression"), genes, sample.cells["siamese"])
    return [_dot_plot(sample, genes, share, mean), _heat_map(sample, genes, mean)]


def _dot_plot(
    sample: FinishedSample, genes: list[str], share: np.ndarray, mean: np.ndarray
) -> Picture:
    """Size: share of the cluster's cells; colour: mean expression relative to the maximum."""

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        draw_dots(axes, genes, sample.clusters, share, relative(mean), PAGE)
        dot_legends(axes, figure, PAGE)

    words = "; ".join(
        f"{gene} in {100 * share[cluster, column]:.0f} % of cluster {sample.clusters[cluster]}"
        for column, gene in enumerate(genes)
        for cluster in [int(mean[:, column].argmax())]
    )
    caption = (
        f"Top {IN_PLOT} markers of each cluster. Dot size: share of the cluster's cells that "
        "express the gene. Colour: mean log-normalised expression, relative to the cluster with "
        "the highest mean."
    )
    alt = f"Dot plot of {len(genes)} marker genes by cluster. Highest: {words}."
    return Picture(
        draw("markers-dots", alt, figure_size(len(sample.clusters), len(genes)), paint),
        "Markers by cluster",
        caption,
    )


def _heat_map(sample: FinishedSample, genes: list[str], mean: np.ndarray) -> Picture:
    """Mean expression as colour, on the same scale for all genes."""
    top = float(mean.max()) or 1.0

    def paint(figure: Figure) -> None:
        draw_squares(figure.add_subplot(), genes, sample.clusters, mean / top, PAGE)
        square_legend(figure, top, PAGE)

    words = "; ".join(
        f"{gene} {mean[cluster, column]:.1f} in cluster {sample.clusters[cluster]}"
        for column, gene in enumerate(genes)
        for cluster in [int(mean[:, column].argmax())]
    )
    caption = (
        "The same genes. Colour: mean log-normalised expression in the cluster, on the same scale "
        "for all genes, so that weakly expressed markers are recognisable."
    )
    alt = f"Heat map of the mean expression of {len(genes)} marker genes. Highest: "
    return Picture(
        draw(
            "markers-heat", f"{alt}{words}.", figure_size(len(sample.clusters), len(genes)), paint
        ),
        "Mean expression of the markers",
        caption,
    )


def _plotted_genes(sample: FinishedSample) -> list[str]:
    """Top markers by cluster, each gene once; unflagged genes only."""
    table = unflagged(sample.markers).sort_values("rank", kind="stable")
    genes: dict[str, None] = {}
    for cluster in sample.clusters:
        genes |= dict.fromkeys(table["gene"][table["cluster"] == cluster].head(IN_PLOT))
    return list(genes)


def unflagged(markers: pd.DataFrame) -> pd.DataFrame:
    """Markers that are neither ribosomal nor mitochondrial nor explained by ambient RNA."""
    return markers[np.array([not flags for flags in _flags(markers)], dtype=bool)]


def _flags(markers: pd.DataFrame) -> list[str]:
    """The flags of each marker, comma-separated."""
    ambient = markers.get("ambient", pd.Series("", index=markers.index)) == "yes"
    words = zip(markers["flag"], np.where(ambient, "ambient", ""), strict=True)
    return [", ".join(filter(None, pair)) for pair in words]


def group_expression(
    path: Path, genes: list[str], groups: pd.Series
) -> tuple[np.ndarray, np.ndarray]:
    """Share of cells that express a gene, and its mean, by group.

    Parameters
    ----------
    path
        An h5ad file whose X is a sparse matrix (n_cells, n_genes).
    genes
        Names among the file's ``var_names``; only their columns are read.
    groups
        Category of each cell, in the file's order.

    Returns
    -------
    share, mean
        Each (n_groups, n_chosen_genes).
    """
    columns = read_parts(path, ["var"])["var"].index.get_indexer(genes)
    profiles = cluster_profiles(read_columns(path, "X", columns), groups)
    return profiles.share, profiles.mean


def marker_table(sample: FinishedSample) -> Table:
    """Top markers of each cluster with all statistics."""
    rows = []
    for cluster in sample.clusters:
        markers = sample.markers[sample.markers["cluster"] == cluster]
        top = markers.assign(flag=_flags(markers)).sort_values("rank", kind="stable").head(IN_TABLE)
        for row in top.to_dict("records"):
            rows.append(
                [
                    Cell(cluster, number=sample.clusters.index(cluster)),
                    Cell(str(int(row["rank"])), number=row["rank"]),
                    text(row["gene"]),
                    text(row["gene_id"]),
                    real(row["log2_fold_change"], 2),
                    real(row["pct_in"], 1, shade=row["pct_in"] / 100),
                    real(row["pct_out"], 1, shade=row["pct_out"] / 100),
                    real(row["auc"], 2),
                    real(row["score"], 1),
                    probability(row["adjusted_p"]),
                    text(row["flag"] or "–"),
                ]
            )
    header = (
        *("Cluster", "Rank", "Gene", "Gene ID", "log2 fold change", "% in", "% out", "AUC"),
        *("Wilcoxon score", "Adjusted p", "Flag"),
    )
    caption = f"Top {IN_TABLE} markers of each cluster"
    return Table("markers-table", caption, header, rows, tall=True)
