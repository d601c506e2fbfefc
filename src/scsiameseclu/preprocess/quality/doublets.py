"""Doublet prediction with Scrublet within batches; NA where no prediction is possible."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import anndata as ad
import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from scsiameseclu.limits import MAX_SCORED_CELLS
from scsiameseclu.preprocess.quality.metrics import cells_per_gene
from scsiameseclu.settings import QualitySettings
from scsiameseclu.store.files import first_line

CALLS = ("no", "yes", "NA")
MIN_GENES = 200
"""Minimum number of genes for simulated doublets to be distinguishable from cells."""
MAX_DOUBLET_SHARE = 0.25
"""Maximum credible fraction of doublets; a threshold that calls more has split the cells."""


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


def find_doublets(
    counts: ad.AnnData,
    settings: QualitySettings,
    *,
    cells: np.ndarray | None = None,
    batches: pd.Series | None = None,
    seed: int,
) -> Doublets:
    """Score cells with ``scanpy.pp.scrublet`` (Wolock et al. 2019, doi:10.1016/j.cels.2018.11.005).

    Doublets form within a batch, so each batch is scored separately, and batches of more than
    ``MAX_SCORED_CELLS`` cells in parts. Cells of batches with fewer than
    ``settings.doublet_min_cells`` cells, or for which Scrublet fails, have score NaN and call
    ``"NA"``. If Scrublet finds no credible threshold, scores are kept and calls are ``"NA"``.

    Parameters
    ----------
    counts
        AnnData with raw counts in ``X`` (CSR).
    cells
        Mask of the cells to score, (n_cells,); all by default. Other cells have NaN and ``"NA"``.
    batches
        Batch of each cell; a single batch by default.
    """
    doublets = Doublets(np.full(counts.n_obs, np.nan), np.full(counts.n_obs, "NA", dtype=object))
    if settings.doublets == "off":
        doublets.sentence = "Doublets were not predicted (doublets: off)."
        return doublets
    scored = np.ones(counts.n_obs, dtype=bool) if cells is None else cells
    n_genes = int((cells_per_gene(counts.X, scored) >= settings.min_cells).sum())
    if n_genes < MIN_GENES:
        doublets.sentence = (
            f"Doublets were not predicted: Scrublet requires at least {MIN_GENES} genes, but only "
            f"{n_genes} are detected in {settings.min_cells} cells or more."
        )
        return doublets
    labels = np.zeros(counts.n_obs, dtype="U1") if batches is None else batches.astype(str)
    names = np.asarray(labels)
    small = []
    several = len(set(names[scored])) > 1
    for batch in sorted(set(names[scored])):
        rows = np.flatnonzero(scored & (names == batch))
        if len(rows) < settings.doublet_min_cells:
            small.append(f"{batch} ({len(rows)})" if several else str(len(rows)))
            continue
        parts = _parts(rows, seed)
        for number, part in enumerate(parts, start=1):
            where = [f"batch {batch}"] if several else []
            where += [f"part {number} of {len(parts)}"] if len(parts) > 1 else []
            _score_batch(counts.X[part], part, doublets, seed=seed, where=", ".join(where))
    doublets.sentence = _sentence(doublets, small, settings)
    return doublets


def _parts(rows: np.ndarray, seed: int) -> list[np.ndarray]:
    """Split a batch at random into parts of at most :data:`MAX_SCORED_CELLS` cells."""
    n_parts = -(-len(rows) // MAX_SCORED_CELLS)
    if n_parts == 1:
        return [rows]
    mixed = np.random.default_rng(seed).permutation(rows)
    return [np.sort(part) for part in np.array_split(mixed, n_parts)]


def _score_batch(
    batch: csr_matrix, rows: np.ndarray, doublets: Doublets, *, seed: int, where: str
) -> None:
    """Score one batch and store the result in ``doublets``."""
    prefix = f"{where}: " if where else ""
    try:
        score, called = _scrublet(batch, seed)
    except Exception as error:  # a failure of Scrublet must not fail the sample
        reason = f"{type(error).__name__}: {first_line(error)}"
        doublets.warnings.append(f"{prefix}Scrublet failed ({reason}); doublets are NA")
        return
    doublets.score[rows] = score
    if called is None:
        doublets.warnings.append(
            f"{prefix}Scrublet found no threshold between cells and doublets; scores are reported, "
            "calls are NA"
        )
    elif called.mean() > MAX_DOUBLET_SHARE:
        doublets.warnings.append(
            f"{prefix}Scrublet's threshold would call {called.mean():.0%} of the cells doublets, "
            "which is not credible; scores are reported, calls are NA"
        )
    else:
        doublets.call[rows] = np.where(np.isnan(score), "NA", np.where(called, "yes", "no"))


def _scrublet(batch: csr_matrix, seed: int) -> tuple[np.ndarray, np.ndarray | None]:
    import scanpy as sc

    n_cells = batch.shape[0]
    work = ad.AnnData(batch, obs=pd.DataFrame(index=[str(i) for i in range(n_cells)]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sc.pp.scrublet(
            work,
            # Without centring, the decomposition stays sparse; scores are of the same quality.
            mean_center=False,
            use_approx_neighbors=False,
            random_state=seed,
            verbose=False,
        )
    score = work.obs["doublet_score"].to_numpy(dtype=float)
    if "threshold" not in work.uns["scrublet"]:
        return score, None
    with np.errstate(invalid="ignore"):
        return score, score > float(work.uns["scrublet"]["threshold"])


def _sentence(doublets: Doublets, small: list[str], settings: QualitySettings) -> str:
    parts = []
    scored = int((~np.isnan(doublets.score)).sum())
    if scored and (doublets.call != "NA").any():
        action = "removed" if settings.doublets == "remove" else "flagged, not removed"
        n_called = int(doublets.called.sum())
        parts.append(
            f"Scrublet scored {scored:,} cells and called {n_called:,} of them doublets "
            f"({n_called / scored:.1%}); these were {action}."
        )
    elif scored:
        parts.append(f"Scrublet scored {scored:,} cells but could not call doublets (NA).")
    elif doublets.warnings:
        parts.append("Scrublet failed; doublets are NA.")
    if small:
        parts.append(
            f"Too few cells for doublet prediction (fewer than {settings.doublet_min_cells}): "
            + ", ".join(small)
            + "."
        )
    return " ".join(parts)
