"""Estimation of ambient RNA: profile of the soup, and the contamination of clusters and cells."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_matrix

MIN_EXPECTED = 100
"""Minimum ambient counts of a gene, if a cluster were nothing but soup, for it to be informative:
the count of a foreign gene then has a standard error of at most 4 % of the expectation."""
MIN_INFORMATIVE = 50
"""Minimum number of informative genes for a cluster to have an estimate of its own."""
QUANTILE = 0.01
"""Minimum share of the informative genes that are foreign to a cluster."""
N_REFINEMENTS = 2
"""Number of times that the genes within sampling error of the lowest ratio are determined."""
MAX_CREDIBLE = 0.4
"""Maximum credible contamination of a cluster; above, its genes are probably all its own."""
PRIOR_COUNTS = 100
"""Weight of the cluster's contamination in that of a cell, in counts."""
MAX_ITERATIONS, TOLERANCE = 30, 1e-5
BLOCK_CELLS = 2_000
"""Number of cells for whose counts there are arrays in double precision at once."""


@dataclass
class Ambient:
    """Estimated ambient RNA.

    Attributes
    ----------
    contamination
        Share of the counts of each cell that is ambient, (n_cells,); NaN if not estimable.
    group
        Cluster within its capture of each cell, (n_cells,).
    native
        Expression profile of each group without ambient RNA, (n_groups, n_genes); rows sum to 1.
    profile
        Profile of the ambient RNA in each group, (n_groups, n_genes); rows sum to 1. It is the same
        for all groups of a capture.
    group_contamination
        Contamination of each group as a whole, (n_groups,).
    warnings
        Messages for the reports.
    """

    contamination: np.ndarray
    group: np.ndarray
    native: np.ndarray
    profile: np.ndarray
    group_contamination: np.ndarray
    warnings: list[str] = field(default_factory=list)

    @property
    def mean_profile(self) -> np.ndarray:
        """Ambient profile of the sample, (n_genes,): the mean over its cells."""
        sizes = np.bincount(self.group, minlength=len(self.profile))
        return np.asarray(sizes @ self.profile / sizes.sum())


def estimate_ambient(
    counts: csr_matrix,
    clusters: np.ndarray,
    *,
    captures: np.ndarray | None = None,
    droplets: Mapping[str, np.ndarray] | None = None,
) -> Ambient:
    """Estimate the ambient profile and the contamination of each cell.

    The soup of a capture has the profile :math:`a`: that of its empty droplets if known, else that
    of all its cells. A cluster with counts :math:`c_g` (:math:`n` in total) that consists of soup
    by a share :math:`\\rho` has at least :math:`\\rho n a_g` counts of every gene, and just that of
    genes that it does not express itself. So :math:`\\rho` is the lowest ratio
    :math:`c_g / (n a_g)` of the genes with :math:`n a_g \\geq 100`: first their 1 % quantile, then
    the ratio of the sums over all genes that do not exceed it by more than two standard deviations,
    twice. The idea is that of SoupX (Young and Behjati 2020, doi:10.1093/gigascience/giaa151),
    which needs a list of such genes. Native profiles are what exceeds the ambient counts by more
    than their standard deviation.

    Each count of a cell comes from the native profile :math:`\\phi` of its cluster or from the
    soup, as in DecontX (Yang et al. 2020, doi:10.1186/s13059-020-1950-6). With both fixed, the
    share :math:`\\rho_i` of a cell is its maximum a posteriori,

    .. math:: \\max_{\\rho_i} \\sum_g c_{ig} \\log(\\rho_i a_g + (1 - \\rho_i) \\phi_g)
       + b (\\rho \\log \\rho_i + (1 - \\rho) \\log(1 - \\rho_i)),

    with the share of the cluster at the weight of :math:`b = 100` counts. Ambient RNA from cells of
    the same type counts, too, in proportion to the soup.

    Parameters
    ----------
    counts
        Raw counts, (n_cells, n_genes).
    clusters
        Cluster of each cell, (n_cells,); their names do not matter.
    captures
        Name of the capture of each cell, (n_cells,); a single one by default. Captures are
        estimated separately, with the same clusters.
    droplets
        Counts of each gene in the empty droplets of a capture, (n_genes,), by capture.
    """
    n_cells = counts.shape[0]
    names = np.zeros(n_cells, dtype="U1") if captures is None else captures.astype(str)
    pairs = np.stack([np.unique(values, return_inverse=True)[1] for values in (names, clusters)])
    found, group = np.unique(pairs, axis=1, return_inverse=True)
    sums = group_sums(counts, group, found.shape[1])
    native, profile = np.zeros((2, *sums.shape))
    share = np.full(len(sums), np.nan)
    messages = []
    for number, name in enumerate(np.unique(names)):
        members = np.flatnonzero(found[0] == number)
        known = (droplets or {}).get(str(name))
        soup = sums[members].sum(axis=0) if known is None else np.asarray(known, dtype=float)
        profile[members] = soup / max(soup.sum(), 1.0)
        share[members], problem = _contamination_of_clusters(sums[members], profile[members[0]])
        if problem:
            where = f"capture {name}: " if len(np.unique(names)) > 1 else ""
            messages.append(f"{where}{problem}")
        native[members] = _native(sums[members], profile[members], share[members])
    estimate = Ambient(
        np.full(n_cells, np.nan), group.ravel(), native, profile, share, warnings=messages
    )
    for first in range(0, n_cells, BLOCK_CELLS):
        rows = np.arange(first, min(first + BLOCK_CELLS, n_cells))
        estimate.contamination[rows] = _contamination_of_cells(counts[rows], rows, estimate)
    return estimate


