"""Figures of the clusters section: the evidence for their number, their sizes and confidence."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from scsiameseclu.palette import colour
from scsiameseclu.plotting.clusters import draw_confidence, draw_evidence, draw_sizes
from scsiameseclu.report.finished_sample import FinishedSample
from scsiameseclu.report.svg import PAGE, draw
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


def evidence_picture(sample: FinishedSample) -> Picture | None:
    """Score against the number of clusters; nothing where the number was given."""
    evidence = sample.siamese.get("evidence", {})
    tried = [int(k) for k in evidence.get("k", ())]
    scores = [float(score) for score in evidence.get("score", ())]
    if len(tried) < 2:
        return None
    chosen, criterion = int(sample.siamese["n_clusters"]), str(evidence["criterion"])

    def paint(figure: Figure) -> None:
        draw_evidence(figure.add_subplot(), tried, scores, chosen, PAGE)

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


def confidence_picture(sample: FinishedSample) -> Picture:
    """Cluster sizes as bars, and the spread of the confidence within each cluster."""
    groups = [
        sample.cells["siamese_confidence"][sample.cells["siamese"] == name].to_numpy(float)
        for name in sample.clusters
    ]
    colours = [colour(row) for row in range(len(groups))]

    def paint(figure: Figure) -> None:
        left, right = figure.subplots(1, 2, sharey=True)
        draw_sizes(left, sample.clusters, [len(group) for group in groups], colours, PAGE)
        draw_confidence(right, sample.clusters, groups, colours, PAGE)
        right.set_ylabel("")

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


def cluster_table(sample: FinishedSample) -> Table:
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


def level_table(sample: FinishedSample) -> Table | None:
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
