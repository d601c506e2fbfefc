"""Figures of the training section: the loss and each of its parts against the step."""

from typing import TYPE_CHECKING

from scsiameseclu.report.inputs import Sample
from scsiameseclu.report.look import FAINT, colour, draw, ticks
from scsiameseclu.report.tables import Picture, count

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

POINTS = 300
NOT_LOSSES = ("step", "epoch", "phase", "lr", "learning_rate")


def training_pictures(sample: Sample) -> list[Picture]:
    """One small curve for the loss and one for each part that has values, coloured by phase."""
    table = sample.training
    names = [name for name in table.columns if name not in NOT_LOSSES]
    return [_curve(table, name) for name in names if table[name].notna().any()]


def phases(table: "pd.DataFrame") -> list[str]:
    """The phases of the training in their order; one nameless phase where none is recorded."""
    return list(dict.fromkeys(table["phase"])) if "phase" in table else [""]


def phase_legend(sample: Sample) -> list[tuple[str, str]]:
    """(colour, text) of each phase, for one legend beside all curves."""
    return [(colour(i), name) for i, name in enumerate(phases(sample.training)) if name]


def _curve(table: "pd.DataFrame", name: str) -> Picture:
    known = table[table[name].notna()]
    first, last = float(known[name].iloc[0]), float(known[name].iloc[-1])

    def paint(figure: "Figure") -> None:
        axes = figure.add_subplot()
        for position, phase in enumerate(phases(table)):
            part = _thinned(known[known["phase"] == phase] if "phase" in known else known, name)
            axes.plot(part["step"], part[name], color=colour(position), linewidth=1.3)
        axes.set_xlabel("step")
        axes.grid(color=FAINT, alpha=0.4)
        ticks(axes.yaxis, 4)
        ticks(axes.xaxis, 4, whole=True)

    caption = f"From {first:.3g} to {last:.3g} in {count(float(known['step'].max()))} steps."
    alt = f"Line of {name} against the training step. {caption}"
    title = "Loss" if name == "loss" else name.replace("_", " ")
    return Picture(draw(f"training-{name}", alt, (3.1, 1.9), paint), title, caption)


def _thinned(table: "pd.DataFrame", name: str) -> "pd.DataFrame":
    """At most ``POINTS`` rows: means of consecutive steps, so that no spike is chosen by chance."""
    import numpy as np

    if len(table) <= POINTS:
        return table
    groups = np.arange(len(table)) * POINTS // len(table)
    return table[["step", name]].groupby(groups).mean()
