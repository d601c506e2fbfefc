"""Figures of the training section: the loss and each of its terms against the step.

One line per network, or one per training phase if there is a single network.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from scsiameseclu.palette import colour
from scsiameseclu.report.finished_sample import FinishedSample
from scsiameseclu.report.svg import FAINT, draw, ticks
from scsiameseclu.report.tables import Picture, count

POINTS = 300
NOT_LOSSES = ("step", "epoch", "phase", "network")


def training_pictures(sample: FinishedSample) -> list[Picture]:
    """One small figure for the loss and one for each term with values."""
    table = sample.training
    names = [name for name in table.columns if name not in NOT_LOSSES]
    return [_curve(table, name) for name in names if table[name].notna().any()]


def lines(table: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """(name, rows) of each line: per network, or per phase if there is one network."""
    networks = sorted(set(table["network"]))
    if len(networks) > 1:
        return [(f"network {n + 1:g}", table[table["network"] == n]) for n in networks]
    phases = dict.fromkeys(table["phase"])
    return [(str(phase), table[table["phase"] == phase]) for phase in phases]


def line_legend(sample: FinishedSample) -> tuple[str, list[tuple[str, str]]] | None:
    """Title and (colour, text) entries of the shared legend; None for a single line."""
    drawn = lines(sample.training)
    if len(drawn) < 2:
        return None
    title = "Networks" if sample.training["network"].nunique() > 1 else "Training phases"
    return title, [(colour(place), name) for place, (name, _) in enumerate(drawn)]


def _curve(table: pd.DataFrame, name: str) -> Picture:
    known = table[table[name].notna()]
    by_step = known.groupby("step")[name].mean()
    first, last = float(by_step.iloc[0]), float(by_step.iloc[-1])

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        for position, (_, rows) in enumerate(lines(table)):
            part = _thinned(rows[rows[name].notna()], name)
            axes.plot(part["step"], part[name], color=colour(position), linewidth=1.3)
        axes.set_xlabel("step")
        axes.grid(color=FAINT, alpha=0.4)
        ticks(axes.yaxis, 4)
        ticks(axes.xaxis, 4, whole=True)

    caption = f"From {first:.3g} to {last:.3g} in {count(float(known['step'].max()))} steps."
    alt = f"{name} against the training step. {caption}"
    title = "Loss" if name == "loss" else name.replace("_", " ")
    return Picture(draw(f"training-{name}", alt, (3.1, 1.9), paint), title, caption)


def _thinned(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """At most ``POINTS`` rows, averaged over consecutive steps."""
    if len(table) <= POINTS:
        return table
    groups = np.arange(len(table)) * POINTS // len(table)
    return table[["step", name]].groupby(groups).mean()
