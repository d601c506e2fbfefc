"""The barcode rank plot of the droplets of a capture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from scsiameseclu.plotting.inks import Inks

LINES = {"knee": (0, (4, 2)), "inflection": (0, (1, 1.5))}


def draw_barcode_ranks(axes: Axes, summary: Mapping[str, Any], inks: Inks) -> None:
    """Total counts against rank, with knee and inflection; the called cells have the accent."""
    curve = summary["curve"]
    rank, total, called = (np.asarray(curve[name]) for name in ("rank", "total", "called"))
    axes.plot(rank, total, color=inks.faint, linewidth=1)
    for mask, colour in ((called < 0.5, inks.faint), (called >= 0.5, inks.accent)):
        axes.scatter(rank[mask], total[mask], s=9, color=colour, linewidths=0)
    axes.set_xscale("log")
    axes.set_yscale("log")
    for name, style in LINES.items():
        value = float(summary[name])
        if np.isfinite(value):
            axes.axhline(value, color=inks.ink, linestyle=style, linewidth=1)
            axes.annotate(
                f"{name} {value:,.0f}", (0, value), (3, 2), xycoords=("axes fraction", "data"),
                textcoords="offset points", fontsize=8,
            )  # fmt: skip
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_locator(LogLocator(base=10, subs=(1,), numticks=8))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("barcode rank")
    axes.set_ylabel("total counts")
