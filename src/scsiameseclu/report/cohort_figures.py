"""Figures of the cohort page: cells kept and removed, and cell types, per sample."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scsiameseclu.annotation.cell_types import UNASSIGNED
from scsiameseclu.palette import ABSENT, colour
from scsiameseclu.report.cohort_samples import Entry, common_types
from scsiameseclu.report.svg import ACCENT, FAINT, LOST, draw, ticks
from scsiameseclu.report.tables import Picture, count, listed, percent

MAX_TYPES = 16  # with separate colours
OTHER, OTHER_INK = "other types", "#5F5F5F"
MAX_DESCRIBED = 30  # samples in the text alternative of a figure


def overview(entries: Sequence[Entry]) -> Picture | None:
    """Bars of the cells kept and removed in each sample that passed quality control."""
    known = [entry for entry in entries if "cells_in" in entry.numbers]
    if not known:
        return None
    kept = [entry.numbers["cells_kept"] for entry in known]
    lost = [entry.numbers["cells_in"] - entry.numbers["cells_kept"] for entry in known]

    def paint(axes: Axes) -> None:
        rows = range(len(known))
        axes.barh(rows, kept, color=ACCENT, height=0.7)
        axes.barh(rows, lost, left=kept, color=LOST, height=0.7)
        axes.set_xlabel("cells")
        ticks(axes.xaxis, 6, whole=True)

    words = listed(
        [
            f"{e.sample} {count(k)} kept, {count(n)} removed"
            for e, k, n in zip(known, kept, lost, strict=True)
        ],
        limit=MAX_DESCRIBED,
    )
    svg = _bars("overview", f"Cells by sample: {words}.", known, paint)
    caption = "Cells kept and removed by quality control, per sample."
    legend = [("var(--accent)", "kept"), ("var(--lost)", "removed")]
    return Picture(svg, "Cells kept and removed", caption, legend)


def composition(entries: Sequence[Entry]) -> Picture | None:
    """Stacked bars of the predicted cell types' shares in each finished sample."""
    known = [entry for entry in entries if entry.types]
    named = common_types(known, MAX_TYPES)
    if not named:
        return None
    inks = {name: colour(place) for place, name in enumerate(named)}
    inks |= {OTHER: OTHER_INK, UNASSIGNED: ABSENT}
    shares = [_shares(entry.types, named) for entry in known]
    used = {name: ink for name, ink in inks.items() if any(share[name] for share in shares)}

    def paint(axes: Axes) -> None:
        left = [0.0] * len(known)
        for name, ink in used.items():
            widths = [share[name] for share in shares]
            axes.barh(range(len(known)), widths, left=left, color=ink, height=0.7)
            left = [a + b for a, b in zip(left, widths, strict=True)]
        axes.set_xlim(0, 100)
        axes.set_xlabel("% of cells")

    words = listed(
        [f"{e.sample} {_describe(share)}" for e, share in zip(known, shares, strict=True)],
        MAX_DESCRIBED,
    )
    svg = _bars("composition", f"Predicted cell types by sample: {words}.", known, paint)
    caption = (
        "Share of each predicted cell type among the kept cells of each sample. Types are "
        "predicted per cluster. Unassigned: no type fits well enough, or sources contradict each "
        "other."
    )
    legend = [(ink, name) for name, ink in used.items()]
    return Picture(svg, "Predicted cell types", caption, legend)


def _shares(types: Mapping[str, int], named: Sequence[str]) -> dict[str, float]:
    """Percentages of cells: the named types, all other types together, and unassigned."""
    whole = sum(types.values())
    shares = {name: 100 * types.get(name, 0) / whole for name in (*named, UNASSIGNED)}
    rest = sum(cells for name, cells in types.items() if name not in shares)
    return shares | {OTHER: 100 * rest / whole}


def _describe(shares: Mapping[str, float]) -> str:
    most = sorted((name for name in shares if shares[name]), key=lambda name: -shares[name])
    return listed([f"{name} {percent(shares[name], 100)}" for name in most], limit=3)


def _bars(name: str, alt: str, entries: Sequence[Entry], paint: Callable[[Axes], None]) -> Markup:
    """One row per sample, labelled on the left; rows are narrower if there are many."""

    def layout(figure: Figure) -> None:
        axes = figure.add_subplot()
        paint(axes)
        axes.set_yticks(range(len(entries)), [entry.sample for entry in entries])
        axes.set_ylim(len(entries) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", color=FAINT, alpha=0.4)
        axes.set_axisbelow(True)

    height = 0.26 if len(entries) <= 40 else 0.18
    return draw(name, alt, (7.0, 0.8 + height * len(entries)), layout)
