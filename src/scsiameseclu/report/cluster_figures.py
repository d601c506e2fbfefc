"""Figures of the clusters section: the evidence for their number, their sizes and confidence."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from scsiameseclu.palette import colour
from scsiameseclu.report.inputs import Sample
from scsiameseclu.report.look import ACCENT, FAINT, INK, draw, ticks
from scsiameseclu.report.tables import (
    Cell,
    Picture,
    Table,
    count,
    listed,
    percent,
    real,
    text,
    whole,
)


def evidence_picture(sample: Sample) -> Picture | None:
    """Score against the number of clusters; nothing where the number was given."""
    evidence = sample.siamese.get("evidence", {})
    tried = [int(k) for k in evidence.get("k", ())]
    scores = [float(score) for score in evidence.get("score", ())]
    if len(tried) < 2:
        return None
    chosen, criterion = int(sample.siamese["n_clusters"]), str(evidence["criterion"])

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        axes.plot(tried, scores, color=ACCENT, marker="o", markersize=3.5)
        axes.axvline(chosen, color=INK, linestyle=(0, (4, 2)), linewidth=1.1)
        axes.annotate(
            f"{chosen} clusters", (chosen, 1), (4, -2), xycoords=("data", "axes fraction"),
            textcoords="offset points", va="top", fontsize=9,
        )  # fmt: skip
        axes.set_xlabel("number of clusters")
        axes.set_ylabel("score")
        ticks(axes.xaxis, 9, whole=True)
        axes.grid(color=FAINT, alpha=0.4)

    points = ", ".join(f"{k}: {score:.3g}" for k, score in zip(tried, scores, strict=True))
    alt = f"Line of the score against the number of clusters. {points}. Chosen: {chosen}."
    caption = (
        f"How well each number of clusters fits; the dashed line is the choice. Score: {criterion}."
    )
    best = tried[scores.index(max(scores))]
    if chosen < best and not sample.siamese.get("n_clusters_given"):
        caption += (
            f" The curve is highest at {best}, of which {best - chosen} held fewer than "
            "three cells and were dissolved."
        )
    svg = draw("evidence", alt, (4.6, 2.8), paint)
    return Picture(svg, "Evidence for the number of clusters", caption)


def confidence_picture(sample: Sample) -> Picture:
    """Cluster sizes as bars, and the spread of the confidence within each cluster."""
    groups = [
        sample.cells["siamese_confidence"][sample.cells["siamese"] == name].to_numpy(float)
        for name in sample.clusters
    ]
    rows = range(len(groups))

    def paint(figure: Figure) -> None:
        sizes, spread = figure.subplots(1, 2, sharey=True)
        shades = [colour(row) for row in rows]
        sizes.barh(rows, [len(group) for group in groups], color=shades, height=0.7)
        sizes.set_xlabel("cells")
        sizes.set_ylabel("cluster")
        sizes.set_yticks(rows, sample.clusters)
        for row, group in enumerate(groups):
            low, first, middle, third, high = _quantiles(group)
            spread.plot([low, high], [row, row], color=INK, linewidth=1)
            spread.plot(
                [first, third], [row, row], color=shades[row], linewidth=6, solid_capstyle="butt"
            )
            spread.plot(middle, row, "|", color=INK, markersize=8)
            spread.plot(group.mean(), row, "D", color=INK, markersize=3)
        spread.set_xlabel("confidence")
        spread.set_xlim(-0.02, 1.02)
        for axes in (sizes, spread):
            axes.tick_params(axis="y", length=0)
            axes.grid(axis="x", color=FAINT, alpha=0.4)
            axes.set_axisbelow(True)
        sizes.invert_yaxis()

    said = "; ".join(
        f"{name}: {count(len(group))} cells, mean confidence {group.mean():.2f}"
        for name, group in zip(sample.clusters, groups, strict=True)
    )
    caption = (
        "Left: cells in each cluster. Right: confidence of its cells; the line spans 5 to 95 % of "
        "them, the bar the middle half, the tick is the median and the diamond the mean."
    )
    svg = draw(
        "sizes", f"Cluster sizes and confidence. {said}.", (5.2, 1.0 + 0.24 * len(groups)), paint
    )
    return Picture(svg, "Cluster sizes and confidence", caption)


def _quantiles(values: np.ndarray) -> np.ndarray:
    return np.quantile(values, [0.05, 0.25, 0.5, 0.75, 0.95])


def cluster_table(sample: Sample) -> Table:
    """One row a cluster: cells, confidence, quality, predicted type, first markers."""
    cells, types = (
        sample.cells,
        dict(zip(sample.annotation["cluster"], sample.annotation["cell_type"], strict=True)),
    )
    groups = cells.groupby("siamese", observed=True)
    means = groups["siamese_confidence"].mean()
    medians = groups[["total_counts", "pct_mito"]].median()
    sizes = groups.size()
    stability = [float(value) for value in sample.siamese.get("stability", ())]
    rows = []
    for position, name in enumerate(sample.clusters):
        size, confidence = int(sizes[name]), float(means[name])
        rows.append(
            [
                Cell(name, number=position, swatch=colour(position)),
                whole(size),
                Cell(percent(size, len(cells)), number=size, bar=size / int(sizes.max())),
                real(confidence, 2, bar=confidence),
                real(stability[position], 2, bar=stability[position])
                if position < len(stability)
                else text("–"),
                whole(medians["total_counts"][name]),
                real(medians["pct_mito"][name], 1),
                text(types.get(name, "–")),
                text(listed(_first_markers(sample.markers, name)) or "–"),
            ]
        )
    header = (
        *("Cluster", "Cells", "Share", "Mean confidence", "Stability", "Median counts"),
        *("Median mito %", "Predicted type", "First markers"),
    )
    return Table("clusters-table", "The clusters, largest first", header, rows)


def level_table(sample: Sample) -> Table | None:
    """The coarser unions of clusters and the finer parts of each; None without levels."""
    cells = sample.cells
    if not {"siamese_coarse", "siamese_fine"} <= set(cells):
        return None
    rows = []
    for union, members in cells.groupby("siamese_coarse", observed=True):
        for name, own in members.groupby("siamese", observed=True):
            parts = own["siamese_fine"].value_counts(sort=False)
            split = [f"{part} ({count(n)})" for part, n in parts.items() if n]
            finer = listed(split, limit=12) if len(split) > 1 else "–"
            rows.append([text(union), text(name), whole(len(own)), text(finer)])
    header = ("Coarse", "Cluster", "Cells", "Finer parts (cells)")
    return Table("levels-table", "Coarser and finer alternatives", header, rows)


def _first_markers(markers: pd.DataFrame, cluster: str, n: int = 3) -> list[str]:
    mine = markers[markers["cluster"] == cluster].sort_values("rank", kind="stable")
    return [str(gene) for gene in mine["gene"].head(n)]
