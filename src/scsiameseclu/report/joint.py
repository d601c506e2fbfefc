"""The part of a cohort's page about its samples: how batches mix, and who has which clusters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from scsiameseclu.palette import ABSENT, colour
from scsiameseclu.preprocess.integration import RECORD
from scsiameseclu.report.annotation import ABSTENTIONS
from scsiameseclu.report.finished_sample import FinishedSample
from scsiameseclu.report.svg import FAINT, draw
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

MIXED, SEPARATE = 0.8, 0.5
"""Mixing from which batches count as well mixed, and below which as separate."""
ONE_SAMPLE = 0.95
"""Share of a cluster's cells from a single sample from which it is marked."""
MAX_DESCRIBED = 30


@dataclass(frozen=True)
class JointSection:
    """Content of the section; see the template."""

    verdict: list[str]
    samples: Table
    batches: Table | None
    mixing: Table
    composition: Picture
    types: Picture


def joint_section(sample: FinishedSample) -> JointSection | None:
    """The section of a cohort; None for a sample."""
    if not sample.groups:
        return None
    return JointSection(
        verdict=verdict(sample),
        samples=_samples(sample),
        batches=_batches(sample),
        mixing=_mixing_table(sample),
        composition=_composition(sample),
        types=_types(sample),
    )


def verdict(sample: FinishedSample) -> list[str]:
    """Whether batches are mixed, and which clusters only one sample has."""
    mixing = sample.mixing
    sentences = []
    before, after = (mixing[when]["overall"] for when in ("before", "after"))
    n_batches = sample.cells["batch"].nunique()
    if before is None:
        sentences.append("All cells are of one batch, so there is no batch effect to look for.")
    else:
        measure = (
            f"Mixing, the share of neighbours from other batches relative to chance, is "
            f"{before:.2f} in the uncorrected principal components and {after:.2f} in the "
            "embedding"
        )
        if before >= MIXED:
            sentences.append(f"No batch effect was found among the {n_batches} batches. {measure}.")
        elif after >= MIXED:
            sentences.append(
                f"The {n_batches} batches differ in the components, and are mixed in the "
                f"embedding. {measure}."
            )
        else:
            sentences.append(
                f"The {n_batches} batches are partly separate: they differ in their cells, or a "
                f"batch effect remains. {measure}."
            )
    alone = _of_one_sample(sample)
    if alone:
        names = listed([f"{cluster} ({name})" for cluster, name in alone.items()])
        plural = "s" if len(alone) > 1 else ""
        sentences.append(
            f"Cluster{plural} found almost only in one sample: {names}. Such a cluster may be a "
            "cell type or state that only this sample has, or a batch effect."
        )
    else:
        sentences.append("Every cluster has cells of several samples.")
    return sentences


def _of_one_sample(sample: FinishedSample) -> dict[str, str]:
    """The sample of clusters with hardly any cells of others, by cluster."""
    shares = pd.crosstab(sample.cells["siamese"], sample.groups["sample"], normalize="index")
    largest = shares.max(axis=1)
    return {
        str(name): str(shares.loc[name].idxmax())
        for name in shares.index[largest >= ONE_SAMPLE]
        if shares.shape[1] > 1
    }


def _samples(sample: FinishedSample) -> Table:
    """One row per sample: its design, its cells, and how many clusters it has."""
    of_sample = sample.groups["sample"]
    table = pd.crosstab(of_sample, sample.cells["siamese"])
    columns = [name for name in sample.groups if name != "sample"]
    rows = []
    for name in of_sample.cat.categories:
        cells = int((of_sample == name).sum())
        design = sample.design.get(str(name), {})
        link = f"../../samples/{quote(str(name))}/report.html"
        rows.append(
            [
                Cell(str(name), link=link),
                *(text(design.get(column, "–")) for column in columns),
                whole(cells),
                Cell(percent(cells, len(sample.cells)), number=cells / len(sample.cells)),
                whole(int((table.loc[name] > 0).sum())),
            ]
        )
    header = ("Sample", *(_title(c) for c in columns), "Cells", "Share", "Clusters")
    return Table("joint-samples", "Samples of the cohort", header, rows)


def _batches(sample: FinishedSample) -> Table | None:
    """One row per batch: how it was aligned; None without an alignment."""
    record = sample.folder.uns("expression", RECORD)
    if record is None:
        return None
    columns = (record[name] for name in ("batch", "n_cells", "strength", "matched"))
    rows = [
        [
            text(name),
            whole(n_cells),
            text("stays in place") if place == 0 else real(float(strength), 2),
            Cell(percent(matched, 1), number=float(matched)) if place else text("–"),
        ]
        for place, (name, n_cells, strength, matched) in enumerate(zip(*columns, strict=True))
    ]
    header = ("Batch", "Cells", "Strength", "Matched cells")
    return Table("joint-batches", "Alignment of the batches, in its order", header, rows)


