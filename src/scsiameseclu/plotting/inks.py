"""Colours that a figure is drawn in: a page replaces them by those of its scheme."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from matplotlib.colors import to_rgba


@dataclass(frozen=True)
class Inks:
    """Colours of text and lines, of grids and outlines, and of the data."""

    ink: str = "black"
    faint: str = "#9A9A9A"
    accent: str = "#0072B2"

    def shades(self, strengths: Iterable[float]) -> list[tuple[float, float, float, float]]:
        """The accent in opacities for strengths from 0 to 1; never quite transparent."""
        return [to_rgba(self.accent, 0.06 + 0.94 * float(strength)) for strength in strengths]
