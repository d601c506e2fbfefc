"""Cells among the droplets of a raw matrix, by the method of emptyDrops."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from scipy.stats import false_discovery_control

from scsiameseclu.droplets.ambient import estimate
from scsiameseclu.droplets.ranks import RankPoints, rank_curve, rank_points
from scsiameseclu.droplets.simulation import Simulation
from scsiameseclu.errors import UserError
from scsiameseclu.limits import MAX_CAPTURED
from scsiameseclu.settings import DropletSettings

MIN_AMBIENT = 100
"""Minimum number of droplets from which the ambient profile is estimated."""
LOW_KNEE = 2
"""Ratio of a knee to ``ambient_max_counts`` below which a warning is issued."""
MAX_FACTOR, MAX_DRAWS = 10, 2_000_000_000
"""Maximum ratio of the simulations that are made to those requested, and maximum number of counts
that are drawn in all of them (two minutes)."""
RESOLUTION = 5
"""Number of simulations that should be as unlikely as the least certain cell."""


@dataclass
class Calls:
    """Result of the calling of cells.

    Attributes
    ----------
    total
        Total counts of each droplet, (n_droplets,).
    p_value
        Monte Carlo p-value, (n_droplets,); NaN for droplets at or below the limit of ambient ones,
        and for those at or above the knee, which are not tested.
    fdr
        Adjusted p-value, (n_droplets,); 0 at or above the knee, NaN for ambient droplets.
    called
        Mask of the cells, (n_droplets,).
    points
        Knee and inflection of the barcode rank curve.
    summary
        Content of ``uns["droplets"]``.
    warnings
        Messages on doubtful results.
    """

    total: np.ndarray
    p_value: np.ndarray
    fdr: np.ndarray
    called: np.ndarray
    points: RankPoints
    summary: dict[str, Any]
    warnings: list[str] = field(default_factory=list)


def call_cells(counts: csr_matrix, settings: DropletSettings) -> Calls:
    """Call cells with the test of Lun et al. (2019), doi:10.1186/s13059-019-1662-y.

    Droplets with at most ``ambient_max_counts`` counts are taken for empty; their counts give the
    ambient profile. Droplets at or above the knee of the barcode rank curve are cells. All others
    are tested for a profile other than the ambient one, and are cells if their p-value, adjusted
    for multiple testing (Benjamini and Hochberg), is at most ``fdr``. The p-values of droplets
    above the knee count as 0 in the adjustment.

    Parameters
    ----------
    counts
        Integral counts of all droplets, (n_droplets, n_genes).

    Raises
    ------
    UserError
        There are too few droplets with few counts to estimate the ambient profile.
    """
    total = np.asarray(counts.sum(axis=1, dtype=np.float64)).ravel()
    ambient = (total > 0) & (total <= settings.ambient_max_counts)
    _require_ambient(ambient, total, settings)
    points = rank_points(total, settings.ambient_max_counts)
    tested = total > settings.ambient_max_counts
    above = tested & (total >= points.knee)  # none if the knee is NaN
    tested &= ~above
    genes = np.flatnonzero(np.bincount(counts.indices, minlength=counts.shape[1]))
    profile = estimate(counts[ambient.nonzero()[0]][:, genes])
    simulation = Simulation(counts[tested.nonzero()[0]][:, genes], profile, settings.seed)
    simulation.run(settings.simulations)
    p_value, fdr = _adjusted(simulation, tested, above)
    if more := _missing_simulations(simulation, p_value, above, settings):
        simulation.run(more)
        p_value, fdr = _adjusted(simulation, tested, above)
    called = fdr <= settings.fdr
    limited = _limited(simulation, fdr, p_value, settings)
    summary = {
        "knee": points.knee,
        "inflection": points.inflection,
        "n_barcodes": total.size,
        "n_empty": int((total == 0).sum()),
        "n_ambient": int(ambient.sum()),
        "n_above_knee": int(above.sum()),
        "n_tested": int(tested.sum()),
        "n_called": int(called.sum()),
        "n_limited": int(limited.sum()),
        "n_simulations": simulation.n,
        "alpha": profile.alpha,
        "curve": rank_curve(total, called),
        "params": settings.to_dict(),
    }
    warnings = _warnings(summary, points, settings)
    return Calls(total, p_value, fdr, called, points, summary, warnings)


def _adjusted(
    simulation: Simulation, tested: np.ndarray, above: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """P-values and false discovery rates of all droplets."""
    p_value = np.full(tested.size, np.nan)
    p_value[tested] = simulation.p_values()
    fdr = np.full(tested.size, np.nan)
    corrected = tested | above
    if corrected.any():
        fdr[corrected] = false_discovery_control(np.where(above, 0.0, p_value)[corrected])
    return p_value, fdr


def _limited(
    simulation: Simulation, fdr: np.ndarray, p_value: np.ndarray, settings: DropletSettings
) -> np.ndarray:
    """Mask of the droplets that more simulations might show to be cells."""
    mask: np.ndarray = (fdr > settings.fdr) & (p_value <= 1 / (simulation.n + 1))
    return mask


def _missing_simulations(
    simulation: Simulation, p_value: np.ndarray, above: np.ndarray, settings: DropletSettings
) -> int:
    """Number of simulations to add so that p-values are fine enough at the limit of the calls.

    If K of N droplets are cells, the largest p-value of a cell is about ``fdr`` K / N. At least
    ``RESOLUTION`` simulations should be below it. K is estimated as the number of droplets above
    the knee and of those as unlikely as the ``RESOLUTION`` least likely simulations.
    """
    unlikely = int((p_value <= RESOLUTION / (simulation.n + 1)).sum())
    if not unlikely or not settings.fdr:
        return 0
    n_corrected = simulation.n_tested + int(above.sum())
    limit = settings.fdr * (unlikely + int(above.sum())) / n_corrected
    most = min(MAX_FACTOR * settings.simulations, MAX_DRAWS // simulation.largest)
    return max(0, min(most, int(RESOLUTION / limit)) - simulation.n)


def _require_ambient(ambient: np.ndarray, total: np.ndarray, settings: DropletSettings) -> None:
    number = int(ambient.sum())
    if number < MIN_AMBIENT:
        raise UserError(
            f"has {number} of {total.size} barcodes with 1 to {settings.ambient_max_counts} "
            f"counts, but at least {MIN_AMBIENT} are required for the ambient profile, so the "
            "matrix seems to be filtered already"
        )


def _warnings(summary: dict[str, Any], points: RankPoints, settings: DropletSettings) -> list[str]:
    warnings = []
    if points.knee < LOW_KNEE * settings.ambient_max_counts:
        warnings.append(
            f"the knee of the barcode rank curve is at only {points.knee:.0f} counts, so that "
            "droplets above it may be empty too; check the barcode rank plot"
        )
    if np.isnan(points.knee):
        warnings.append(
            "the barcode rank curve has no knee, so that every cell was called by its profile "
            "alone; check the barcode rank plot"
        )
    if summary["n_called"] > MAX_CAPTURED:
        warnings.append(
            f"{summary['n_called']:,} droplets were called cells, more than one capture holds; "
            "check the barcode rank plot, and raise droplets.ambient_max_counts if empty droplets "
            "have more counts"
        )
    if summary["n_limited"]:
        warnings.append(
            f"{summary['n_limited']:,} droplets have the smallest p-value that "
            f"{summary['n_simulations']:,} simulations allow, but were not called cells; "
            "raise droplets.simulations"
        )
    return warnings
