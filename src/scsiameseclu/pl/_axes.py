"""New Axes, for plots that are given none."""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.axes import Axes


def new_axes(width: float, height: float) -> Axes:
    """The Axes of a new figure of some inches, which a notebook shows."""
    _, axes = plt.subplots(figsize=(width, height), layout="constrained")
    return axes
