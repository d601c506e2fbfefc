"""Doublet prediction within captures; NA where no prediction is possible."""

from __future__ import annotations

from dataclasses import dataclass, field

import anndata as ad
import numpy as np
import pandas as pd

from scsiameseclu.preprocess.quality.doublet_scores import ENRICHED, doublet_scores
from scsiameseclu.preprocess.quality.metrics import cells_per_gene
from scsiameseclu.settings import QualitySettings

CALLS = ("no", "yes", "NA")
MIN_GENES = 200
"""Minimum number of genes for simulated doublets to be distinguishable from cells."""
RATE_PER_CELL, MAX_RATE = 8e-6, 0.08
"""Expected rate of doublets per recovered cell, and its maximum; see :func:`expected_rate`."""


@dataclass
class Doublets:
    """Doublet scores and calls of all cells, with a summary sentence and warnings."""

    score: np.ndarray
    call: np.ndarray
    sentence: str = ""
    warnings: list[str] = field(default_factory=list)

    @property
    def called(self) -> np.ndarray:
        """Mask of the cells called doublets."""
        mask: np.ndarray = self.call == "yes"
        return mask


def expected_rate(n_cells: int) -> float:
    """Expected share of doublets in a capture of ``n_cells`` recovered cells.

    It is 0.8 % per 1,000 cells: multiplet rates in the Chromium Single Cell 3' Reagent Kits User
    Guide of 10x Genomics (CG000183), which grow linearly from 0.4 % at 500 cells to about 8 % at
    10,000. More cells than these are usually from several captures, so the rate does not exceed
    8 %.
    """
    return min(RATE_PER_CELL * n_cells, MAX_RATE)


def find_doublets(
    counts: ad.AnnData,
    settings: QualitySettings,
    *,
    cells: np.ndarray | None = None,
    captures: pd.Series | None = None,
    seed: int,
) -> Doublets:
    """Score the cells of each capture, and call as many doublets as are expected.

    Doublets form within a capture, so each capture is scored separately
    (:func:`~scsiameseclu.preprocess.quality.doublet_scores.doublet_scores`). The expected number is
    ``settings.doublet_rate``, or :func:`expected_rate` of all cells of the capture, times the
    number of scored cells. The cells with the highest scores are called, but only those with more
    simulated doublets around them than a random cell would have. Cells of captures with fewer than
    ``settings.doublet_min_cells`` cells have score NaN and call ``"NA"``.

    Parameters
    ----------
    counts
        AnnData with raw counts in ``X`` (CSR).
    cells
        Mask of the cells to score, (n_cells,); all by default. Other cells have NaN and ``"NA"``.
    captures
        Capture of each cell; a single one by default.
    """
    doublets = Doublets(np.full(counts.n_obs, np.nan), np.full(counts.n_obs, "NA", dtype=object))
    if settings.doublets == "off":
        doublets.sentence = "Doublets were not predicted (doublets: off)."
        return doublets
    scored = np.ones(counts.n_obs, dtype=bool) if cells is None else cells
    n_genes = int((cells_per_gene(counts.X, scored) >= settings.min_cells).sum())
    if n_genes < MIN_GENES:
        doublets.sentence = (
            f"Doublets were not predicted: at least {MIN_GENES} genes are required, but only "
            f"{n_genes} are detected in {settings.min_cells} cells or more."
        )
        return doublets
    names = np.asarray(
        np.zeros(counts.n_obs, dtype="U1") if captures is None else captures.astype(str)
    )
    small, rates = [], []
    several = len(set(names[scored])) > 1
    for capture in sorted(set(names[scored])):
        rows = np.flatnonzero(scored & (names == capture))
        if len(rows) < settings.doublet_min_cells:
            small.append(f"{capture} ({len(rows)})" if several else str(len(rows)))
            continue
        doublets.score[rows] = doublet_scores(counts.X, seed, cells=rows)
        rate = settings.doublet_rate
        rates.append(expected_rate(int((names == capture).sum())) if rate is None else rate)
        if np.isnan(doublets.score[rows]).all():
            where = f"capture {capture}: " if several else ""
            doublets.warnings.append(f"{where}too few genes vary between cells to score doublets")
        _call(doublets, rows, rates[-1])
    doublets.sentence = _sentence(doublets, small, rates, settings)
    return doublets


def _call(doublets: Doublets, rows: np.ndarray, rate: float) -> None:
    """Call the expected number of doublets among the scored cells of a capture."""
    rows = rows[~np.isnan(doublets.score[rows])]
    order = rows[np.argsort(-doublets.score[rows], kind="stable")]
    called = order[: round(rate * len(rows))]
    doublets.call[rows] = "no"
    doublets.call[called[doublets.score[called] > ENRICHED]] = "yes"


def _sentence(
    doublets: Doublets, small: list[str], rates: list[float], settings: QualitySettings
) -> str:
    parts = []
    scored = int((~np.isnan(doublets.score)).sum())
    if scored:
        action = "removed" if settings.doublets == "remove" else "flagged, not removed"
        n_called = int(doublets.called.sum())
        low, high = (f"{100 * rate:.1f}" for rate in (min(rates), max(rates)))
        expected = f"{low} %" if low == high else f"{low} to {high} % by capture"
        parts.append(
            f"{scored:,} cells were scored by their share of simulated doublets among their "
            f"nearest neighbours, and {n_called:,} ({n_called / scored:.1%}; expected: {expected}) "
            f"were called doublets; these were {action}."
        )
    elif doublets.warnings:
        parts.append("Doublets could not be scored.")
    if small:
        parts.append(
            f"Too few cells for doublet prediction (fewer than {settings.doublet_min_cells}): "
            + ", ".join(small)
            + "."
        )
    return " ".join(parts)
