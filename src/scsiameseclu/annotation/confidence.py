"""Confidence that a cluster's type by markers is right, 0 to 1.

A logistic regression on the evidence for the type, whose weights are not negative; a term that adds
nothing to the others has the weight 0. Its parameters, in ``confidence.tsv``, are
fitted to labelled data sets by ``benchmarks/annotation_confidence.py``, which also measures the
calibration on sets that were left out.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

import numpy as np

TERMS = ("score", "beyond_random", "lead", "share_for", "log_cells")
MAX_LEAD = 20.0
"""Leads beyond this, or over nothing, count as this."""
MAX_CELLS = 200
"""Larger clusters count as of this size: their means are no longer noisy."""


def terms(
    score: float,
    beyond_random: float,
    lead: float,
    share_for: float,
    n_cells: int,
) -> np.ndarray:
    """The terms of the regression, shape (5,).

    Parameters
    ----------
    score
        Score of the type, a t value.
    beyond_random
        Standard deviations of the score above the mean of random gene sets.
    lead
        Smallest lead over a sibling on the way to the type; NaN without siblings.
    share_for
        Share of the type's markers that speak for it.
    n_cells
        Number of cells.
    """
    capped = MAX_LEAD if np.isnan(lead) else float(np.clip(lead, 0, MAX_LEAD))
    return np.array(
        [
            np.log1p(max(score, 0)),
            np.log1p(max(beyond_random, 0)),
            np.log1p(capped),
            share_for,
            np.log10(np.clip(n_cells, 1, MAX_CELLS)),
        ]
    )


@cache
def parameters() -> Mapping[str, float]:
    """The committed parameters: ``intercept`` and the weight of each term."""
    source = files("scsiameseclu.annotation") / "confidence.tsv"
    lines = [
        line for line in source.read_text(encoding="utf-8").splitlines() if not line.startswith("#")
    ]
    return {row["term"]: float(row["value"]) for row in csv.DictReader(lines, delimiter="\t")}


def confidence(evidence: np.ndarray) -> float:
    """Probability that a type with these terms is right."""
    fitted = parameters()
    value = fitted["intercept"] + evidence @ np.array([fitted[name] for name in TERMS])
    return float(1 / (1 + np.exp(-value)))
