"""Figures of accuracy.csv and reliability.csv as SVG.

    python benchmarks/plots.py [accuracy.csv]

Writes ``benchmarks/results/accuracy.svg`` and ``benchmarks/results/reliability.svg``.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
from accuracy import PANEL
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from reliability import KINDS, N_BINS, calibration_errors
from rows import ACCURACY, BEST_LEVEL, GIVEN, OUTSIDE, RESULTS, UNKNOWN, by_seed, over_seeds, read

# Okabe and Ito's, with a shape each, so that colour is not all that tells them apart
LOOK = {
    "ours": ("#0072B2", "o"),
    "levels": ("#0072B2", "o"),
    "start": ("#E69F00", "s"),
    "kmeans": ("#009E73", "^"),
    "leiden oracle": ("#CC79A7", "D"),
    "leiden": ("#D55E00", "v"),
    "scvi": ("#56B4E9", "P"),
    "scace": ("#F0E442", "X"),
}
REST, POOLED = "#56B4E9", "#0072B2"
SIZE, RELIABILITY_SIZE = (10.5, 11.0), (10.5, 4.8)
ON_PAPER = {
    "svg.hashsalt": "benchmarks",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "grid.color": "#c8cdd2",
    "grid.linewidth": 0.5,
}


def accuracy(figure: Figure, rows: pd.DataFrame) -> None:
    """Dots for seeds and marks for means, by data set and method; k given and k unknown."""
    panels = figure.subplots(1, 2, sharey=True)
    handles: dict[str, object] = {}
    for axes, title, compared in zip(
        panels,
        ("Number of clusters given", "Number of clusters unknown"),
        (GIVEN, UNKNOWN),
        strict=True,
    ):
        handles |= _points(axes, rows, compared)
        axes.set_title(title, loc="left")
        axes.set_xlabel("Agreement with published classes (adjusted Rand index)")
    names = (*PANEL, *OUTSIDE)
    panels[0].set_yticks(range(len(names)), [*PANEL, *(f"{name} *" for name in OUTSIDE)])
    panels[0].set_ylim(len(names) - 0.5, -0.5)
    panels[0].set_ylabel("Data set (* in no mean)")
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4)


def _points(
    axes: Axes, rows: pd.DataFrame, compared: tuple[tuple[str, str, str], ...]
) -> dict[str, object]:
    """Row of points per method and data set; returns the legend's marks."""
    names = (*PANEL, *OUTSIDE)
    handles = {}
    step = 0.72 / len(compared)
    for i, (label, method, k) in enumerate(compared):
        colour, shape = LOOK["levels" if k == BEST_LEVEL else method]
        values = by_seed(rows, method, k, "ari")
        values = values[values.index.get_level_values("set").isin(names)]
        means = over_seeds(values)
        shift = (i - (len(compared) - 1) / 2) * step
        where = [names.index(name) + shift for name in values.index.get_level_values("set")]
        axes.plot(values, where, ".", color=colour, markersize=3.5, alpha=0.75)
        (handles[label],) = axes.plot(
            means,
            [names.index(name) + shift for name in means.index],
            shape,
            color=colour,
            markersize=6.5,
            markerfacecolor="none" if label.endswith("by the labels") else colour,
            linestyle="none",
        )
    for line in range(1, len(names)):
        axes.axhline(line - 0.5, color="#9AA3AD", linewidth=0.9 if line == len(PANEL) else 0.3)
    axes.set_xlim(0, 1.02)
    axes.grid(axis="x", alpha=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    return handles


def reliability(figure: Figure, table: pd.DataFrame) -> None:
    """Agreement with another run, by confidence: thin lines for data sets, thick for all cells."""
    panels = figure.subplots(1, 2, sharey=True)
    handles: dict[str, object] = {}
    for axes, k in zip(panels, KINDS, strict=True):
        part = table[(table["k"] == k) & table["set"].isin(PANEL)]
        (handles["as sure as it says"],) = axes.plot(
            [0, 1], [0, 1], color="#9AA3AD", linestyle="--", linewidth=1
        )
        for _, own in part.groupby("set"):
            (handles["one data set"],) = axes.plot(
                own["mean_confidence"], own["agreement"], color=REST, linewidth=0.8, alpha=0.8
            )
        pooled = _pooled(part)
        # without a cell there is nothing to draw
        (handles["all cells of the panel"],) = axes.plot(
            pooled["mean_confidence"], pooled["agreement"], "o-", color=POOLED, markersize=4
        )
        shares = pooled["n_cells"] / max(pooled["n_cells"].sum(), 1)
        handles["share of the cells"] = axes.bar(
            pooled["low"] + 0.5 / N_BINS, shares, 0.8 / N_BINS, color="#E69F00", alpha=0.35
        )
        by_cells, by_sets, n_sets = calibration_errors(table, k)
        error = f": calibration error {by_cells:.3f} by cells, {by_sets:.3f} by sets"
        axes.set_title(f"Number of clusters {k}{error if n_sets else ''}", loc="left")
        axes.set_xlabel("Confidence")
        axes.set_xlim(0, 1.02)
        axes.set_ylim(0, 1.02)
        axes.grid(alpha=0.6)
        axes.set_axisbelow(True)
    panels[0].set_ylabel("Share of cells on which another run agrees")
    figure.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=4)


def _pooled(part: pd.DataFrame) -> pd.DataFrame:
    """Bins of all data sets, weighted by their cells."""
    columns = ["mean_confidence", "agreement"]
    sums = part[columns].mul(part["n_cells"], axis=0).assign(n_cells=part["n_cells"])
    sums = sums.groupby(np.round(part["low"], 6)).sum()
    sums[columns] = sums[columns].div(sums["n_cells"], axis=0)
    return sums.reset_index()


def save(path: Path, size: tuple[float, float], paint: Callable[[Figure], None]) -> None:
    """Draw on white and write a reproducible SVG."""
    with mpl.rc_context({**mpl.rcParamsDefault, "backend": "agg", **ON_PAPER}):
        figure = Figure(figsize=size, layout="constrained")
        paint(figure)
        figure.savefig(path, format="svg", facecolor="white", metadata={"Date": None})


def main() -> None:
    """Draw the figures whose rows exist."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", nargs="?", type=Path, default=ACCURACY)
    parser.add_argument("--reliability", type=Path, default=RESULTS / "reliability.csv")
    parser.add_argument("--output", type=Path, default=RESULTS, help="folder of the figures")
    arguments = parser.parse_args()
    rows = read(arguments.rows)
    save(arguments.output / "accuracy.svg", SIZE, lambda figure: accuracy(figure, rows))
    if not arguments.reliability.is_file():
        print(f"no reliability figure: {arguments.reliability} does not exist")
        return
    table = pd.read_csv(arguments.reliability)
    save(
        arguments.output / "reliability.svg",
        RELIABILITY_SIZE,
        lambda figure: reliability(figure, table),
    )


if __name__ == "__main__":
    main()
