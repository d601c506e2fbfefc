"""What kind of values a matrix holds: counts, or which of the things that are not counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.sparse import csr_matrix

from scsiameseclu.limits import BLOCK_VALUES

Kind = Literal["counts", "negative", "scaled", "log", "per_million", "normalised", "fractional"]

# A value this close to a whole number is that number: counts that went through float32 arithmetic
# come back a little off, by an amount that grows with the value.
TOLERANCE = 1e-3
RELATIVE_TOLERANCE = 2e-7
# Logarithms of expression stay below this (log2 of a whole library of 1e9 molecules is 29.9).
LARGEST_LOGARITHM = 30.0
# Cells whose sums differ by less than this (relative) were normalised to that sum.
EQUAL_SUMS = 1e-3
ADVICE = "give raw counts, or name the layer that has them in column `layer`"


@dataclass(frozen=True)
class Values:
    """A summary of a matrix's stored values; the counts below are numbers of values."""

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
        """Whether every value is a whole number, zero or more."""
        return self.kind == "counts" and not (self.n_nan or self.n_infinite)


def fractional(data: np.ndarray) -> np.ndarray:
    """Which of the (finite) values are no whole numbers, within the tolerance."""
    return np.abs(data - np.rint(data)) > TOLERANCE + RELATIVE_TOLERANCE * np.abs(data)


def describe(matrix: csr_matrix) -> Values:
    """Summarise the values of a sparse matrix (n_cells, n_genes), a block at a time."""
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
    """The sum that all cells share; None when they do not."""
    sums = np.asarray(matrix.sum(axis=1, dtype=np.float64)).ravel()
    sums = sums[np.isfinite(sums) & (sums > 0)]
    if sums.size < 2 or np.ptp(sums) > EQUAL_SUMS * sums.mean():
        return None
    return float(sums.mean())


def _kind(n_negative: int, n_fractional: int, largest: float, common: float | None) -> Kind:
    if n_negative:
        return "scaled" if n_fractional else "negative"
    if not n_fractional:
        return "counts"
    if common is not None:
        return "per_million" if abs(common - 1e6) < 1e4 else "normalised"
    return "log" if largest < LARGEST_LOGARITHM else "fractional"


def complaints(values: Values) -> list[str]:
    """What is wrong with values that are not counts: ends of sentences that begin with the file."""
    found = []
    if values.n_nan:
        found.append(f"holds {values.n_nan} missing values (NaN); {ADVICE}")
    if values.n_infinite:
        found.append(f"holds {values.n_infinite} infinite values; {ADVICE}")
    share = 100 * values.n_fractional / max(values.n_stored, 1)
    high, low = f"{values.largest:.6g}", f"{values.smallest:.6g}"
    found += {
        "counts": [],
        "negative": [
            f"holds {values.n_negative} values below zero (smallest {low}), so it is not counts; "
            f"{ADVICE}"
        ],
        "scaled": [f"holds scaled values, not counts (smallest value {low}); {ADVICE}"],
        "log": [f"holds log-transformed values, not counts (largest value {high}); {ADVICE}"],
        "per_million": [
            f"holds TPM or CPM values, not counts (every cell sums to a million); {ADVICE}"
        ],
        "normalised": [
            f"holds normalised values, not counts (every cell sums to {values.common_sum or 0:.6g})"
            f"; {ADVICE}"
        ],
        "fractional": [
            f"holds values that are not whole numbers ({share:.3g} % of them, largest value {high})"
            f", as FPKM, TPM or corrected counts are; {ADVICE}"
        ],
    }[values.kind]
    return found
