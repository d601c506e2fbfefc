"""UMAP figures: points coloured by a category or by a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure

from scsiameseclu.palette import ABSENT, colour
from scsiameseclu.report.annotation import ABSTENTIONS
from scsiameseclu.report.svg import INK, PAPER, draw
from scsiameseclu.report.tables import Picture, count

SHOWN = 20_000
LEGEND = 24
NUMBERED = 40
"""Number of categories, largest first, named on a map."""


@dataclass(frozen=True)
class Plane:
    """The drawn cells: positions (n_shown, 2) and their rows among all cells."""

    positions: np.ndarray
    rows: np.ndarray
    n_cells: int

    @property
    def note(self) -> str:
        """A sentence if only a sample of the cells is drawn, else empty."""
        if len(self.rows) == self.n_cells:
            return ""
        return (
            f"The maps show a random sample of {count(len(self.rows))} of {count(self.n_cells)} "
            "cells; all numbers refer to all cells."
        )


def plane(umap: np.ndarray, shown: int = SHOWN) -> Plane:
    """Choose the cells to draw, in random order so that no category covers another."""
    rows = np.random.default_rng(0).permutation(len(umap))[:shown]
    return Plane(umap[rows], rows, len(umap))


def category_map(
    name: str,
    title: str,
    where: Plane,
    values: pd.Series,
    *,
    caption: str,
    numbered: bool = False,
) -> Picture:
    """A map coloured by a category; missing values are grey.

    With ``numbered``, the 40 largest categories are named at the median of their cells.
    """
    codes = values.cat.codes.to_numpy()
    categories = [str(category) for category in values.cat.categories]
    order = (
        np.arange(len(categories))
        if numbered
        else np.argsort(-_sizes(codes, len(categories)), kind="stable")
    )
    colours = [ABSENT] * len(categories)
    for position, category in enumerate(order):
        if categories[category] not in ABSTENTIONS:
            colours[category] = colour(position)
    ink = np.array([*colours, ABSENT])[codes[where.rows]]

    def paint(figure: Figure) -> None:
        axes = _empty_axes(figure)
        x, y = where.positions.T
        axes.scatter(x, y, c=ink, **_dots(where))
        if numbered:
            largest = np.argsort(-_sizes(codes, len(categories)), kind="stable")[:NUMBERED]
            _name_centres(axes, where, codes[where.rows], {n: categories[n] for n in largest})

    sizes = _sizes(codes, len(categories))
    legend = [(colours[i], f"{categories[i]} ({count(sizes[i])})") for i in order]
    if len(legend) > LEGEND:
        legend = [*legend[:LEGEND], (ABSENT, f"and {len(legend) - LEGEND} more")]
    if (codes < 0).any():
        legend.append((ABSENT, f"none ({count((codes < 0).sum())})"))
    alt = f"UMAP of {count(len(where.rows))} cells coloured by {title.lower()}. {caption}"
    return Picture(draw(name, alt, (4.2, 3.9), paint), title, caption, legend)


def number_map(
    name: str, title: str, where: Plane, values: np.ndarray, *, caption: str, label: str
) -> Picture:
    """A map coloured by a number, from its 1st to its 99th percentile; missing values are grey."""
    low, high = np.nanpercentile(values, [1, 99])
    known = ~np.isnan(values[where.rows])
    # Both ends are cut so that neither vanishes on a white or a black page.
    scale = ListedColormap(colormaps["viridis"](np.linspace(0.08, 0.94, 256)))

    def paint(figure: Figure) -> None:
        axes = _empty_axes(figure)
        x, y = where.positions.T
        axes.scatter(x[~known], y[~known], c=ABSENT, **_dots(where))
        shown, limits = values[where.rows][known], {"vmin": low, "vmax": high}
        points = axes.scatter(x[known], y[known], c=shown, cmap=scale, **limits, **_dots(where))
        bar = figure.colorbar(points, ax=axes, shrink=0.7, aspect=25, pad=0.01)
        bar.set_label(label)
        bar.outline.set_visible(False)
        if bar.solids is not None:
            bar.solids.set_rasterized(True)

    alt = (
        f"UMAP of {count(len(where.rows))} cells coloured by {title.lower()}, "
        f"median {np.nanmedian(values):.3g}. {caption}"
    )
    return Picture(draw(name, alt, (4.2, 3.9), paint), title, caption)


def _sizes(codes: np.ndarray, n: int) -> np.ndarray:
    return np.bincount(codes[codes >= 0], minlength=n)


def _empty_axes(figure: Figure) -> Axes:
    axes = figure.add_subplot()
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel("UMAP 1", loc="left", fontsize=8)
    axes.set_ylabel("UMAP 2", loc="bottom", fontsize=8)
    return axes


def _dots(where: Plane) -> dict[str, Any]:
    size = min(max(9000 / max(len(where.rows), 1), 1.2), 16.0)
    return {"s": size, "linewidths": 0, "rasterized": True}


def _name_centres(axes: Axes, where: Plane, codes: np.ndarray, names: Mapping[int, str]) -> None:
    for code, name in names.items():
        members = where.positions[codes == code]
        if len(members):
            box = {
                "boxstyle": "round,pad=0.18",
                "facecolor": PAPER,
                "edgecolor": "none",
                "alpha": 0.75,
            }
            x, y = np.median(members, axis=0)
            axes.text(x, y, name, ha="center", va="center", fontsize=9, color=INK, bbox=box)
