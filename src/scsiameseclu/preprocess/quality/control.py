"""Quality control: which cells and genes are kept, and why the others are removed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd

from scsiameseclu.errors import UserError
from scsiameseclu.genes.matching import GeneNames
from scsiameseclu.genes.organism import detect_organism, mitochondrial_genes
from scsiameseclu.limits import MIN_CELLS
from scsiameseclu.preprocess.quality.doublets import CALLS, Doublets, find_doublets
from scsiameseclu.preprocess.quality.metrics import cell_metrics, cells_per_gene
from scsiameseclu.preprocess.quality.thresholds import Bound, thresholds
from scsiameseclu.settings import QualitySettings

METRICS = {
    "total_counts": ("total counts", "counts", "mad_counts, min_counts, max_counts"),
    "n_genes": ("detected genes", "genes", "mad_genes, min_genes, max_genes"),
    "pct_top20": ("top-20 share", "top-20 share", "mad_top20"),
    "pct_mito": ("mitochondrial share", "mitochondrial share", "mad_mito, max_pct_mito"),
}
"""Metric -> (step of the funnel, word in a cell's reason, settings that loosen it)."""
MUCH_LOST = 0.3
BLAMED = 0.1
FEW_GENES = 50


@dataclass
class QualityResult:
    """What quality control decided.

    ``table`` has a row for every ingested cell; ``kept_cells`` and ``kept_genes`` are masks;
    ``cells_per_gene`` counts the kept cells in which each gene is detected; ``summary`` is
    ``uns["quality"]``.
    """

    table: pd.DataFrame
    kept_cells: np.ndarray
    kept_genes: np.ndarray
    cells_per_gene: np.ndarray
    summary: dict[str, Any]
    warnings: list[str] = field(default_factory=list)


class Funnel:
    """Cells that are left after each step, and each cell's reasons for going."""

    def __init__(self, n_cells: int) -> None:
        self.alive = np.ones(n_cells, dtype=bool)
        self.reasons: list[list[str]] = [[] for _ in range(n_cells)]
        self.steps = ["ingested"]
        self.cells = [n_cells]

    def note(self, mask: np.ndarray, reason: str) -> None:
        """Write a reason down for the cells of ``mask``, whether they are still there or not."""
        for cell in mask.nonzero()[0]:
            self.reasons[cell].append(reason)

    def drop(self, mask: np.ndarray, step: str) -> None:
        """Take the cells of ``mask`` away."""
        self.alive &= ~mask
        self.steps.append(step)
        self.cells.append(int(self.alive.sum()))

    def lost(self) -> dict[str, int]:
        """Cells lost at each step that lost any."""
        pairs = zip(self.steps[1:], self.cells[:-1], self.cells[1:], strict=True)
        return {step: before - after for step, before, after in pairs if before > after}


def control(
    counts: ad.AnnData,
    settings: QualitySettings,
    *,
    batches: pd.Series | None = None,
    seed: int,
) -> QualityResult:
    """Decide which cells and genes are kept.

    Parameters
    ----------
    counts
        Raw counts in ``X`` (CSR). Genes are named as
        :meth:`scsiameseclu.genes.matching.GeneNames.of` says.
    batches
        Categorical batch of each cell: doublets are sought within batches.

    Raises
    ------
    UserError
        Fewer than ``MIN_CELLS`` cells are left.
    """
    genes = GeneNames.of(counts.var)
    mitochondrial, prefix = mitochondrial_genes(genes.symbols, genes.ids)
    table = cell_metrics(counts, mitochondrial)
    funnel = Funnel(counts.n_obs)
    bounds = _apply_thresholds(funnel, table, settings)
    _require_enough(funnel)
    doublets = _apply_doublets(funnel, table, counts, settings, batches, seed)
    kept_genes, per_gene = _apply_gene_filter(funnel, counts, settings.min_cells)
    _require_enough(funnel)
    table["kept"] = funnel.alive
    table["reason"] = [", ".join(reasons) for reasons in funnel.reasons]
    summary = {
        "thresholds": {name: {"low": b.low, "high": b.high} for name, b in bounds.items()},
        "funnel": _funnel_arrays(funnel),
        "genes_before": counts.n_vars,
        "genes_after": int(kept_genes.sum()),
        "mito_prefix": prefix,
        "organism": detect_organism(genes.symbols, genes.ids),
        "doublets": doublets.sentence,
    }
    notes = _warnings(funnel, table, bounds, batches)
    return QualityResult(
        table, funnel.alive, kept_genes, per_gene, summary, notes + doublets.warnings
    )


def _apply_thresholds(
    funnel: Funnel, table: pd.DataFrame, settings: QualitySettings
) -> dict[str, Bound]:
    bounds = thresholds(table, settings)
    empty = (table["total_counts"] == 0).to_numpy()
    funnel.note(empty, "no counts")
    funnel.drop(empty, "not empty")
    for name, (step, word, _) in METRICS.items():
        values = table[name].to_numpy(float)
        below, above = bounds[name].below(values) & ~empty, bounds[name].above(values) & ~empty
        funnel.note(below, f"low {word}")
        funnel.note(above, f"high {word}")
        funnel.drop(below | above, step)
    return bounds


def _apply_doublets(
    funnel: Funnel,
    table: pd.DataFrame,
    counts: ad.AnnData,
    settings: QualitySettings,
    batches: pd.Series | None,
    seed: int,
) -> Doublets:
    """Find doublets among the remaining cells, and drop them if the settings say so."""
    doublets = find_doublets(counts, settings, cells=funnel.alive, batches=batches, seed=seed)
    table["doublet_score"] = doublets.score
    table["predicted_doublet"] = pd.Categorical(doublets.call, categories=CALLS)
    removed = doublets.called & (settings.doublets == "remove")
    funnel.note(removed, "doublet")
    funnel.drop(removed, "doublets")
    return doublets


def _apply_gene_filter(
    funnel: Funnel, counts: ad.AnnData, min_cells: int
) -> tuple[np.ndarray, np.ndarray]:
    """Keep genes detected in ``min_cells`` kept cells, then drop cells that lost all counts."""
    per_gene = cells_per_gene(counts.X, funnel.alive)
    genes = per_gene >= min_cells
    bare = np.asarray(counts.X @ genes.astype(np.float32)).ravel() == 0
    bare &= funnel.alive
    funnel.note(bare, "no counts in kept genes")
    funnel.drop(bare, "counts in kept genes")
    return genes, per_gene


def _funnel_arrays(funnel: Funnel) -> dict[str, np.ndarray]:
    return {
        "step": np.array(funnel.steps, dtype=object),
        "cells": np.array(funnel.cells, dtype=np.int64),
    }


def _require_enough(funnel: Funnel) -> None:
    """Raise where too few cells are left, with the settings to loosen."""
    if funnel.cells[-1] >= MIN_CELLS:
        return
    lost = funnel.lost()
    by_step = ", ".join(f"{cells} at {step}" for step, cells in lost.items()) or "none lost"
    settings = {step: names for step, _, names in METRICS.values()}
    settings |= {"doublets": "doublets", "counts in kept genes": "min_cells"}
    # A handful of outliers is not what emptied the sample.
    loosen = [
        settings[step]
        for step, cells in lost.items()
        if step in settings and cells >= BLAMED * funnel.cells[0]
    ]
    advice = f"loosen {', '.join(loosen)}, or leave" if loosen else "leave"
    raise UserError(
        f"{funnel.cells[-1]} of {funnel.cells[0]} cells pass quality control, and at least "
        f"{MIN_CELLS} are needed ({by_step}); {advice} the sample out"
    )


def _warnings(
    funnel: Funnel,
    table: pd.DataFrame,
    bounds: dict[str, Bound],
    batches: pd.Series | None,
) -> list[str]:
    """Sentences on unusual losses and thresholds."""
    notes = []
    total, left = funnel.cells[0], funnel.cells[-1]
    if total - left > MUCH_LOST * total:
        worst = max(funnel.lost().items(), key=lambda item: item[1])
        notes.append(
            f"{total - left:,} of {total:,} cells ({1 - left / total:.0%}) do not pass quality "
            f"control, most of them ({worst[1]:,}) at {worst[0]}; check the thresholds before "
            "trusting the clusters"
        )
    elif batches is not None:
        kept = table["kept"].groupby(batches.astype(str)).mean()
        notes += [
            f"batch {name} loses {1 - share:.0%} of its cells to quality control, all batches "
            f"together {1 - left / total:.0%}; process the batch as a sample of its own if its "
            "chemistry differs"
            for name, share in kept.items()
            if 1 - share > MUCH_LOST
        ]
    for name, bound in bounds.items():
        if bound.widened:
            notes.append(
                f"{bound.widened:,} cells are above the MAD bound of {METRICS[name][0]}, too many "
                f"to be outliers; the bound was raised to {bound.high:,.0f}, so that at most 2 % "
                "of the cells are removed"
            )
    median = table["n_genes"].median()
    if median < FEW_GENES:
        notes.append(
            f"half of the cells have {median:.0f} detected genes or fewer; if the matrix holds "
            "empty droplets, give the filtered one or set min_counts"
        )
    return notes
