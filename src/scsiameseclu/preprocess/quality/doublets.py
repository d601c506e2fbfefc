"""Doublets by Scrublet within each batch, NA where it cannot call them."""

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
"""Fewest genes of a matrix in which simulated doublets can be told from cells."""
MOST_DOUBLETS = 0.25
"""A threshold that calls more than this share has split the cells, not found the doublets."""


@dataclass
class Doublets:
    """Scores and calls of all cells, a sentence about them, and warnings."""

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

    Doublets form within a batch, so each batch is scored on its own, and one of more than
    ``MAX_SCORED_CELLS`` cells in parts. A batch with fewer cells than
    ``settings.doublet_min_cells``, or one in which Scrublet fails, gets NaN and ``"NA"``; where it
    finds no credible threshold the scores stay and the calls are ``"NA"``.

    Parameters
    ----------
    counts
        Raw counts in ``X`` (CSR).
    cells
        Mask of the cells that passed the thresholds, (n_cells,); all by default. The others keep
        NaN and ``"NA"``.
    batches
        Batch of each cell; one batch by default.
    """
    doublets = Doublets(np.full(counts.n_obs, np.nan), np.full(counts.n_obs, "NA", dtype=object))
    if settings.doublets == "off":
        doublets.sentence = "Doublets were not sought (doublets: off)."
        return doublets
    scored = np.ones(counts.n_obs, dtype=bool) if cells is None else cells
    n_genes = int((cells_per_gene(counts.X, scored) >= settings.min_cells).sum())
    if n_genes < MIN_GENES:
        doublets.sentence = (
            f"Doublets were not sought: Scrublet needs {MIN_GENES} genes or more, and there are "
            f"{n_genes} in {settings.min_cells} cells or more."
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
    """Cells of a batch in random parts of at most :data:`MAX_SCORED_CELLS`, each in file order."""
    n_parts = -(-len(rows) // MAX_SCORED_CELLS)
    if n_parts == 1:
        return [rows]
    mixed = np.random.default_rng(seed).permutation(rows)
    return [np.sort(part) for part in np.array_split(mixed, n_parts)]


def _score_batch(
    batch: csr_matrix, rows: np.ndarray, doublets: Doublets, *, seed: int, where: str
) -> None:
    """Fill scores and calls of one batch into ``doublets``."""
    prefix = f"{where}: " if where else ""
    try:
        score, called = _scrublet(batch, seed)
    except Exception as error:  # whatever a doublet caller stumbles over must not cost the sample
        reason = f"{type(error).__name__}: {first_line(error)}"
        doublets.warnings.append(f"{prefix}Scrublet failed ({reason}); doublets are NA")
        return
    doublets.score[rows] = score
    if called is None:
        doublets.warnings.append(
            f"{prefix}Scrublet found no threshold between cells and doublets; the scores are "
            "given, and the calls are NA"
        )
    elif called.mean() > MOST_DOUBLETS:
        doublets.warnings.append(
            f"{prefix}Scrublet's threshold would call {called.mean():.0%} of the cells doublets, "
            "which is not credible; the scores are given, and the calls are NA"
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
            # Without centring the decomposition stays sparse; the scores are as good.
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
        done = "removed" if settings.doublets == "remove" else "flagged, not removed"
        n_called = int(doublets.called.sum())
        parts.append(
            f"Scrublet scored {scored:,} cells and calls {n_called:,} of them doublets "
            f"({n_called / scored:.1%}); they are {done}."
        )
    elif scored:
        parts.append(f"Scrublet scored {scored:,} cells and calls no doublets (NA).")
    elif doublets.warnings:
        parts.append("Scrublet failed; doublets are NA.")
    if small:
        parts.append(
            f"Too few cells for a doublet score (fewer than {settings.doublet_min_cells}): "
            + ", ".join(small)
            + "."
        )
    return " ".join(parts)
