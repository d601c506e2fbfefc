"""Figures of a comparison of conditions: composition, shares by replicate, and volcano plots."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter

from scsiameseclu.plotting.inks import Inks
from scsiameseclu.plotting.markers import drawable

GAP = 0.9
"""Space between the rows of two conditions, in rows."""
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
PERCENTS = (0.1, 1, 5, 10, 20, 40, 60, 80, 100)
MAX_LABELS = 8
"""Number of genes named in each half of a volcano plot."""
LINE = 0.045
"""Height of a line of text in a volcano plot, as a share of its axis."""
CEILING = 300.0
"""Largest -log10 of a p-value that is drawn; smaller ones have no finite logarithm."""


def composition_height(conditions: Sequence[str]) -> float:
    """Height in inches of :func:`draw_composition`."""
    return 0.9 + 0.24 * (len(conditions) + GAP * (len(set(conditions)) - 1))


def draw_composition(
    axes: Axes,
    shares: pd.DataFrame,
    conditions: Sequence[str],
    colours: Sequence[str],
    inks: Inks,
) -> None:
    """Stacked bars of the shares of each replicate, grouped by condition.

    Parameters
    ----------
    shares
        (n_replicates, n_groups), 0 to 1; rows of one condition follow each other.
    conditions
        Condition of each row.
    colours
        Colour of each column.
    """
    names = list(dict.fromkeys(conditions))
    rows = np.array([n + GAP * names.index(c) for n, c in enumerate(conditions)])
    left = np.zeros(len(shares))
    for group, ink in zip(shares, colours, strict=True):
        widths = 100 * shares[group].to_numpy(float)
        axes.barh(rows, widths, left=left, color=ink, height=0.78)
        left += widths
    axes.set_yticks(rows, [drawable(str(name)) for name in shares.index])
    axes.set_ylim(rows[-1] + 0.6, -0.6)
    axes.set_xlim(0, 100)
    axes.set_xlabel("% of cells")
    axes.tick_params(axis="y", length=0)
    for name in names:
        middle = rows[[c == name for c in conditions]].mean()
        axes.annotate(
            drawable(name), (1.01, middle), xycoords=("axes fraction", "data"), va="center",
            fontsize=9, color=inks.ink, annotation_clip=False,
        )  # fmt: skip


def draw_shares(
    axes: Axes,
    shares: pd.DataFrame,
    conditions: Sequence[str],
    colours: Sequence[str],
    results: Sequence[str],
    inks: Inks,
) -> None:
    """Share of each replicate, one row per group, with the mean of each condition as a line.

    Parameters
    ----------
    shares
        (n_replicates, n_groups), 0 to 1.
    conditions
        Condition of each replicate.
    colours
        Colour of each condition, in order of appearance.
    results
        Text at the right of each group, such as its test.
    """
    names, of = list(dict.fromkeys(conditions)), np.asarray(conditions)
    step = 0.7 / len(names)
    for place, (name, ink) in enumerate(zip(names, colours, strict=True)):
        offset = step * (place - (len(names) - 1) / 2)
        values = 100 * shares[of == name].to_numpy(float)
        rows = np.broadcast_to(np.arange(values.shape[1]) + offset, values.shape)
        axes.scatter(
            values.ravel(), rows.ravel(), s=20, color=ink, marker=MARKERS[place % len(MARKERS)],
            alpha=0.85, linewidths=0, label=drawable(name), zorder=3, clip_on=False,
        )  # fmt: skip
        axes.vlines(
            values.mean(axis=0), rows[0] - 0.45 * step, rows[0] + 0.45 * step, color=ink, lw=1.6
        )
    axes.set_xscale("function", functions=(_root, np.square))
    top = 100 * float(np.nanmax(shares.to_numpy(float), initial=0.01))
    axes.set_xlim(0, 1.06 * top)
    axes.xaxis.set_major_locator(FixedLocator([0, *(p for p in PERCENTS if p <= 1.06 * top)]))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel("% of the replicate's cells (square-root scale)")
    axes.set_yticks(range(shares.shape[1]), [drawable(str(name)) for name in shares])
    axes.set_ylim(shares.shape[1] - 0.45, -0.55)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x", color=inks.faint, alpha=0.4)
    axes.set_axisbelow(True)
    for row, words in enumerate(results):
        axes.annotate(
            words, (1.02, row), xycoords=("axes fraction", "data"), va="center", fontsize=8,
            color=inks.ink, annotation_clip=False,
        )  # fmt: skip


def _root(values: np.ndarray) -> np.ndarray:
    return np.sqrt(np.maximum(values, 0))


def draw_volcano(axes: Axes, table: pd.DataFrame, fdr: float, colours: tuple[str, str]) -> None:
    """Log2 fold change against the p-value, with the names of the most significant genes.

    Parameters
    ----------
    table
        Columns ``gene``, ``log2FoldChange``, ``pvalue`` and ``padj``.
    fdr
        Genes with an adjusted p-value of at most this are coloured.
    colours
        Of the other genes and of the coloured ones; the points are an image, so that these must be
        legible on white and on black.
    """
    tested = table[table["pvalue"].notna()]
    change = tested["log2FoldChange"].to_numpy(float)
    with np.errstate(divide="ignore"):
        height = np.minimum(-np.log10(tested["pvalue"].to_numpy(float)), CEILING)
    called = (tested["padj"] <= fdr).to_numpy()
    for mask, ink, size in ((~called, colours[0], 5), (called, colours[1], 9)):
        axes.scatter(change[mask], height[mask], s=size, color=ink, linewidths=0, rasterized=True)
    reach = 1.45 * float(np.abs(change).max(initial=1.0))
    axes.set_xlim(-reach, reach)
    top = 1.12 * max(float(height.max(initial=0.0)), 1.0)
    axes.set_ylim(0, top)
    for up in (False, True):
        places = np.flatnonzero(called & ((change > 0) == up))
        places = places[np.argsort(-height[places], kind="stable")][:MAX_LABELS]
        level = np.inf
        for place in places:
            level = min(height[place], level - LINE * top)
            axes.annotate(
                drawable(str(tested["gene"].iloc[place])), (change[place], level),
                (4 if up else -4, 0), textcoords="offset points", fontsize=7, va="center",
                ha="left" if up else "right",
            )  # fmt: skip
    axes.set_xlabel("log2 fold change")
    axes.set_ylabel("−log10 p")
