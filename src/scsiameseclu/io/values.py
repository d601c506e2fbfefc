"""Classification of matrix values: counts, or scaled, log-transformed, normalised, … values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import csr_matrix

from scsiameseclu.limits import BLOCK_VALUES, MAX_COUNT

Kind = Literal["counts", "negative", "scaled", "log", "per_million", "normalised", "fractional"]

TOLERANCE = 1e-3
"""Absolute tolerance for integers, since counts may carry float32 rounding errors."""
RELATIVE_TOLERANCE = 2e-7
"""Relative tolerance for integers, added to the absolute one."""
MAX_LOGARITHM = 30.0
"""Upper bound for logarithms of expression (log2 of a library of 1e9 molecules is 29.9)."""
MIN_WHOLE_SHARE = 0.2
"""Fraction of integers above which small values are expected counts rather than logarithms."""
SUM_TOLERANCE = 1e-3
"""Relative difference below which the sums of all cells count as equal (normalised data)."""
ADVICE = "use raw counts, or set column `layer` to the layer that contains them"
ADVICE_WITHOUT_LAYERS = "use raw counts"
ROUND_ADVICE = (
    "if they are expected counts (RSEM, salmon, kallisto, STARsolo EM, SoupX), set column `counts` "
    "to round; if they are FPKM or TPM, "
)


@dataclass(frozen=True)
class Values:
    """Summary of the stored values of a matrix; ``n_*`` are numbers of values."""

    kind: Kind
    n_stored: int
    smallest: float
    largest: float
    n_nan: int
    n_infinite: int
    n_negative: int
    n_fractional: int
    common_sum: float | None

    @property
    def are_counts(self) -> bool:
        """Whether every value is a non-negative integer that is stored exactly."""
        return self.kind == "counts" and not (
            self.n_nan or self.n_infinite or self.largest > MAX_COUNT
        )

    def usable(self, counts: str) -> bool:
        """Whether the values are counts or, if ``counts`` is ``"round"``, may be rounded."""
        return self.are_counts or (counts == "round" and self.can_be_rounded)

    @property
    def can_be_rounded(self) -> bool:
        """Whether the values may be expected counts, such as those of RSEM or salmon."""
        return self.kind == "fractional" and not (
            self.n_nan or self.n_infinite or self.largest > MAX_COUNT
        )


def fractional(data: np.ndarray) -> np.ndarray:
    """Mask of the finite values that are not integers within the tolerance."""
    return np.abs(data - np.rint(data)) > TOLERANCE + RELATIVE_TOLERANCE * np.abs(data)


def describe(matrix: csr_matrix) -> Values:
    """Summarise the values of a sparse matrix (n_cells, n_genes), block by block."""
    stored = matrix.data
    n_nan = n_infinite = n_negative = n_fractional = 0
    smallest, largest = 0.0, 0.0
    for start in range(0, stored.size, BLOCK_VALUES):
        block = stored[start : start + BLOCK_VALUES]
        finite = block[np.isfinite(block)]
        n_nan += int(np.isnan(block).sum())
        n_infinite += int(np.isinf(block).sum())
        n_negative += int((finite < 0).sum())
        n_fractional += int(fractional(finite).sum())
        if finite.size:
            smallest = min(smallest, float(finite.min()))
            largest = max(largest, float(finite.max()))
    common = _common_sum(matrix) if n_fractional and not n_negative else None
    kind = _kind(n_negative, n_fractional, largest, common)
    if kind == "log" and _are_expected_counts(stored[:BLOCK_VALUES], n_fractional / stored.size):
        kind = "fractional"
    return Values(
        kind=kind,
        n_stored=int(stored.size),
        smallest=smallest,
        largest=largest,
        n_nan=n_nan,
        n_infinite=n_infinite,
        n_negative=n_negative,
        n_fractional=n_fractional,
        common_sum=common,
    )


def _common_sum(matrix: csr_matrix) -> float | None:
    """The common sum of all cells, or None if the sums differ."""
    sums = np.asarray(matrix.sum(axis=1, dtype=np.float64)).ravel()
    sums = sums[np.isfinite(sums) & (sums > 0)]
    if sums.size < 2 or np.ptp(sums) > SUM_TOLERANCE * sums.mean():
        return None
    return float(sums.mean())


def _kind(n_negative: int, n_fractional: int, largest: float, common: float | None) -> Kind:
    if n_negative:
        return "scaled" if n_fractional else "negative"
    if not n_fractional:
        return "counts"
    if common is not None:
        return "per_million" if abs(common - 1e6) < 1e4 else "normalised"
    return "log" if largest < MAX_LOGARITHM else "fractional"


def _are_expected_counts(data: np.ndarray, fractional_share: float) -> bool:
    """Whether small values are partly integers, and the others are not logarithms of integers.

    The logarithm log2(1 + 1) of the most common count is an integer as well.
    """
    if 1 - fractional_share < MIN_WHOLE_SHARE:
        return False
    finite = data[np.isfinite(data)].astype(np.float64)
    values = finite[fractional(finite)]
    inverses = (np.expm1, lambda x: np.exp2(x) - 1, lambda x: 10**x - 1, np.exp, np.exp2)
    return all(fractional(inverse(values)).mean() > 0.5 for inverse in inverses)


def value_problems(values: Values, *, has_layers: bool = True) -> list[str]:
    """Messages on why values are not counts, to be prefixed with the file; empty if they are.

    Parameters
    ----------
    has_layers
        Whether the format of the file has several matrices.
    """
    advice = ADVICE if has_layers else ADVICE_WITHOUT_LAYERS
    share = 100 * values.n_fractional / max(values.n_stored, 1)
    high, low = f"{values.largest:.6g}", f"{values.smallest:.6g}"
    by_kind = {
        "counts": "",
        "negative": f"{values.n_negative} negative values (minimum {low}), not counts",
        "scaled": f"scaled values, not counts (minimum {low})",
        "log": f"log-transformed values, not counts (maximum {high})",
        "per_million": "TPM or CPM values, not counts (every cell sums to 1,000,000)",
        "normalised": "normalised values, not counts "
        f"(every cell sums to {values.common_sum or 0:.6g})",
        "fractional": f"values that are not whole numbers ({share:.3g} % of values, "
        f"maximum {high})",
    }
    contents = [
        f"{values.n_nan} missing values (NaN)" if values.n_nan else "",
        f"{values.n_infinite} infinite values" if values.n_infinite else "",
        by_kind[values.kind],
    ]
    if values.largest > MAX_COUNT and values.kind in ("counts", "fractional"):
        contents.append(
            f"a value of {values.largest:,.0f}, and counts of a gene in a cell are exact up to "
            f"{MAX_COUNT:,} only"
        )
    if values.can_be_rounded:
        advice = ROUND_ADVICE + advice
    elif values.n_nan and not has_layers:
        advice = f"write 0 for genes without counts, and {advice}"
    return [f"contains {content}; {advice}" for content in contents if content]
