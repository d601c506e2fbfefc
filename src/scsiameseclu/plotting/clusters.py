"""Figures of a clustering: evidence for the number of clusters, sizes, confidence, stability."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from scsiameseclu.plotting.inks import Inks


def draw_evidence(
    axes: Axes, k: Sequence[int], score: Sequence[float], chosen: int, inks: Inks
) -> None:
    """Score against the number of clusters, with a line at the chosen number."""
    axes.plot(k, score, color=inks.accent, marker="o", markersize=3.5)
    axes.axvline(chosen, color=inks.ink, linestyle=(0, (4, 2)), linewidth=1.1)
    axes.annotate(
        f"{chosen} clusters", (chosen, 1), (4, -2), xycoords=("data", "axes fraction"),
        textcoords="offset points", va="top", fontsize=9,
    )  # fmt: skip
    axes.set_xlabel("number of clusters")
    axes.set_ylabel("score")
    axes.xaxis.set_major_locator(MaxNLocator(9, integer=True))
    axes.grid(color=inks.faint, alpha=0.4)


def draw_sizes(
    axes: Axes, clusters: Sequence[str], sizes: Sequence[int], colours: Sequence[str], inks: Inks
) -> None:
    """Number of cells of each cluster, as bars."""
    axes.barh(range(len(clusters)), sizes, color=colours, height=0.7)
    axes.set_xlabel("cells")
    _rows(axes, clusters, inks)


def draw_stability(
    axes: Axes,
    clusters: Sequence[str],
    stability: Sequence[float],
    colours: Sequence[str],
    inks: Inks,
) -> None:
    """Stability of each cluster, 0 to 1, as bars."""
    axes.barh(range(len(clusters)), stability, color=colours, height=0.7)
    axes.set_xlabel("stability")
    axes.set_xlim(0, 1.02)
    _rows(axes, clusters, inks)


def draw_confidence(
    axes: Axes,
    clusters: Sequence[str],
    confidence: Sequence[np.ndarray],
    colours: Sequence[str],
    inks: Inks,
) -> None:
    """Spread of the cells' confidence within each cluster.

    The line spans 5 to 95 % of the cells and the bar the middle half; the tick is the median and
    the diamond the mean.
    """
    for row, (values, colour) in enumerate(zip(confidence, colours, strict=True)):
        low, first, median, third, high = np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95])
        axes.plot([low, high], [row, row], color=inks.ink, linewidth=1)
        axes.plot([first, third], [row, row], color=colour, linewidth=6, solid_capstyle="butt")
        axes.plot(median, row, "|", color=inks.ink, markersize=8)
        axes.plot(values.mean(), row, "D", color=inks.ink, markersize=3)
    axes.set_xlabel("confidence")
    axes.set_xlim(-0.02, 1.02)
    _rows(axes, clusters, inks)


def _rows(axes: Axes, clusters: Sequence[str], inks: Inks) -> None:
    """One row per cluster, the first on top."""
    axes.set_ylabel("cluster")
    axes.set_yticks(range(len(clusters)), clusters)
    axes.set_ylim(len(clusters) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=inks.faint, alpha=0.4)
    axes.set_axisbelow(True)
