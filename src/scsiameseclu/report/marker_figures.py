"""The markers section: the first markers of each cluster as dots, as a heat map, and the table."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import anndata as ad
import h5py
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from scipy import sparse

from scsiameseclu.report.inputs import Sample
from scsiameseclu.report.look import ACCENT, FAINT, draw
from scsiameseclu.report.tables import Cell, Picture, Table, probability, real, text
from scsiameseclu.store.files import read_parts

IN_PLOT = 3
IN_TABLE = 10
BLOCK = 20_000
AREA = 90
KEY: dict[str, Any] = {
    "frameon": False, "fontsize": 8, "title_fontsize": 8, "alignment": "left",
}  # fmt: skip


def marker_pictures(sample: Sample) -> list[Picture]:
    """Dot plot and heat map of the first markers of each cluster; none where there are none."""
    genes = _plotted_genes(sample)
    if not genes:
        return []
    share, mean = group_expression(sample.folder.path("expression"), genes, sample.cells["siamese"])
    return [_dot_plot(sample, genes, share, mean), _heat_map(sample, genes, mean)]


def _dot_plot(sample: Sample, genes: list[str], share: np.ndarray, mean: np.ndarray) -> Picture:
    """Share of the cluster's cells as size, mean expression within the gene as colour."""
    scale = mean.max(axis=0, keepdims=True)
    relative = mean / (scale + (scale == 0))

    def paint(figure: Figure) -> None:
        _dots(figure, genes, sample.clusters, share, relative)

    said = "; ".join(
        f"{gene} is in {100 * share[cluster, column]:.0f} % of cluster {sample.clusters[cluster]}"
        for column, gene in enumerate(genes)
        for cluster in [int(mean[:, column].argmax())]
    )
    caption = (
        f"The {IN_PLOT} highest markers of each cluster. Size: share of the cluster's cells with "
        "the gene. Depth: mean log-normalised expression, relative to the gene's highest cluster."
    )
    alt = f"Dot plot of {len(genes)} marker genes by cluster, each at its highest: {said}."
    return Picture(
        draw("markers-dots", alt, _size(sample, genes), paint), "Markers by cluster", caption
    )


def _heat_map(sample: Sample, genes: list[str], mean: np.ndarray) -> Picture:
    """Mean expression as colour, on one scale for all genes."""
    top = float(mean.max()) or 1.0

    def paint(figure: Figure) -> None:
        _heat(figure, genes, sample.clusters, mean / top, top)

    said = "; ".join(
        f"{gene} {mean[cluster, column]:.1f} in cluster {sample.clusters[cluster]}"
        for column, gene in enumerate(genes)
        for cluster in [int(mean[:, column].argmax())]
    )
    caption = (
        "The same genes. Depth: mean log-normalised expression of the cluster's cells, on one "
        "scale for all genes, so that weak markers are seen to be weak."
    )
    alt = f"Heat map of the mean expression of {len(genes)} marker genes, each at its highest: "
    return Picture(
        draw("markers-heat", f"{alt}{said}.", _size(sample, genes), paint),
        "Mean expression of the markers",
        caption,
    )


def _size(sample: Sample, genes: list[str]) -> tuple[float, float]:
    return 2.6 + 0.32 * len(sample.clusters), max(1.0 + 0.21 * len(genes), 3.0)


def _plotted_genes(sample: Sample) -> list[str]:
    """The first markers cluster by cluster, each gene once; unflagged genes only."""
    table = sample.markers[sample.markers["flag"] == ""].sort_values("rank", kind="stable")
    genes: dict[str, None] = {}
    for cluster in sample.clusters:
        genes |= dict.fromkeys(table["gene"][table["cluster"] == cluster].head(IN_PLOT))
    return list(genes)


def group_expression(
    path: Path, genes: list[str], groups: pd.Series
) -> tuple[np.ndarray, np.ndarray]:
    """Share of cells with a gene, and its mean, by group; the matrix is read in blocks of cells.

    Parameters
    ----------
    path
        An h5ad file whose X is a sparse matrix (n_cells, n_genes).
    genes
        Names among the file's ``var_names``.
    groups
        Category of each cell, in the file's order.

    Returns
    -------
    share, mean
        Each (n_groups, n_chosen_genes).
    """
    columns = read_parts(path, ["var"])["var"].index.get_indexer(genes)
    codes, n_groups = groups.cat.codes.to_numpy(), len(groups.cat.categories)
    found, total = np.zeros((2, n_groups, len(genes)))
    with h5py.File(path) as file:
        matrix = ad.io.sparse_dataset(file["X"])
        for start in range(0, len(codes), BLOCK):
            block = matrix[start : start + BLOCK][:, columns]
            mine = codes[start : start + BLOCK]
            member = sparse.csr_matrix(
                (np.ones(len(mine)), (mine, np.arange(len(mine)))), shape=(n_groups, len(mine))
            )
            total += (member @ block).toarray()
            found += (member @ (block > 0)).toarray()
    sizes = np.bincount(codes, minlength=n_groups)[:, None]
    return found / sizes, total / sizes


