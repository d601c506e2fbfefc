"""Cells of a capture: called among droplets, and demultiplexed by hashtags."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse import csr_matrix

from scsiameseclu.demultiplexing import demultiplex
from scsiameseclu.droplets.calling import MIN_AMBIENT, call_cells
from scsiameseclu.errors import UserError
from scsiameseclu.io.hashtags import read_hashtag_table
from scsiameseclu.io.loaded import Origin, list_names
from scsiameseclu.io.obs import SUFFIX
from scsiameseclu.io.request import ReadRequest, hashtag_table
from scsiameseclu.limits import MIN_CELLS
from scsiameseclu.settings import DropletSettings

if TYPE_CHECKING:
    from scsiameseclu.io.sample import Sample

HASHTAG = "hashtag"
"""Column of the hashtag of each cell."""
MIN_DROPLETS = 1000
"""Minimum number of barcodes of a raw matrix."""
MAX_DROPLET_COUNTS = 10
"""Maximum median of the counts per barcode of a raw matrix."""
DROPLET_RATIO, MAX_FULL_SHARE = 20, 0.2
"""Cells of a raw matrix have this many times the median of its counts, and are few."""

MIN_SPLIT, MAX_EMPTY_COUNTS = 200, 100
"""Minimum number of barcodes for a gap in their totals; maximum median of those below it."""
MIN_DISTANCE, MIN_SEPARATION = 0.7, 4.0
"""Distance of the means above and below a gap, in decades of counts and in root mean squares of
their standard deviations (D of Ashman et al. 1994, doi:10.1086/117248)."""


def call_among_droplets(result: Sample, settings: DropletSettings, origin: Origin) -> None:
    """Keep the barcodes that are called cells; problems become errors of the sample."""
    try:
        calls = call_cells(result.loaded.matrix, settings)
    except UserError as error:
        result.errors.append(f"{origin.where} {error}; set `cells` to given")
        return
    result.summaries["droplets"] = calls.summary
    result.warnings += calls.warnings
    above, tested = calls.summary["n_above_knee"], calls.summary["n_tested"]
    number = calls.summary["n_called"]
    result.notes.append(
        f"{number} of {calls.total.size} barcodes were called cells: {above} with at least "
        f"{calls.points.knee:.0f} counts (the knee) and {number - above} of {tested} tested ones"
        if above
        else f"{number} of {calls.total.size} barcodes were called cells; {tested} were tested"
    )
    result.keep(calls.called)


def demultiplex_cells(result: Sample, request: ReadRequest, origin: Origin) -> None:
    """Insert the columns ``hashtag`` and ``hashtag_probability``."""
    if request.hashtags is None:
        return
    path = hashtag_table(request.hashtags)
    try:
        counts = result.loaded.hashtags
        if path is not None:
            table = read_hashtag_table(path, result.obs.index, origin.of(path))
            counts = table.counts
            result.notes += table.notes
            result.warnings += table.warnings
        if counts is None:
            return
        cells = demultiplex(counts)
    except UserError as error:
        result.errors.append(f"column `hashtags`: {error}")
        return
    for name in (HASHTAG, f"{HASHTAG}_probability"):
        if name in result.obs:
            result.obs = result.obs.rename(columns={name: name + SUFFIX})
            result.notes.append(f"cell metadata column {name!r} was renamed to {name + SUFFIX!r}")
    result.obs[HASHTAG] = cells.hashtag
    result.obs[f"{HASHTAG}_probability"] = cells.probability
    result.summaries["hashtags"] = cells.summary
    result.warnings += cells.warnings
    numbers = zip(*cells.summary.values(), strict=True)
    listed = list_names(f"{name} ({number})" for name, number in numbers)
    result.notes.append(f"cells by hashtag: {listed}")


def leave_out_padding(result: Sample) -> None:
    """Remove barcodes without counts if they are most of the file and none are empty droplets."""
    totals = _totals(result.loaded.matrix)
    present = totals > 0
    ambient = present & (totals <= DropletSettings.ambient_max_counts)
    number, n_empty = len(totals), int((~present).sum())
    if number < MIN_DROPLETS or 2 * n_empty < number or present.sum() < MIN_CELLS:
        return
    if ambient.sum() < MIN_AMBIENT:
        result.notes.append(f"{n_empty} of {number} barcodes have no counts and were left out")
        result.keep(present)


def reject_droplets(result: Sample, origin: Origin, *, advice: bool) -> None:
    """Refuse a raw matrix, and warn about one that may be; with ``advice``, name the setting."""
    if not result.loaded.values.are_counts:
        return
    way = ", or set `cells` to call" if advice else ""
    if problem := droplet_problem(result.loaded.matrix):
        result.errors.append(f"{origin.where} {problem}{way}")
    elif doubt := droplet_doubt(_totals(result.loaded.matrix)):
        result.warnings.append(f"{doubt}{way}")


def _totals(matrix: csr_matrix) -> np.ndarray:
    return np.asarray(matrix.sum(axis=1, dtype=np.float64)).ravel()


def droplet_problem(matrix: csr_matrix) -> str:
    """Why a matrix seems to contain empty droplets; empty if it does not.

    Parameters
    ----------
    matrix
        Counts, (n_cells, n_genes).
    """
    n_cells = matrix.shape[0]
    if n_cells < MIN_DROPLETS:
        return ""
    totals = _totals(matrix)
    median = float(np.median(totals))
    full = int((totals >= DROPLET_RATIO * max(median, 1.0)).sum())
    if median > MAX_DROPLET_COUNTS or full < MIN_CELLS or full > MAX_FULL_SHARE * n_cells:
        return ""
    few = f"{median:.0f} counts or fewer" if median else "no counts"
    many = f"{DROPLET_RATIO} times as many or more" if median else f"{DROPLET_RATIO} or more"
    return (
        f"seems to be the raw matrix with empty droplets: half of its {n_cells} barcodes have "
        f"{few}, and {full} have {many}; use the filtered matrix of the same run"
    )


def droplet_doubt(totals: np.ndarray) -> str:
    """Why some barcodes may be empty droplets: a gap in the rank curve; empty if there is none.

    Parameters
    ----------
    totals
        Total counts of the barcodes, (n_cells,).
    """
    if totals.size < MIN_SPLIT:
        return ""
    logs = np.sort(np.log10(totals + 1))
    number = np.arange(1, logs.size)
    sums = np.cumsum(logs)[:-1]
    means = sums / number, (logs.sum() - sums) / (logs.size - number)
    between = number * (logs.size - number) * (means[1] - means[0]) ** 2  # as Otsu's threshold
    place = int(between.argmax()) + 1
    low, high = logs[:place], logs[place:]
    distance = high.mean() - low.mean()
    spread = np.sqrt((low.var() + high.var()) / 2)
    below, above = (float(10 ** np.median(part) - 1) for part in (low, high))
    if (
        2 * low.size < logs.size or high.size < MIN_CELLS or below > MAX_EMPTY_COUNTS
        or distance < MIN_DISTANCE or distance < MIN_SEPARATION * spread
    ):  # fmt: skip
        return ""
    return (
        f"{low.size} of {logs.size} barcodes have about {below:.0f} counts and the others about "
        f"{above:.0f}, with few between, so that most may be empty droplets; if they are, use the "
        "filtered matrix of the same run"
    )
