"""Figures of a capture: barcode ranks where cells were called, and cells by hashtag."""

from __future__ import annotations

import math

from matplotlib.figure import Figure

from scsiameseclu.plotting.ranks import draw_barcode_ranks
from scsiameseclu.report.finished_sample import FinishedSample
from scsiameseclu.report.svg import ACCENT, FAINT, LOST, PAGE, draw, ticks
from scsiameseclu.report.tables import Picture, count, percent

UNTAGGED = ("Doublet", "Negative")


def capture_pictures(sample: FinishedSample) -> list[Picture]:
    """The pictures that apply to the sample."""
    pictures = [_barcode_ranks(sample)] if sample.droplets else []
    return pictures + ([_hashtags(sample)] if sample.hashtags else [])


def _barcode_ranks(sample: FinishedSample) -> Picture:
    droplets = sample.droplets

    def paint(figure: Figure) -> None:
        draw_barcode_ranks(figure.add_subplot(), droplets, PAGE)

    knee = float(droplets["knee"])
    called, above = int(droplets["n_called"]), int(droplets["n_above_knee"])
    known = f"{count(above)} at or above the knee ({count(knee)} counts) and " if above else ""
    caption = (
        f"{count(called)} of {count(int(droplets['n_barcodes']))} barcodes were called cells: "
        f"{known}{count(called - above)} of {count(int(droplets['n_tested']))} that were tested "
        "for a profile other than the ambient one. Grey: empty droplets."
    )
    lines = [
        f"{name} at {count(float(droplets[name]))} counts"
        for name in ("knee", "inflection")
        if math.isfinite(float(droplets[name]))
    ]
    alt = f"Total counts of the barcodes by rank. {caption} {'; '.join(lines)}."
    return Picture(draw("barcode-ranks", alt, (4.4, 2.9), paint), "Barcode ranks", caption)


def _hashtags(sample: FinishedSample) -> Picture:
    names = [str(name) for name in sample.hashtags["name"]]
    cells = [int(number) for number in sample.hashtags["n_cells"]]

    def paint(figure: Figure) -> None:
        axes = figure.add_subplot()
        colours = [LOST if name in UNTAGGED else ACCENT for name in names]
        axes.barh(range(len(names)), cells, color=colours, height=0.7)
        for row, number in enumerate(cells):
            axes.text(number, row, f" {count(number)}", va="center", fontsize=8)
        axes.set_yticks(range(len(names)), names)
        axes.invert_yaxis()
        axes.set_xlim(0, 1.18 * max(*cells, 1))
        axes.set_xlabel("cells")
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", color=FAINT, alpha=0.4)
        axes.set_axisbelow(True)
        ticks(axes.xaxis, 5, whole=True)

    lost = sum(number for name, number in zip(names, cells, strict=True) if name in UNTAGGED)
    caption = (
        "Cells by hashtag. Cells with several hashtags (Doublet) or none (Negative) are removed: "
        f"{count(lost)} of {count(sum(cells))} ({percent(lost, sum(cells))})."
    )
    listed = ", ".join(f"{name} {count(n)}" for name, n in zip(names, cells, strict=True))
    size = (4.4, 0.75 + 0.26 * len(names))
    svg = draw("hashtags", f"{caption} {listed}.", size, paint)
    return Picture(svg, "Hashtags", caption)
