"""Bounds of the quality metrics: median absolute deviations, floors, and the user's own numbers.

The rule is that of Germain et al. (2020), doi:10.1186/s13059-020-02136-7, as the single-cell best
practices give it (Heumos et al. 2023, doi:10.1038/s41576-023-00586-w): with the unscaled
MAD = median(abs(x - median(x))), a cell goes when log1p counts, log1p genes or the top-20 share lie
more than 5 MADs from the median on either side, or when the mitochondrial share lies more than
3 MADs above the median and above 8 %.

Two guards are added. A MAD below its floor counts as the floor: in a homogeneous sample (MAD near
0) the rule would otherwise throw away healthy cells. And an upper bound of counts, genes or top-20
share never takes more than 2 % of the cells: what lies above in greater numbers is a cell type, not
an outlier (doublets are sought by other means).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from scsiameseclu.settings import QualitySettings

LOG_MAD_FLOOR = 0.25
"""On the scale of log1p: at 5 MADs, cells within a factor 3.5 of the median always stay."""
SHARE_MAD_FLOOR = 4.0
"""Percent points: at 5 MADs, cells within 20 points of the median top-20 share stay."""
MITO_MAD_FLOOR = 1.0
"""Percent points."""
MOST_ABOVE = 0.02
"""Largest share of the cells that an upper MAD bound may take (not the mitochondrial one)."""


@dataclass(frozen=True)
class Bound:
    """The values a metric may take, both ends allowed; NaN where there is no bound.

    ``widened`` is the number of cells which the MAD rule alone would have taken above, when that
    were too many and the bound was raised; else 0.
    """

    low: float = float("nan")
    high: float = float("nan")
    widened: int = 0

    def below(self, values: np.ndarray) -> np.ndarray:
        """Mask of the values below; NaN is never outside."""
        mask: np.ndarray = values < self.low
        return mask

    def above(self, values: np.ndarray) -> np.ndarray:
        """Mask of the values above; NaN is never outside."""
        mask: np.ndarray = values > self.high
        return mask

    def override(self, low: float | None, high: float | None) -> Bound:
        """The bound with the user's own numbers in place of either end."""
        return Bound(
            self.low if low is None else float(low),
            self.high if high is None else float(high),
            self.widened if high is None else 0,
        )


def thresholds(metrics: pd.DataFrame, settings: QualitySettings) -> dict[str, Bound]:
    """The bound of each metric, in the metric's own units (counts, genes, percent).

    Parameters
    ----------
    metrics
        From :func:`scsiameseclu.preprocess.quality.metrics.cell_metrics`. Empty cells are ignored.
    settings
        ``min_*`` and ``max_*`` replace the end of the MAD bound that they name, not the other one.
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
    """``median ± mads · MAD``, the upper end raised until at most 2 % of the values lie above."""
    if values.size == 0:
        return Bound()
    centre, mad = _centre(values, floor)
    low, high = centre - mads * mad, centre + mads * mad
    allowed = int(MOST_ABOVE * values.size)
    least = float(np.sort(values)[values.size - 1 - allowed])
    if high >= least:
        return Bound(low, high)
    return Bound(low, least, int((values > high).sum()))


def _percent(values: np.ndarray, mads: float) -> Bound:
    """The same on percentages, which no bound needs to leave."""
    bound = _around(values, mads, SHARE_MAD_FLOOR)
    return Bound(max(bound.low, 0.0), min(bound.high, 100.0), bound.widened)


def _logged(values: np.ndarray, mads: float) -> Bound:
    """The same on log1p of the values, given back in the values' own units."""
    bound = _around(np.log1p(values), mads, LOG_MAD_FLOOR)
    # A value that is itself the bound must not fall out by rounding in expm1.
    low, high = np.expm1(bound.low) * (1 - 1e-9), np.expm1(bound.high) * (1 + 1e-9)
    return Bound(max(float(low), 0.0), float(high), bound.widened)
