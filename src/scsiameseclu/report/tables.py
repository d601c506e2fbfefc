"""Tables and figures as plain records for the templates, and numbers as text."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup


@dataclass(frozen=True)
class Cell:
    """One cell of a table.

    Parameters
    ----------
    text
        Displayed text; the template escapes it.
    number
        Sort key; a cell with one is aligned as a number.
    bar
        Length of a bar beside the text, 0 to 1.
    shade
        Depth of the background, 0 to 1.
    swatch
        Colour shown before the text.
    link
        Target of a link.
    tone
        ``"ok"``, ``"warn"`` or ``"fail"`` for a badge.
    """

    text: str
    number: float | None = None
    bar: float | None = None
    shade: float | None = None
    swatch: str = ""
    link: str = ""
    tone: str = ""

    @property
    def long(self) -> bool:
        """Whether the text needs a wide column."""
        return len(self.text) > 60


@dataclass(frozen=True)
class Table:
    """A table with a caption; the first cell of each row is its header.

    Parameters
    ----------
    name
        Unique on the page.
    tall
        Whether the table scrolls in a box of limited height.
    """

    name: str
    caption: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    tall: bool = False

    @property
    def columns(self) -> list[tuple[str, bool]]:
        """Name of each column, and whether it holds numbers."""
        numbers = [
            any(row[place].number is not None for row in self.rows)
            for place in range(len(self.header))
        ]
        return list(zip(self.header, numbers, strict=True))


@dataclass(frozen=True)
class Picture:
    """A figure with its caption, and its legend as (colour, text) pairs."""

    svg: Markup
    title: str
    caption: str
    legend: Sequence[tuple[str, str]] = ()


def text(value: object) -> Cell:
    """A cell of text."""
    return Cell(str(value))


def whole(value: float, **more: Any) -> Cell:
    """A cell with an integer."""
    return Cell(count(value), number=float(value), **more)


def real(value: float | None, digits: int = 3, **more: Any) -> Cell:
    """A cell with a real number; a dash if it is missing."""
    if value is None or not math.isfinite(value):
        return Cell("–")
    return Cell(decimal(value, digits), number=float(value), **more)


def count(value: float) -> str:
    """A rounded number: ``12,345``."""
    return f"{round(value):,}"


def numbered(value: float, noun: str) -> str:
    """A rounded number with its noun: ``1 cluster``, ``12,345 cells``."""
    return f"{count(value)} {noun}{'' if round(value) == 1 else 's'}"


def decimal(value: float, digits: int = 3) -> str:
    """A real number with fixed digits; a true minus sign."""
    return f"{value:.{digits}f}".replace("-", "−")


def percent(part: float, whole: float) -> str:
    """A share in percent: ``93.1 %``."""
    return f"{100 * part / whole:.1f}\u202f%" if whole else "–"


def probability(value: float) -> Cell:
    """A cell with a p-value; values below 1e-300 are shown as such."""
    if not math.isfinite(value):
        return Cell("–")
    shown = "< 1e−300" if value < 1e-300 else f"{value:.1e}".replace("-", "−")
    return Cell(shown, number=float(value))


def listed(items: Sequence[str], limit: int = 8) -> str:
    """``a, b and c``; items beyond ``limit`` are counted."""
    names = list(items)
    if len(names) > limit:
        names = [*names[:limit], f"{len(names) - limit} more"]
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"


def sentence(words: str) -> str:
    """``words`` with a capital at the start and a full stop at the end."""
    words = words.strip().rstrip(".")
    return f"{words[:1].upper()}{words[1:]}." if words else ""