def group_sums(counts: csr_matrix, group: np.ndarray, n_groups: int) -> np.ndarray:
    """Sums of counts, (n_groups, n_genes)."""
    sums = np.zeros((n_groups, counts.shape[1]))
    for first in range(0, counts.shape[0], BLOCK_CELLS):
        block, groups = (
            counts[first : first + BLOCK_CELLS],
            group.ravel()[first : first + BLOCK_CELLS],
        )
        places = (groups, np.arange(groups.size))
        member = csr_matrix((np.ones(groups.size), places), (n_groups, groups.size))
        sums += (member @ block).toarray()
    return sums


def _contamination_of_clusters(sums: np.ndarray, soup: np.ndarray) -> tuple[np.ndarray, str]:
    """Contamination of the clusters of a capture, (n_clusters,), and why there is none.

    A cluster without an estimate of its own has the mean of the others; all are NaN without any.
    """
    share = np.full(len(sums), np.nan)
    weight = np.zeros(len(sums))
    for cluster, of_genes in enumerate(sums):
        expected = of_genes.sum() * soup
        informative = expected >= MIN_EXPECTED
        if informative.sum() >= MIN_INFORMATIVE:
            share[cluster] = _lowest_ratio(of_genes[informative], expected[informative])
            weight[cluster] = of_genes.sum()
    known = share <= MAX_CREDIBLE
    if not known.any():
        return np.full(len(sums), np.nan), _no_estimate(share)
    return np.where(known, share, np.average(share[known], weights=weight[known])), ""


def _no_estimate(share: np.ndarray) -> str:
    """Why the clusters have no credible estimate."""
    if np.isnan(share).all():
        return (
            "ambient RNA cannot be estimated, because no cluster has enough counts: in none, "
            f"{MIN_INFORMATIVE} genes would have {MIN_EXPECTED} ambient counts"
        )
    return (
        "ambient RNA cannot be estimated and is not corrected: the estimate is "
        f"{np.nanmin(share):.0%} of the counts or more in every cluster, and above "
        f"{MAX_CREDIBLE:.0%} it is not trusted; either most counts are ambient, or no genes are "
        "specific to some of the clusters"
    )


def _lowest_ratio(observed: np.ndarray, expected: np.ndarray) -> float:
    """Ratio of the sums over the genes whose ratio is lowest, within sampling error."""
    ratio = float(np.quantile(observed / expected, QUANTILE))
    for _ in range(N_REFINEMENTS):
        lowest = observed <= ratio * expected + 2 * np.sqrt(ratio * expected)
        ratio = float(observed[lowest].sum() / expected[lowest].sum()) if lowest.any() else ratio
    return ratio


def _native(sums: np.ndarray, profile: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Counts beyond the ambient ones by more than their standard deviation, as profiles."""
    ambient = np.nan_to_num(share)[:, None] * sums.sum(axis=1, keepdims=True) * profile
    beyond = np.maximum(sums - ambient - np.sqrt(ambient), 0.0)
    return np.asarray(beyond / np.maximum(beyond.sum(axis=1, keepdims=True), 1e-300))


def _contamination_of_cells(counts: csr_matrix, rows: np.ndarray, ambient: Ambient) -> np.ndarray:
    """Maximum a posteriori of each cell by Newton's method, (n_rows,).

    The log posterior is concave in the share, so a step is only kept from the ends of the interval.
    """
    prior = ambient.group_contamination[ambient.group[rows]]
    share = prior.copy()
    settled = ~(prior > 0)  # without contamination, or NaN
    cell = np.repeat(np.arange(len(rows)), np.diff(counts.indptr))
    soup, native = profiles_of_entries(counts, rows, ambient)
    used = ~settled[cell] & (soup + native > 0)
    cell, values = cell[used], counts.data[used].astype(np.float64)
    native, slope = native[used], soup[used] - native[used]
    for _ in range(MAX_ITERATIONS):
        if settled.all():
            break
        gradient = slope / (native + share[cell] * slope)
        first = np.bincount(cell, values * gradient, len(rows))
        second = -np.bincount(cell, values * gradient**2, len(rows))
        with np.errstate(divide="ignore", invalid="ignore"):
            first += PRIOR_COUNTS * (prior / share - (1 - prior) / (1 - share))
            second -= PRIOR_COUNTS * (prior / share**2 + (1 - prior) / (1 - share) ** 2)
            step = np.clip(share - first / second, share / 5, 1 - (1 - share) / 5)
        moved = np.where(settled, share, step)
        settled |= np.abs(moved - share) < TOLERANCE
        share = moved
    return share


def profiles_of_entries(
    counts: csr_matrix, rows: np.ndarray, ambient: Ambient
) -> tuple[np.ndarray, np.ndarray]:
    """Ambient and native share of the gene of each stored count, each (n_stored,)."""
    group = np.repeat(ambient.group[rows], np.diff(counts.indptr))
    return ambient.profile[group, counts.indices], ambient.native[group, counts.indices]


def ambient_probability(share: np.ndarray, soup: np.ndarray, native: np.ndarray) -> np.ndarray:
    """Probability that a count is ambient; NaN if the contamination is NaN."""
    foreign, own = share * soup, (1 - share) * native
    total = foreign + own
    return np.divide(foreign, total, out=np.where(np.isnan(share), np.nan, 0.0), where=total > 0)
