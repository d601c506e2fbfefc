"""Numbers as people and programs write them: ``3.0``, ``1e+05``, ``3,0`` and ``1,234``.

A comma is a thousands separator if every number with a comma has groups of three digits after it
and no leading zero (``1,234``), otherwise a decimal comma (``3,5``, ``0,000``). A table that needs
both readings is rejected. Python's underscores (``1_1``) are not numbers here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

MISSING = {"", "NA", "NaN", "nan", "N/A", "null", "None"}
PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?[Ii]nf(inity)?")
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d*)?")
DECIMAL = re.compile(r"[+-]?(\d{1,3}(\.\d{3})+|\d+),\d*([eE][+-]?\d+)?")
CANONICAL_INTEGER = re.compile(r"0|[1-9]\d*")


def is_number(field: str) -> bool:
    """Whether a field is a number in any notation, or a missing value."""
    text = field.strip()
    patterns = (PLAIN, THOUSANDS, DECIMAL)
    return text in MISSING or any(pattern.fullmatch(text) for pattern in patterns)


class NumberParser:
    """Parses the rows of one table, all in the same notation.

    Parameters
    ----------
    notation
        The notation, if it is known.

    Attributes
    ----------
    notation
        ``"decimal comma"`` or ``"thousands separators"`` once such a number was read.
    """

    def __init__(self, notation: str = "") -> None:
        self.notation = notation
        self.certain = bool(notation)

    def row(self, fields: Sequence[str]) -> np.ndarray:
        """Parse a row as float32; missing values become NaN.

        Raises
        ------
        NotANumber
            A field is not a number in the notation of the table.
        DecimalComma
            A field has a decimal comma, and earlier ones that were read as thousands, such as
            ``1,234``, may have had one too.
        """
        try:
            if "_" not in "".join(fields):
                return np.fromiter(map(float, fields), dtype=np.float32, count=len(fields))
        except ValueError:
            pass
        values = [self._value(field, place) for place, field in enumerate(fields)]
        return np.array(values, dtype=np.float32)

    def _value(self, field: str, place: int) -> float:
        text = field.strip()
        if text in MISSING:
            return float("nan")
        if PLAIN.fullmatch(text):
            if self.notation == "decimal comma" and "." in text:
                raise NotANumber(place)
            return float(text)
        if THOUSANDS.fullmatch(text) and self.notation != "decimal comma":
            self.notation = "thousands separators"
            self.certain |= not DECIMAL.fullmatch(text)
            return float(text.replace(",", ""))
        if DECIMAL.fullmatch(text) and self.notation == "thousands separators" and not self.certain:
            raise DecimalComma
        if DECIMAL.fullmatch(text) and self.notation != "thousands separators":
            self.notation = "decimal comma"
            return float(text.replace(".", "").replace(",", "."))
        raise NotANumber(place)


class DecimalComma(ValueError):
    """A table that was read with thousands separators has decimal commas."""


class NotANumber(ValueError):
    """A field is not a number; ``place`` is its position in the row."""

    def __init__(self, place: int) -> None:
        super().__init__(f"field {place} is not a number")
        self.place = place
