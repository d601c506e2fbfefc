"""The trajectory section: pseudotime on the map, and the PAGA graph of the clusters."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from scsiameseclu.palette import colour
from scsiameseclu.report.finished_sample import FinishedSample
from scsiameseclu.report.map_figures import Plane, number_map
from scsiameseclu.report.svg import INK, PAPER, draw
from scsiameseclu.report.tables import (
    Cell,
    Picture,
    Table,
    count,
    decimal,
    listed,
    real,
    text,
    whole,
)

MIN_CONNECTIVITY = 0.1
"""Minimum PAGA connectivity of a drawn edge."""


def trajectory(sample: FinishedSample, where: Plane) -> dict[str, Any] | None:
    """Content of the section; None if no trajectory was requested."""
    if not sample.trajectory_notes:
        return None
    time = sample.time_scores
    return {
        "note": str(sample.trajectory_notes["note"]),
        "time": ""
        if time is None
        else "Spearman correlation of the pseudotime with the column time: "
        f"{decimal(time['spearman'], 2)} ({count(time['n_cells'])} cells).",
        "map": number_map(
            *("map-pseudotime", "Pseudotime", where),
            sample.cells["pseudotime"].to_numpy(float),
            label="pseudotime",
            caption="Diffusion distance from the root, 0 to 1; grey: not connected to the root.",
        ),
        "graph": _graph(sample),
        "table": _table(sample),
    }


def _connectivity(sample: FinishedSample) -> np.ndarray:
    return np.asarray(sample.trajectory_notes["connectivities"], dtype=float)


def _graph(sample: FinishedSample) -> Picture:
    """PAGA graph with clusters at the median position of their cells."""
    joined = _connectivity(sample)
    codes = sample.cells["siamese"].cat.codes.to_numpy()
    k = len(sample.clusters)
    centres = np.array([np.median(sample.umap[codes == code], axis=0) for code in range(k)])
    sizes = np.bincount(codes, minlength=k)
    pairs = [(i, j) for i in range(k) for j in range(i) if joined[i, j] >= MIN_CONNECTIVITY]

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.set_axis_off()
        for i, j in pairs:
            x, y = centres[[i, j]].T
            axes.plot(x, y, color=INK, alpha=0.6, linewidth=0.4 + 4 * joined[i, j], zorder=1)
        area = 120 + 900 * sizes / sizes.max()
        inks = [colour(place) for place in range(k)]
        axes.scatter(
            centres[:, 0], centres[:, 1], s=area, c=inks, edgecolors=PAPER, linewidths=1.2, zorder=2
        )
        for name, (x, y) in zip(sample.clusters, centres, strict=True):
            box = {"boxstyle": "round,pad=0.15", "facecolor": PAPER, "edgecolor": "none"}
            axes.text(x, y, name, ha="center", va="center", fontsize=9, color=INK, bbox=box)
        axes.margins(0.12)

    pairs_drawn = listed(
        [f"{sample.clusters[j]} and {sample.clusters[i]}" for i, j in pairs], limit=12
    )
    caption = (
        "Lines connect clusters with a PAGA connectivity of "
        f"{MIN_CONNECTIVITY} or more; thicker lines: stronger "
        "connectivity. Clusters are placed at the median position of their cells."
    )
    alt = f"Graph of {k} clusters. Connected: {pairs_drawn or 'none'}."
    return Picture(draw("paga", alt, (4.2, 3.9), paint), "Connectivity of the clusters", caption)


def _table(sample: FinishedSample) -> Table:
    joined = _connectivity(sample)
    median = sample.cells.groupby("siamese", observed=True)["pseudotime"].median()
    sizes = sample.cells["siamese"].value_counts(sort=False)
    order = sorted(
        range(len(sample.clusters)), key=lambda place: _last(median[sample.clusters[place]])
    )
    rows = []
    for place in order:
        name = sample.clusters[place]
        others = sorted(
            (
                other
                for other in range(len(joined))
                if other != place and joined[place, other] >= MIN_CONNECTIVITY
            ),
            key=lambda other: -joined[place, other],
        )
        near = [f"{sample.clusters[o]} ({decimal(joined[place, o], 2)})" for o in others]
        rows.append(
            [
                Cell(name, number=place, swatch=colour(place)),
                whole(int(sizes[name])),
                real(float(median[name]), 2),
                text(listed(near) or "–"),
            ]
        )
    header = ("Cluster", "Cells", "Median pseudotime", "Connected to (connectivity)")
    return Table("trajectory-table", "Clusters along the pseudotime", header, rows)


def _last(value: float) -> float:
    """Sort key: missing values come last."""
    return value if value == value else float("inf")
