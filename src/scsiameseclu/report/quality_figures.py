"""Figures of the quality section: distributions with their thresholds, and cells by filter step."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from scsiameseclu.genes.gene_classes import SPIKE_INS
from scsiameseclu.report.finished_sample import FinishedSample
from scsiameseclu.report.svg import ACCENT, FAINT, INK, LOST, draw, ticks
from scsiameseclu.report.tables import (
    Picture,
    Table,
    count,
    numbered,
    percent,
    sentence,
    text,
    whole,
)

# column: (title, axis label, logarithmic axis)
METRICS = {
    "total_counts": ("Counts", "counts per cell", True),
    "n_genes": ("Detected genes", "genes per cell", True),
    "pct_top20": ("Top-20 percentage", "% of counts in the 20 most abundant genes", False),
    "pct_mito": ("Mitochondrial percentage", "% mitochondrial counts", False),
    "pct_ribo": ("Ribosomal percentage", "% ribosomal counts", False),
    "pct_hb": ("Haemoglobin percentage", "% haemoglobin counts", False),
    SPIKE_INS: ("Spike-in percentage", "% of counts in spike-ins", False),
    "doublet_score": ("Doublet score", "share of simulated neighbours", False),
}
BINS = 50
KNEE_POINTS = 300  # ranks drawn


def quality_pictures(sample: FinishedSample) -> list[Picture]:
    """Counts by rank, and a histogram for each metric that has values: kept and removed cells."""
    table = sample.ingested
    limits = sample.quality["thresholds"]
    return [
        _knee(sample),
        *(
            _distribution(sample, metric, limits.get(metric, {}))
            for metric in METRICS
            if metric in table and table[metric].any()
        ),
    ]


def notes_on_metrics(sample: FinishedSample) -> list[str]:
    """Sentences on metrics that could not be computed, and on the cell cycle."""
    sentences = []
    if not sample.ingested["pct_mito"].notna().any():
        sentences.append(
            "No mitochondrial genes were recognised by name, so the percentage is not available."
        )
    if not sample.ingested["doublet_score"].notna().any():
        reason = sentence(str(sample.quality["doublets"]))
        sentences.append(f"Doublet scores are not available. {reason}".strip())
    if (phases := sample.cells["phase"].dropna()).size:
        share = 100 * float(phases.isin(["S", "G2M"]).mean())
        sentences.append(f"{share:.0f} % of the kept cells are in S phase or G2/M by their scores.")
    return sentences


def _knee(sample: FinishedSample) -> Picture:
    """Total counts by rank, at no more than :data:`KNEE_POINTS` ranks."""
    ordered = sample.ingested.sort_values("total_counts", ascending=False, kind="stable")
    counts = ordered["total_counts"].to_numpy(float)
    kept = _kept(ordered)
    ranks = np.unique(np.geomspace(1, len(counts), KNEE_POINTS).round().astype(int))
    # share of kept cells between consecutive ranks
    passed = np.add.reduceat(kept, ranks - 1) / np.diff(np.append(ranks - 1, len(counts)))

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        shown = np.maximum(counts[ranks - 1], 1)
        axes.plot(ranks, shown, color=FAINT, linewidth=1)
        axes.scatter(ranks, shown, s=9, c=np.where(passed >= 0.5, ACCENT, LOST), linewidths=0)
        axes.set_xscale("log")
        axes.set_yscale("log")
        _plain_numbers(axes.xaxis, (1,))
        _plain_numbers(axes.yaxis, (1, 2, 5) if counts[0] < 100 * counts[-1] else (1,))
        axes.set_xlabel("rank")
        axes.set_ylabel("total counts")

    caption = (
        "All input cells ranked by total counts; a steep drop separates cells from empty droplets. "
        "Colour: whether most cells at that rank were kept."
    )
    alt = (
        f"Total counts of {count(len(counts))} cells by rank, from {count(counts[0])} down to "
        f"{count(counts[-1])}. {caption}"
    )
    return Picture(draw("knee", alt, (3.3, 2.3), paint), "Counts by rank", caption)


def _kept(cells: pd.DataFrame) -> np.ndarray:
    return cells["kept"].str.lower().isin(["true", "yes", "1"]).to_numpy()


def _distribution(sample: FinishedSample, metric: str, limits: dict[str, float]) -> Picture:
    title, label, logarithmic = METRICS[metric]
    known = sample.ingested[sample.ingested[metric].notna()]
    values = known[metric].to_numpy(float)
    kept = _kept(known)
    bounds = [(side, float(limits[side])) for side in ("low", "high") if _binds(limits.get(side))]
    edges = _edges(np.append(values, [value for _, value in bounds]), logarithmic)

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        inside = np.clip(values, edges[0], edges[-1])
        axes.hist(
            [inside[kept], inside[~kept]],
            bins=edges.tolist(),
            stacked=True,
            color=[ACCENT, LOST],
            lw=0,
        )
        if logarithmic:
            axes.set_xscale("log")
            _plain_numbers(axes.xaxis, (1, 2, 5))
        _bounds(axes, [value for _, value in bounds])
        axes.set_xlabel(label)
        axes.set_ylabel("cells")
        ticks(axes.yaxis, 4, whole=True)

    middle = (
        f"Median of the kept cells: {_short(float(np.median(values[kept])))}" if kept.any() else ""
    )
    caption = f"{middle}; {_rule(sample, metric, bounds)}."
    alt = (
        f"Histogram of {label} over {count(len(values))} cells, {count(kept.sum())} of them kept. "
        f"{caption}"
    )
    return Picture(draw(f"quality-{metric}", alt, (3.3, 2.3), paint), title, caption)


def _edges(values: np.ndarray, logarithmic: bool) -> np.ndarray:
    low, high = float(values.min()), float(values.max())
    if logarithmic:
        low = max(float(values[values > 0].min(initial=high or 1)), 1)
        return np.geomspace(low, max(high, low * 2), BINS + 1)
    return np.linspace(low, high if high > low else low + 1, BINS + 1)


def _plain_numbers(axis: Axis, subs: Sequence[int]) -> None:
    """Plain numbers on a logarithmic axis, at these multiples of powers of ten."""
    axis.set_major_locator(LogLocator(base=10, subs=subs, numticks=7))
    axis.set_major_formatter(FuncFormatter(lambda value, _: _short(value)))
    axis.set_minor_formatter(NullFormatter())


def _bounds(axes: Axes, bounds: Sequence[float]) -> None:
    for value in bounds:
        axes.axvline(value, color=INK, linestyle=(0, (4, 2)), linewidth=1.1)


def _binds(value: float | None) -> bool:
    """Whether a cell can violate the threshold: no metric is negative."""
    return value is not None and math.isfinite(value) and value > 0


def _rule(sample: FinishedSample, metric: str, bounds: Sequence[tuple[str, float]]) -> str:
    if metric == "doublet_score":
        called = int((sample.ingested["predicted_doublet"] == "yes").sum())
        return numbered(called, "predicted doublet")
    shown = [f"{'at least' if side == 'low' else 'at most'} {_short(v)}" for side, v in bounds]
    return f"kept: {' and '.join(shown)}" if shown else "no threshold"


def _short(value: float) -> str:
    """``12 300``, ``1.5``, ``0.21``: three significant digits below 1000."""
    return count(value) if abs(value) >= 1000 else f"{value:.3g}"


def funnel_steps(sample: FinishedSample) -> list[tuple[str, int]]:
    """Filter steps with the number of cells that remain after each."""
    funnel = sample.quality["funnel"]
    return [(str(s), int(n)) for s, n in zip(funnel["step"], funnel["cells"], strict=True)]


def funnel_picture(sample: FinishedSample) -> Picture:
    """Bars of the cells that remain after each step and of those it removed."""
    steps = funnel_steps(sample)
    first = steps[0][1]

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        before = first
        for row, (_, left) in enumerate(steps):
            axes.barh(row, left, color=ACCENT, height=0.7)
            axes.barh(row, before - left, left=left, color=LOST, height=0.7)
            lost = f"  −{count(before - left)}" if before > left else ""
            axes.text(before, row, f" {count(left)}{lost}", va="center", fontsize=8)
            before = left
        axes.set_yticks(range(len(steps)), [name for name, _ in steps])
        axes.invert_yaxis()
        axes.set_xlim(0, first * 1.22)
        axes.set_xlabel("remaining cells")
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", color=FAINT, alpha=0.4)
        axes.set_axisbelow(True)
        ticks(axes.xaxis, 5, whole=True)

    alt = (
        "Cells remaining after each step: "
        + ", ".join(f"{name} {count(n)}" for name, n in steps)
        + "."
    )
    size = (6.2, 0.75 + 0.3 * len(steps))
    caption = "Cells that remain after each step, and cells that it removed."
    return Picture(draw("funnel", alt, size, paint), "Cells kept at each step", caption)


def funnel_table(sample: FinishedSample) -> Table:
    """The cells that remain after each step, as a table."""
    steps = funnel_steps(sample)
    first = before = steps[0][1]
    rows = []
    for name, left in steps:
        share = percent(left, first)
        rows.append([text(name), whole(left), whole(before - left), text(share)])
        before = left
    header = ("Step", "Remaining cells", "Removed", "Remaining")
    return Table("funnel-table", "Cells remaining after each filter step", header, rows)
