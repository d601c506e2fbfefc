"""Thresholds of the quality metrics: MAD rule, floors, and user-defined limits.

The rule is that of Germain et al. (2020), doi:10.1186/s13059-020-02136-7, as recommended by the
single-cell best practices (Heumos et al. 2023, doi:10.1038/s41576-023-00586-w). With the unscaled
MAD = median(abs(x - median(x))), a cell is removed if its log1p counts, log1p genes or top-20 share
differ from the median by more than 5 MADs, or if its mitochondrial share is more than 3 MADs above
the median and above 8 %.

Two safeguards are added. MADs have a floor, since in a homogeneous sample (MAD near 0) the rule
would otherwise remove healthy cells. Upper thresholds of counts, genes and top-20 share remove at
most 2 % of the cells, since a larger group above them is a cell type rather than outliers (doublets
are predicted separately).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from scsiameseclu.settings import QualitySettings

LOG_MAD_FLOOR = 0.25
"""On the log1p scale: at 5 MADs, cells within a factor of 3.5 of the median are always kept."""
SHARE_MAD_FLOOR = 4.0
"""In percentage points: at 5 MADs, cells within 20 points of the median share are always kept."""
MITO_MAD_FLOOR = 1.0
"""In percentage points."""
MAX_SHARE_ABOVE = 0.02
"""Maximum fraction of the cells above an upper MAD threshold (except the mitochondrial one)."""


@dataclass(frozen=True)
class Bound:
    """Inclusive lower and upper threshold of a metric; NaN for no threshold.

    ``widened`` is the number of cells above the MAD threshold if the threshold was raised because
    they were too many, otherwise 0.
    """

    low: float = float("nan")
    high: float = float("nan")
    widened: int = 0

    def below(self, values: np.ndarray) -> np.ndarray:
        """Mask of the values below the threshold; NaN is never below."""
        mask: np.ndarray = values < self.low
        return mask

    def above(self, values: np.ndarray) -> np.ndarray:
        """Mask of the values above the threshold; NaN is never above."""
        mask: np.ndarray = values > self.high
        return mask

    def override(self, low: float | None, high: float | None) -> Bound:
        """Replace either threshold by a user-defined one, if not None."""
        return Bound(
            self.low if low is None else float(low),
            self.high if high is None else float(high),
            self.widened if high is None else 0,
        )


def thresholds(metrics: pd.DataFrame, settings: QualitySettings) -> dict[str, Bound]:
    """Thresholds of each metric, in the units of the metric (counts, genes, percent).

    Parameters
    ----------
    metrics
        From :func:`scsiameseclu.preprocess.quality.metrics.cell_metrics`. Empty cells are ignored.
    settings
        ``min_*`` and ``max_*`` replace the lower and upper MAD threshold, respectively.
    """
    cells = metrics[metrics["total_counts"] > 0]
    counts = _logged(cells["total_counts"].to_numpy(float), settings.mad_counts)
    genes = _logged(cells["n_genes"].to_numpy(float), settings.mad_genes)
    top = _percent(cells["pct_top20"].to_numpy(float), settings.mad_top20)
    mito = Bound()
    shares = cells["pct_mito"].to_numpy(float)
    if shares.size and not np.isnan(shares).all():
        centre, mad = _centre(shares, MITO_MAD_FLOOR)
        mito = Bound(high=max(centre + settings.mad_mito * mad, settings.floor_pct_mito))
    return {
        "total_counts": counts.override(settings.min_counts, settings.max_counts),
        "n_genes": genes.override(settings.min_genes, settings.max_genes),
        "pct_top20": top,
        "pct_mito": mito.override(None, settings.max_pct_mito),
    }


def _centre(values: np.ndarray, floor: float) -> tuple[float, float]:
    centre = float(np.median(values))
    return centre, max(float(np.median(np.abs(values - centre))), floor)


def _around(values: np.ndarray, mads: float, floor: float) -> Bound:
    """``median ± mads · MAD``, raised until at most 2 % of the values exceed the upper end."""
    if values.size == 0:
        return Bound()
    centre, mad = _centre(values, floor)
    low, high = centre - mads * mad, centre + mads * mad
    n_allowed = int(MAX_SHARE_ABOVE * values.size)
    min_high = float(np.sort(values)[values.size - 1 - n_allowed])
    if high >= min_high:
        return Bound(low, high)
    return Bound(low, min_high, int((values > high).sum()))


def _percent(values: np.ndarray, mads: float) -> Bound:
    """MAD thresholds of percentages, clipped to 0-100."""
    bound = _around(values, mads, SHARE_MAD_FLOOR)
    return Bound(max(bound.low, 0.0), min(bound.high, 100.0), bound.widened)


def _logged(values: np.ndarray, mads: float) -> Bound:
    """MAD thresholds of log1p values, converted back to the original units."""
    bound = _around(np.log1p(values), mads, LOG_MAD_FLOOR)
    # Values equal to a threshold must not be excluded by rounding in expm1.
    low, high = np.expm1(bound.low) * (1 - 1e-9), np.expm1(bound.high) * (1 + 1e-9)
    return Bound(max(float(low), 0.0), float(high), bound.widened)
