"""Quality control: selection of cells and genes, with the reason for each removal."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd

from scsiameseclu.demultiplexing import DOUBLET, NEGATIVE
from scsiameseclu.errors import UserError
from scsiameseclu.genes.gene_classes import SPIKE_INS, haemoglobin_genes, ribosomal_genes
from scsiameseclu.genes.matching import GeneNames
from scsiameseclu.genes.organism import detect_organism, mitochondrial_genes
from scsiameseclu.limits import MIN_CELLS
from scsiameseclu.preprocess.quality.cell_cycle import cell_cycle
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
"""Step of the funnel, word for the reason of a cell, and settings to relax, by metric."""
HASHTAG_REASONS = {DOUBLET: "hashtag doublet", NEGATIVE: "hashtag negative"}
"""Reason for the removal of a cell, by its hashtag."""
WARN_LOST_SHARE = 0.3
"""Fraction of removed cells above which a warning is issued."""
MIN_BLAMED_SHARE = 0.1
"""Minimum fraction of cells that a step removes for an error to suggest relaxing its settings."""
WARN_MEDIAN_GENES = 50
"""Median number of detected genes below which a warning is issued."""


@dataclass
class QualityResult:
    """Result of quality control.

    Attributes
    ----------
    table
        Metrics, decision and reason for each ingested cell.
    kept_cells, kept_genes
        Masks, (n_cells,) and (n_genes,).
    cells_per_gene
        Number of kept cells in which each gene is detected, (n_genes,).
    summary
        Content of ``uns["quality"]``.
    warnings
        Messages for the report.
    """

    table: pd.DataFrame
    kept_cells: np.ndarray
    kept_genes: np.ndarray
    cells_per_gene: np.ndarray
    summary: dict[str, Any]
    warnings: list[str] = field(default_factory=list)


class Funnel:
    """Number of cells remaining after each step, and the reasons for removing each cell."""

    def __init__(self, n_cells: int) -> None:
        self.kept = np.ones(n_cells, dtype=bool)
        self.reasons: list[list[str]] = [[] for _ in range(n_cells)]
        self.steps = ["ingested"]
        self.cells = [n_cells]

    def add_reason(self, mask: np.ndarray, reason: str) -> None:
        """Record a reason for the cells in ``mask``, whether already removed or not."""
        for cell in mask.nonzero()[0]:
            self.reasons[cell].append(reason)

    def drop(self, mask: np.ndarray, step: str) -> None:
        """Remove the cells in ``mask``."""
        self.kept &= ~mask
        self.steps.append(step)
        self.cells.append(int(self.kept.sum()))

    def lost(self) -> dict[str, int]:
        """Number of cells removed by each step, for steps that removed any."""
        pairs = zip(self.steps[1:], self.cells[:-1], self.cells[1:], strict=True)
        return {step: before - after for step, before, after in pairs if before > after}


def control(
    counts: ad.AnnData,
    settings: QualitySettings,
    *,
    batches: pd.Series | None = None,
    hashtags: pd.Series | None = None,
    captures: pd.Series | None = None,
    seed: int,
) -> QualityResult:
    """Select the cells and genes to keep.

    Parameters
    ----------
    counts
        AnnData with raw counts in ``X`` (CSR). Gene ids and symbols are determined by
        :meth:`scsiameseclu.genes.matching.GeneNames.of`.
    batches
        Categorical batch of each cell, for a warning on batches that lose many cells.
    captures
        Capture of each cell, within which doublets are predicted; by default its batch.
    hashtags
        Hashtag of each cell; doublets and cells without a hashtag are removed before thresholds
        are computed.

    Raises
    ------
    UserError
        Fewer than ``MIN_CELLS`` cells remain.
    """
    genes = GeneNames.of(counts.var)
    mitochondrial, prefix = mitochondrial_genes(genes.symbols, genes.ids)
    organism = detect_organism(genes.symbols, genes.ids)
    classes = {
        "mito": mitochondrial,
        "ribo": ribosomal_genes(genes.symbols),
        "hb": haemoglobin_genes(genes.symbols),
    }
    table = cell_metrics(counts, classes)
    table = table.join(cell_cycle(counts.X, genes.symbols, organism, table.index, seed=seed))
    if SPIKE_INS in counts.obs:
        table[SPIKE_INS] = counts.obs[SPIKE_INS].to_numpy(dtype=float)
    funnel = Funnel(counts.n_obs)
    if hashtags is not None:
        _apply_hashtags(funnel, hashtags)
    bounds = _apply_thresholds(funnel, table, settings)
    _require_enough(funnel)
    captures = batches if captures is None else captures
    doublets = _apply_doublets(funnel, table, counts, settings, captures, seed)
    kept_genes, per_gene = _apply_gene_filter(funnel, counts, settings.min_cells)
    _require_enough(funnel)
    table["kept"] = funnel.kept
    table["reason"] = [", ".join(reasons) for reasons in funnel.reasons]
    summary = {
        "thresholds": {name: {"low": b.low, "high": b.high} for name, b in bounds.items()},
        "funnel": _funnel_arrays(funnel),
        "genes_before": counts.n_vars,
        "genes_after": int(kept_genes.sum()),
        "mito_prefix": prefix,
        "organism": organism,
        "doublets": doublets.sentence,
    }
    notes = _warnings(funnel, table, bounds, batches)
    return QualityResult(
        table, funnel.kept, kept_genes, per_gene, summary, notes + doublets.warnings
    )


def _apply_hashtags(funnel: Funnel, hashtags: pd.Series) -> None:
    """Remove the cells that do not have exactly one hashtag."""
    names = hashtags.astype(str).to_numpy()
    for name, reason in HASHTAG_REASONS.items():
        funnel.add_reason(names == name, reason)
    funnel.drop(np.isin(names, list(HASHTAG_REASONS)), "hashtags")
    _require_enough(funnel)


def _apply_thresholds(
    funnel: Funnel, table: pd.DataFrame, settings: QualitySettings
) -> dict[str, Bound]:
    bounds = thresholds(table[funnel.kept], settings)
    empty = (table["total_counts"] == 0).to_numpy()
    funnel.add_reason(empty, "no counts")
    funnel.drop(empty, "not empty")
    for name, (step, word, _) in METRICS.items():
        values = table[name].to_numpy(float)
        below, above = bounds[name].below(values) & ~empty, bounds[name].above(values) & ~empty
        funnel.add_reason(below, f"low {word}")
        funnel.add_reason(above, f"high {word}")
        funnel.drop(below | above, step)
    return bounds


def _apply_doublets(
    funnel: Funnel,
    table: pd.DataFrame,
    counts: ad.AnnData,
    settings: QualitySettings,
    captures: pd.Series | None,
    seed: int,
) -> Doublets:
    """Predict doublets among the remaining cells, and remove them if requested."""
    doublets = find_doublets(counts, settings, cells=funnel.kept, captures=captures, seed=seed)
    table["doublet_score"] = doublets.score
    table["predicted_doublet"] = pd.Categorical(doublets.call, categories=CALLS)
    removed = doublets.called & (settings.doublets == "remove")
    funnel.add_reason(removed, "doublet")
    funnel.drop(removed, "doublets")
    return doublets


def _apply_gene_filter(
    funnel: Funnel, counts: ad.AnnData, min_cells: int
) -> tuple[np.ndarray, np.ndarray]:
    """Keep genes detected in ``min_cells`` kept cells, then remove cells without counts in them."""
    per_gene = cells_per_gene(counts.X, funnel.kept)
    genes = per_gene >= min_cells
    empty = np.asarray(counts.X @ genes.astype(np.float32)).ravel() == 0
    empty &= funnel.kept
    funnel.add_reason(empty, "no counts in kept genes")
    funnel.drop(empty, "counts in kept genes")
    return genes, per_gene


def _funnel_arrays(funnel: Funnel) -> dict[str, np.ndarray]:
    return {
        "step": np.array(funnel.steps, dtype=object),
        "cells": np.array(funnel.cells, dtype=np.int64),
    }


def _require_enough(funnel: Funnel) -> None:
    """Raise an error with the settings to relax if too few cells remain."""
    if funnel.cells[-1] >= MIN_CELLS:
        return
    lost = funnel.lost()
    by_step = ", ".join(f"{cells} at step {step!r}" for step, cells in lost.items()) or "none"
    settings = {step: names for step, _, names in METRICS.values()}
    settings |= {"doublets": "doublets", "counts in kept genes": "min_cells"}
    relax = [
        settings[step]
        for step, cells in lost.items()
        if step in settings and cells >= MIN_BLAMED_SHARE * funnel.cells[0]
    ]
    advice = f"relax {', '.join(relax)}, or exclude" if relax else "exclude"
    raise UserError(
        f"{funnel.cells[-1]} of {funnel.cells[0]} cells pass quality control, but at least "
        f"{MIN_CELLS} are required (cells removed: {by_step}); {advice} the sample"
    )


def _warnings(
    funnel: Funnel,
    table: pd.DataFrame,
    bounds: dict[str, Bound],
    batches: pd.Series | None,
) -> list[str]:
    """Messages on unusual losses and thresholds."""
    notes = []
    total, n_kept = funnel.cells[0], funnel.cells[-1]
    if total - n_kept > WARN_LOST_SHARE * total:
        worst = max(funnel.lost().items(), key=lambda item: item[1])
        notes.append(
            f"quality control removes {total - n_kept:,} of {total:,} cells "
            f"({1 - n_kept / total:.0%}), most of them ({worst[1]:,}) at step {worst[0]!r}; check "
            "the thresholds before trusting the clusters"
        )
    elif batches is not None:
        tagged = ~table["reason"].str.contains("hashtag")
        kept = table["kept"][tagged].groupby(batches.astype(str)[tagged]).mean()
        notes += [
            f"quality control removes {1 - share:.0%} of the cells of batch {name}, but "
            f"{1 - n_kept / total:.0%} of all cells; process the batch as a separate sample if its "
            "chemistry differs"
            for name, share in kept.items()
            if 1 - share > WARN_LOST_SHARE
        ]
    for name, bound in bounds.items():
        if bound.widened:
            notes.append(
                f"{bound.widened:,} cells exceed the MAD threshold of {METRICS[name][0]}, too many "
                f"to be outliers; the threshold was raised to {bound.high:,.0f}, so that at most "
                "2 % of the cells are removed"
            )
    median = table["n_genes"].median()
    if median < WARN_MEDIAN_GENES:
        notes.append(
            f"half of the cells have {median:.0f} detected genes or fewer; if the matrix contains "
            "empty droplets, use the filtered matrix or set min_counts"
        )
    return notes
