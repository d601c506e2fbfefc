"""The barcode rank curve: total counts of the barcodes by rank, with its knee and inflection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scsiameseclu.limits import MAX_CAPTURED

EXCLUDED = 50
"""Number of barcodes with the highest counts at which no knee is sought."""
GRID = 400
"""Number of ranks at which the slope of the curve is computed."""
MIN_DISTANCE = 0.05
"""Minimum height of a knee above the line between plateau and inflection, in decades of counts."""
MIN_BARCODES = 20
CURVE_POINTS = 500
"""Maximum number of ranks that are kept for plots."""


@dataclass(frozen=True)
class RankPoints:
    """Total counts at the knee and at the inflection of a barcode rank curve.

    Attributes
    ----------
    knee
        End of the plateau of the cells; NaN if the curve has no knee.
    inflection
        The steepest point below the plateau; NaN if there are too few barcodes.
    """

    knee: float = np.nan
    inflection: float = np.nan


def rank_points(totals: np.ndarray, min_counts: float) -> RankPoints:
    """Find the knee and the inflection of the barcode rank curve in log-log scale.

    The inflection is where the curve is steepest. The knee is the point farthest above the straight
    line that joins the inflection with the flattest point before it. The slope is computed at
    evenly spaced logarithmic ranks, which smooths it.

    Parameters
    ----------
    totals
        Total counts of the barcodes in any order, (n_barcodes,).
    min_counts
        Barcodes with this total or less are ignored, as in ``barcodeRanks`` of DropletUtils
        (Lun et al. 2019, doi:10.1186/s13059-019-1662-y).
    """
    ordered = np.sort(totals[totals > min_counts])[::-1][:MAX_CAPTURED].astype(float)
    if ordered.size < MIN_BARCODES:
        return RankPoints()
    ordered = np.append(ordered, max(min_counts, 1.0) if ordered.size < MAX_CAPTURED else [])
    ranks = np.arange(1, ordered.size + 1)
    first = min(EXCLUDED, ordered.size // 10)
    x = np.linspace(np.log10(max(first, 1)), np.log10(ordered.size), GRID)
    y = np.interp(x, np.log10(ranks), np.log10(ordered))
    slope = np.diff(y) / np.diff(x)
    right = int(slope.argmin())
    left = int(slope[: right + 1].argmax())
    inflection = float(10 ** ((y[right] + y[right + 1]) / 2))
    between = slice(left, right + 1)
    line = y[left] + (x[between] - x[left]) * (y[right + 1] - y[left]) / (x[right + 1] - x[left])
    distance = y[between] - line
    top = int(distance.argmax())
    knee = float(10 ** y[left + top]) if distance[top] >= MIN_DISTANCE else np.nan
    return RankPoints(round(knee, 6), inflection)  # exact if it is the total of a barcode


def rank_curve(totals: np.ndarray, called: np.ndarray) -> dict[str, np.ndarray]:
    """The curve at no more than :data:`CURVE_POINTS` ranks, for plots.

    Parameters
    ----------
    totals
        Total counts of the barcodes, (n_barcodes,).
    called
        Mask of the barcodes that were called cells, (n_barcodes,).

    Returns
    -------
    dict
        ``rank`` (int64), ``total`` (float64) and ``called``, the share of called cells from each
        rank to the next (float64), over barcodes with counts.
    """
    order = np.argsort(-totals, kind="stable")[: int((totals > 0).sum())]
    if not order.size:
        return {"rank": np.zeros(0, np.int64), "total": np.zeros(0), "called": np.zeros(0)}
    ranks = np.unique(np.geomspace(1, order.size, CURVE_POINTS).round().astype(np.int64))
    sums = np.add.reduceat(called[order].astype(float), ranks - 1)
    share = sums / np.diff(np.append(ranks - 1, order.size))
    return {"rank": ranks, "total": totals[order[ranks - 1]].astype(float), "called": share}
