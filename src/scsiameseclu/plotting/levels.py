"""The tree of clusters from coarse to fine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from scsiameseclu.plotting.inks import Inks

MAX_AREA, MAX_WIDTH = 900.0, 14.0


@dataclass(frozen=True)
class Node:
    """A cluster of one level.

    Attributes
    ----------
    row
        Position of the level, from 0, the coarsest.
    place
        Horizontal position.
    share
        Share of all cells.
    stability
        0 to 1; NaN where it is unknown.
    colour
        Of the disc.
    text
        Name inside the disc.
    """

    row: int
    place: float
    share: float
    stability: float
    colour: str
    text: str


def draw_tree(
    axes: Axes,
    nodes: Sequence[Node],
    edges: Sequence[tuple[int, int, float]],
    rows: Sequence[str],
    inks: Inks,
) -> None:
    """Draw one row of discs per level, joined by the cells that two clusters share.

    Parameters
    ----------
    nodes
        The clusters; the area of a disc is its share of the cells, the opacity its stability.
    edges
        Positions of two nodes of neighbouring levels, and the share of all cells that both have,
        which is the width of the line.
    rows
        Label of each level, from the coarsest at the top.
    """
    for parent, child, share in edges:
        ends = [nodes[parent], nodes[child]]
        axes.plot(
            [node.place for node in ends],
            [node.row for node in ends],
            color=inks.faint,
            linewidth=0.6 + MAX_WIDTH * share,
            alpha=0.45,
            solid_capstyle="butt",
            zorder=1,
        )
    areas = [30 + MAX_AREA * node.share for node in nodes]
    places, heights = [node.place for node in nodes], [node.row for node in nodes]
    strengths = [0.25 + 0.75 * np.nan_to_num(node.stability) for node in nodes]
    axes.scatter(places, heights, s=areas, color="white", edgecolors="none", zorder=2)
    for node, area, strength in zip(nodes, areas, strengths, strict=True):
        axes.scatter(
            [node.place], [node.row], s=area, color=node.colour, alpha=strength, zorder=3,
            edgecolors="none",
        )  # fmt: skip
        axes.annotate(
            node.text, (node.place, node.row), (np.sqrt(area) / 2 + 2, 0), ha="left", va="center",
            textcoords="offset points", fontsize=8, zorder=4,
        )  # fmt: skip
    axes.set_yticks(range(len(rows)), rows)
    axes.set_ylim(len(rows) - 0.5, -0.6)
    axes.set_xlim(-0.6, max(places, default=0) + 0.9)
    axes.set_xticks([])
    axes.spines[["bottom", "left"]].set_visible(False)
    axes.tick_params(axis="y", length=0)
