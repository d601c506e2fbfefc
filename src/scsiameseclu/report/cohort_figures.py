"""The figures of the cohort's page: cells kept and lost, and cell types, sample by sample."""

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

MOST_TYPES = 16  # with a colour of their own
OTHER, OTHER_INK = "other types", "#5F5F5F"
TOLD = 30  # samples in the words for those who do not see a figure


def overview(entries: Sequence[Entry]) -> Picture | None:
    """Bars of the cells kept and lost in each sample that came so far."""
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

    said = listed(
        [
            f"{e.sample} {count(k)} kept, {count(n)} removed"
            for e, k, n in zip(known, kept, lost, strict=True)
        ],
        limit=TOLD,
    )
    svg = _bars("overview", f"Cells by sample: {said}.", known, paint)
    caption = "Cells of each sample that quality control kept and removed."
    legend = [("var(--accent)", "kept"), ("var(--lost)", "removed")]
    return Picture(svg, "Cells kept and removed", caption, legend)


def composition(entries: Sequence[Entry]) -> Picture | None:
    """Stacked bars of the predicted cell types' shares in each finished sample."""
    known = [entry for entry in entries if entry.types]
    named = common_types(known, MOST_TYPES)
    if not named:
        return None
    inks = {name: colour(place) for place, name in enumerate(named)}
    inks |= {OTHER: OTHER_INK, UNASSIGNED: ABSENT}
    shares = [_shares(entry.types, named) for entry in known]
    used = {name: ink for name, ink in inks.items() if any(own[name] for own in shares)}

    def paint(axes: Axes) -> None:
        left = [0.0] * len(known)
        for name, ink in used.items():
            widths = [own[name] for own in shares]
            axes.barh(range(len(known)), widths, left=left, color=ink, height=0.7)
            left = [a + b for a, b in zip(left, widths, strict=True)]
        axes.set_xlim(0, 100)
        axes.set_xlabel("percent of the cells")

    said = listed([f"{e.sample} {_words(own)}" for e, own in zip(known, shares, strict=True)], TOLD)
    svg = _bars("composition", f"Predicted cell types by sample: {said}.", known, paint)
    caption = (
        "Share of each predicted cell type in the kept cells of each sample. Types are predicted "
        "cluster by cluster; Unassigned are the clusters that nothing fits well enough, or on "
        "which several sources contradict."
    )
    legend = [(ink, name) for name, ink in used.items()]
    return Picture(svg, "Shares of predicted types", caption, legend)


def _shares(types: Mapping[str, int], named: Sequence[str]) -> dict[str, float]:
    """Percent of the cells: the named types, all others in one, and those without a type."""
    whole = sum(types.values())
    shares = {name: 100 * types.get(name, 0) / whole for name in (*named, UNASSIGNED)}
    rest = sum(cells for name, cells in types.items() if name not in shares)
    return shares | {OTHER: 100 * rest / whole}


def _words(shares: Mapping[str, float]) -> str:
    most = sorted((name for name in shares if shares[name]), key=lambda name: -shares[name])
    return listed([f"{name} {percent(shares[name], 100)}" for name in most], limit=3)


def _bars(name: str, alt: str, entries: Sequence[Entry], paint: Callable[[Axes], None]) -> Markup:
    """One line a sample, named at its left; lines are closer where there are many."""

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