def _mixing_table(sample: FinishedSample) -> Table:
    """One row per cluster: its samples and how its batches mix before and after correction."""
    cells, of_sample = sample.cells, sample.groups["sample"]
    table = pd.crosstab(cells["siamese"], of_sample)
    alone = _of_one_sample(sample)
    before, after = (sample.mixing[when]["clusters"] for when in ("before", "after"))
    rows = []
    for position, name in enumerate(sample.clusters):
        row = pd.Series(table.loc[name])
        largest = str(row.idxmax())
        note = f"almost only in {alone[name]}" if name in alone else ""
        if not note and after.get(name) is not None and after[name] < SEPARATE:
            note = "batches separate within the cluster"
        rows.append(
            [
                Cell(name, number=position, swatch=colour(position)),
                whole(int(row.sum())),
                whole(int((row > 0).sum())),
                text(f"{largest} ({percent(int(row[largest]), int(row.sum()))})"),
                real(before.get(name), 2),
                real(after.get(name), 2),
                text(note or "–"),
            ]
        )
    header = (
        "Cluster",
        "Cells",
        "Samples",
        "Largest part",
        "Mixing before",
        "Mixing after",
        "Note",
    )
    return Table("joint-mixing", "Samples and batches in each cluster", header, rows)


def _composition(sample: FinishedSample) -> Picture:
    names = sample.clusters
    inks = {name: colour(position) for position, name in enumerate(names)}
    caption = "Share of each cluster among the cells of each sample."
    return _bars(
        sample, sample.cells["siamese"], inks, "joint-clusters", "Clusters by sample", caption
    )


def _types(sample: FinishedSample) -> Picture:
    types = sample.cells["cell_type_predicted"]
    order = [str(name) for name in types.value_counts().index if str(name) not in ABSTENTIONS]
    inks = {name: colour(position) for position, name in enumerate(order)}
    inks |= {name: ABSENT for name in map(str, types.cat.categories) if name not in inks}
    caption = "Share of each predicted cell type among the cells of each sample."
    return _bars(sample, types, inks, "joint-types", "Predicted types by sample", caption)


def _bars(
    sample: FinishedSample,
    values: pd.Series,
    inks: Mapping[str, str],
    name: str,
    title: str,
    caption: str,
) -> Picture:
    """Stacked bars, one per sample, in the order of conditions if there are any."""
    shares = pd.crosstab(sample.groups["sample"], values.astype(str), normalize="index")
    rows = _order(sample)
    shares = shares.reindex(index=rows, columns=list(inks), fill_value=0.0)
    labels = [_label(sample, row) for row in rows]

    def paint(figure: Figure) -> None:
        axes: Axes = figure.add_subplot()
        left = [0.0] * len(rows)
        for column, ink in inks.items():
            widths = [100 * share for share in shares[column]]
            axes.barh(range(len(rows)), widths, left=left, color=ink, height=0.7)
            left = [a + b for a, b in zip(left, widths, strict=True)]
        axes.set_xlim(0, 100)
        axes.set_xlabel("% of cells")
        axes.set_yticks(range(len(rows)), labels)
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", color=FAINT, alpha=0.4)
        axes.set_axisbelow(True)

    words = listed([f"{row} {_largest(pd.Series(shares.loc[row]))}" for row in rows], MAX_DESCRIBED)
    height = 0.8 + (0.26 if len(rows) <= 40 else 0.18) * len(rows)
    svg = draw(name, f"{title}: {words}.", (7.0, height), paint)
    return Picture(svg, title, caption, [(ink, column) for column, ink in inks.items()])


def _order(sample: FinishedSample) -> list[str]:
    names = [str(name) for name in sample.groups["sample"].cat.categories]
    return sorted(names, key=lambda name: sample.design.get(name, {}).get("condition", ""))


def _label(sample: FinishedSample, name: str) -> str:
    condition = sample.design.get(name, {}).get("condition")
    return name if condition is None else f"{name} ({condition})"


def _largest(shares: pd.Series) -> str:
    largest = shares[shares > 0].sort_values(ascending=False, kind="stable")[:3]
    return listed([f"{name} {percent(share, 1)}" for name, share in largest.items()], limit=3)


def _title(column: str) -> str:
    return column.removeprefix("meta_").replace("_", " ").capitalize()


def joint_methods(settings: Mapping[str, Any]) -> list[str]:
    """Sentences of the methods paragraph in place of those on quality control."""
    members: Sequence[str] = settings["members"]
    genes = "in all samples" if settings["genes"] == "intersection" else "in any sample"
    doublets = ", without predicted doublets" if settings["doublets"] == "remove" else ""
    batch = settings["batch"].removeprefix("meta_").replace("_", " ")
    return [
        f"Cells of {count(len(members))} samples that passed the quality control of their sample"
        f"{doublets}, were joined by the genes {genes}, which were matched by id and then by "
        f"symbol; genes detected in fewer than {settings['min_cells']} cells were removed.",
        f"Each {batch} counted as a batch.",
    ]
