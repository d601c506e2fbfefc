"""Figures of the clusters section: the evidence for their number, sizes and confidence."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from scsiameseclu.palette import colour
from scsiameseclu.plotting.clusters import draw_confidence, draw_evidence, draw_sizes
from scsiameseclu.report.curation import marked_types
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

MIN_SUPPORT = 0.2
"""Share of the clusterings from which on an alternative to a cluster is shown."""


def evidence_picture(sample: FinishedSample) -> Picture:
    """Score against the number of clusters, also where the number was given."""
    evidence = sample.siamese["evidence"]
    tried = [int(k) for k in evidence["k"]]
    scores = [float(score) for score in evidence["score"]]
    chosen = int(sample.siamese.get("n_clusters_proposed", sample.siamese["n_clusters"]))
    criterion = str(evidence["criterion"])

    def paint(figure: Figure) -> None:
        draw_evidence(figure.add_subplot(), tried, scores, chosen, PAGE)

    points = ", ".join(f"{k}: {score:.3g}" for k, score in zip(tried, scores, strict=True))
    alt = f"Score against the number of clusters. {points}. Chosen: {chosen}."
    caption = (
        f"Score of each number of clusters; dashed line: the chosen number. Score: {criterion}."
    )
    best = tried[scores.index(max(scores))]
    if chosen < best and not sample.siamese["n_clusters_given"]:
        caption += (
            f" The curve peaks at {best} clusters, of which {best - chosen} had fewer than three "
            "cells and were dissolved."
        )
    svg = draw("evidence", alt, (4.6, 2.8), paint)
    return Picture(svg, "Evidence for the number of clusters", caption)


def confidence_picture(sample: FinishedSample) -> Picture:
    """Cluster sizes as bars, and the distribution of confidence within each cluster."""
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

    words = "; ".join(
        f"{name}: {count(len(group))} cells, mean confidence {group.mean():.2f}"
        for name, group in zip(sample.clusters, groups, strict=True)
    )
    caption = (
        "Left: cells per cluster. Right: confidence of its cells; line: 5th to 95th percentile, "
        "bar: interquartile range, tick: median, diamond: mean."
    )
    svg = draw(
        "sizes", f"Cluster sizes and confidence. {words}.", (5.2, 1.0 + 0.24 * len(groups)), paint
    )
    return Picture(svg, "Cluster sizes and confidence", caption)


def cluster_table(sample: FinishedSample) -> Table:
    """One row per cluster: cells, confidence, alternatives, quality, type, top markers."""
    cells, types = sample.cells, marked_types(sample)
    groups = cells.groupby("siamese", observed=True)
    means = groups["siamese_confidence"].mean()
    medians = groups[["total_counts", "pct_mito"]].median()
    sizes = groups.size()
    stability = [float(value) for value in sample.siamese["stability"]]
    may_be = _alternatives(sample)
    rows = []
    for position, name in enumerate(sample.clusters):
        size, confidence = int(sizes[name]), float(means[name])
        rows.append(
            [
                Cell(name, number=position, swatch=colour(position)),
                whole(size),
                Cell(percent(size, len(cells)), number=size, bar=size / int(sizes.max())),
                real(confidence, 2, bar=confidence),
                real(stability[position], 2, bar=stability[position]),
                *([text(may_be[name])] if may_be else []),
                whole(medians["total_counts"][name]),
                real(medians["pct_mito"][name], 1),
                text(types[name]),
                text(listed(_top_markers(sample.markers, name)) or "–"),
            ]
        )
    header = (
        *("Cluster", "Cells", "Share", "Mean confidence", "Stability"),
        *(["May also be"] if may_be else []),
        *("Median counts", "Median mito %", "Predicted type", "Top markers"),
    )
    return Table("clusters-table", "Clusters, largest first", header, rows)


def _alternatives(sample: FinishedSample) -> dict[str, str]:
    """What each cluster may be instead; empty if the clusters were edited."""
    listing = sample.siamese.get("alternatives")
    if listing is None:
        return {}
    answers = {}
    columns = ("merge_with", "merge_support", "split_support")
    for name, other, merge, split in zip(
        sample.clusters, *(listing[column] for column in columns), strict=True
    ):
        parts = []
        if merge >= MIN_SUPPORT:
            parts.append(f"one with\u00a0{other} ({100 * merge:.0f}\u202f%)")
        if split >= MIN_SUPPORT:
            parts.append(f"several ({100 * split:.0f}\u202f%)")
        answers[name] = listed(parts) or "–"
    return answers


def level_table(sample: FinishedSample) -> Table:
    """Coarser unions of the clusters, and finer parts of each."""
    cells = sample.cells
    rows = []
    for union, in_union in cells.groupby("siamese_coarse", observed=True):
        for name, members in in_union.groupby("siamese", observed=True):
            parts = members["siamese_fine"].value_counts(sort=False)
            split = [f"{part} ({count(n)})" for part, n in parts.items() if n]
            finer = listed(split, limit=12) if len(split) > 1 else "–"
            rows.append([text(union), text(name), whole(len(members)), text(finer)])
    header = ("Coarse cluster", "Cluster", "Cells", "Fine clusters (cells)")
    return Table("levels-table", "Coarser and finer clusters", header, rows)


def _top_markers(markers: pd.DataFrame, cluster: str, n: int = 3) -> list[str]:
    ranked = markers[markers["cluster"] == cluster].sort_values("rank", kind="stable")
    return [str(gene) for gene in ranked["gene"].head(n)]
