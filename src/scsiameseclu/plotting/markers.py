"""Figures of marker genes by cluster: dots and squares, with clusters across and genes down.

Areas and opacities are legible on white and on black, and without colour vision.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.patches import Rectangle

from scsiameseclu.plotting.inks import Inks

AREA = 90
STEPS = (0.25, 0.5, 1.0)
LEGEND: dict[str, Any] = {
    "frameon": False, "fontsize": 8, "title_fontsize": 8, "alignment": "left",
}  # fmt: skip


def relative(mean: np.ndarray) -> np.ndarray:
    """Means (n_clusters, n_genes) as shares of the gene's largest; 0 for a gene without any."""
    largest = mean.max(axis=0, keepdims=True)
    return np.asarray(mean / (largest + (largest == 0)))


def figure_size(n_clusters: int, n_genes: int) -> tuple[float, float]:
    """Width and height, in inches, that leave room for names and legends."""
    return 2.6 + 0.32 * n_clusters, max(1.0 + 0.21 * n_genes, 3.0)


def draw_dots(
    axes: Axes,
    genes: Sequence[str],
    clusters: Sequence[str],
    share: np.ndarray,
    strength: np.ndarray,
    inks: Inks,
) -> None:
    """Dots whose area is ``share`` and whose opacity is ``strength``.

    Parameters
    ----------
    share, strength
        (n_clusters, n_genes), 0 to 1.
    """
    _grid(axes, genes, clusters)
    across, down = np.meshgrid(range(len(clusters)), range(len(genes)), indexing="ij")
    colours = inks.shades(strength.ravel())
    axes.scatter(across, down, s=AREA * share, c=colours, edgecolors=inks.faint, lw=0.4)
    axes.grid(color=inks.faint, alpha=0.3)
    axes.set_axisbelow(True)


def dot_legends(axes: Axes, where: Figure | Axes, inks: Inks) -> None:
    """Legends of :func:`draw_dots`: beside the axes, or at the right of a figure."""
    look: dict[str, Any] = {"linewidths": 0.4, "edgecolors": inks.faint}
    sizes = [axes.scatter([], [], s=AREA * step, c=[inks.accent], **look) for step in STEPS]
    shades = [axes.scatter([], [], s=AREA, c=inks.shades([step]), **look) for step in STEPS]
    shares, means = ("25 %", "50 %", "100 %"), ("0.25", "0.5", "1")
    _legend(where, sizes, shares, "cells with it", top=True)
    _legend(where, shades, means, "relative mean", top=False)


def draw_squares(
    axes: Axes, genes: Sequence[str], clusters: Sequence[str], strength: np.ndarray, inks: Inks
) -> None:
    """Squares whose opacity is ``strength``, (n_clusters, n_genes), 0 to 1."""
    _grid(axes, genes, clusters)
    corners = [(x - 0.48, y - 0.48) for x in range(len(clusters)) for y in range(len(genes))]
    squares = [Rectangle(corner, 0.96, 0.96) for corner in corners]
    axes.add_collection(PatchCollection(squares, facecolors=inks.shades(strength.ravel()), lw=0))


def square_legend(where: Figure | Axes, largest: float, inks: Inks) -> None:
    """Legend of :func:`draw_squares`, whose strength 1 stands for ``largest``."""
    keys = [Rectangle((0, 0), 1, 1, facecolor=inks.shades([step])[0], lw=0) for step in STEPS]
    _legend(where, keys, [f"{step * largest:.1f}" for step in STEPS], "mean", top=True)


def _legend(
    where: Figure | Axes, keys: Sequence[Any], texts: Sequence[str], title: str, *, top: bool
) -> None:
    look: dict[str, Any] = LEGEND | {"title": title}
    if isinstance(where, Figure):
        look["loc"] = "outside right upper" if top else "outside right lower"
        where.legend(keys, texts, **look)
        return
    look |= {"loc": "upper left", "bbox_to_anchor": (1.02, 1.0)}
    if not top:
        look |= {"loc": "lower left", "bbox_to_anchor": (1.02, 0.0)}
    legend = Legend(where, keys, texts, bbox_transform=where.transAxes, **look)
    where.add_artist(legend)
    legend.set_clip_on(False)  # so that the layout leaves room for it


def _grid(axes: Axes, genes: Sequence[str], clusters: Sequence[str]) -> None:
    """Clusters across, their names on top, and genes down."""
    axes.set_xticks(range(len(clusters)), clusters)
    axes.set_yticks(range(len(genes)), [drawable(gene) for gene in genes])
    axes.set_xlabel("cluster")
    axes.xaxis.set_label_position("top")
    axes.xaxis.tick_top()
    axes.spines[["bottom", "left", "right", "top"]].set_visible(False)
    axes.set_xlim(-0.6, len(clusters) - 0.4)
    axes.set_ylim(len(genes) - 0.4, -0.6)
    axes.tick_params(length=0)


def drawable(name: str) -> str:
    """A name without the control characters that XML cannot hold, and not too long."""
    clean = re.sub(r"[\x00-\x1f\x7f\ufffe\uffff\ud800-\udfff]", "�", name)
    return clean if len(clean) <= 40 else clean[:39] + "…"