def _dots(
    figure: Figure, genes: list[str], clusters: list[str], share: np.ndarray, mean: np.ndarray
) -> None:
    """Areas and opacities, which read alike on white and on black, and without colour vision."""
    axes = _grid(figure, genes, clusters)
    across, down = np.meshgrid(range(len(clusters)), range(len(genes)), indexing="ij")
    axes.scatter(across, down, s=AREA * share, c=_inks(mean.ravel()), edgecolors=FAINT, lw=0.4)
    axes.grid(color=FAINT, alpha=0.3)
    axes.set_axisbelow(True)
    steps = (0.25, 0.5, 1.0)
    look: dict[str, Any] = {"linewidths": 0.4, "edgecolors": FAINT}
    sizes = [axes.scatter([], [], s=AREA * part, c=[ACCENT], **look) for part in steps]
    shades = [axes.scatter([], [], s=AREA, c=_inks([part]), **look) for part in steps]
    shares, means = ("25 %", "50 %", "100 %"), ("0.25", "0.5", "1")
    figure.legend(sizes, shares, title="cells with it", loc="outside right upper", **KEY)
    figure.legend(shades, means, title="relative mean", loc="outside right lower", **KEY)


def _heat(
    figure: Figure, genes: list[str], clusters: list[str], share: np.ndarray, top: float
) -> None:
    """Squares whose opacities are shares of the largest mean."""
    axes = _grid(figure, genes, clusters)
    places = [(x - 0.48, y - 0.48) for x in range(len(clusters)) for y in range(len(genes))]
    squares = [Rectangle(place, 0.96, 0.96) for place in places]
    axes.add_collection(PatchCollection(squares, facecolors=_inks(share.ravel()), lw=0))
    steps = (0.25, 0.5, 1.0)
    keys = [Rectangle((0, 0), 1, 1, facecolor=_inks([part])[0], lw=0) for part in steps]
    told = [f"{part * top:.1f}" for part in steps]
    figure.legend(keys, told, title="mean", loc="outside right upper", **KEY)


def _grid(figure: Figure, genes: list[str], clusters: list[str]) -> Axes:
    """Clusters across, their names on top, and genes down."""
    axes = figure.add_subplot()
    axes.set_xticks(range(len(clusters)), clusters)
    axes.set_yticks(range(len(genes)), [_drawable(gene) for gene in genes])
    axes.set_xlabel("cluster")
    axes.xaxis.set_label_position("top")
    axes.xaxis.tick_top()
    axes.spines[["bottom", "left", "top"]].set_visible(False)
    axes.set_xlim(-0.6, len(clusters) - 0.4)
    axes.set_ylim(len(genes) - 0.4, -0.6)
    axes.tick_params(length=0)
    return axes


def _inks(strengths: Iterable[float]) -> list[tuple[float, float, float, float]]:
    return [to_rgba(ACCENT, 0.06 + 0.94 * float(strength)) for strength in strengths]


def _drawable(name: str) -> str:
    """A name without the control characters that XML cannot hold, and not too long."""
    clean = re.sub(r"[\x00-\x1f\x7f\ufffe\uffff\ud800-\udfff]", "�", name)
    return clean if len(clean) <= 40 else clean[:39] + "…"


def marker_table(sample: Sample) -> Table:
    """The first markers of each cluster with all their numbers."""
    rows = []
    for cluster in sample.clusters:
        mine = sample.markers[sample.markers["cluster"] == cluster]
        for row in mine.sort_values("rank", kind="stable").head(IN_TABLE).to_dict("records"):
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
        *("Cluster", "Rank", "Gene", "Gene id", "log2 fold change", "% in", "% out", "AUC"),
        *("Wilcoxon score", "Adjusted p", "Flag"),
    )
    caption = f"The first {IN_TABLE} markers of each cluster"
    return Table("markers-table", caption, header, rows, tall=True)
