"""Monte Carlo p-values of droplets under the ambient distribution."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numba import njit
from scipy.sparse import csr_matrix
from scipy.special import gammaln

from scsiameseclu.droplets.ambient import Ambient
from scsiameseclu.limits import BLOCK_VALUES

TOLERANCE = 1e-9
"""Relative difference below which two log-likelihoods are equal."""
ALMOST_ONE = 1 - 1e-15


def log_likelihood(counts: csr_matrix, ambient: Ambient) -> np.ndarray:
    """Log-likelihood of droplets, without the terms that depend on their total only.

    For the Dirichlet-multinomial distribution with parameters :math:`a_g` these are
    :math:`\\sum_g \\ln\\Gamma(x_g + a_g) - \\ln\\Gamma(a_g) - \\ln\\Gamma(x_g + 1)`.

    Parameters
    ----------
    counts
        Counts, (n_droplets, n_genes).

    Returns
    -------
    ndarray
        (n_droplets,), float64.
    """
    weights = ambient.weights
    single = np.log(weights)  # of a gene with one count, as most are
    result = np.zeros(counts.shape[0])
    steps = np.searchsorted(counts.indptr, np.arange(0, counts.nnz, BLOCK_VALUES), side="right") - 1
    edges = np.unique([*steps, counts.shape[0]])
    for start, stop in pairwise(edges.tolist()):
        part = slice(counts.indptr[start], counts.indptr[stop])
        gene, value = counts.indices[part], counts.data[part].astype(np.float64)
        terms = single[gene]
        several = value > 1
        x, a = value[several], weights[gene[several]]
        terms[several] = gammaln(x + a) - gammaln(a) - gammaln(x + 1)
        sums = np.append(0.0, np.cumsum(terms))
        result[start:stop] = np.diff(sums[counts.indptr[start : stop + 1] - part.start])
    return result


class Simulation:
    """Simulated empty droplets, and how many of them are as unlikely as each observed droplet.

    Droplets are filled count by count; on the way, each simulated droplet is compared with all
    observed ones of the same total, so that the work depends on the largest total and not on the
    number of droplets.

    Parameters
    ----------
    counts
        Integral counts of the droplets to test, (n_droplets, n_genes), none of them without counts.
    ambient
        The distribution of empty droplets.
    seed
        Seed of the simulations.
    """

    def __init__(self, counts: csr_matrix, ambient: Ambient, seed: int) -> None:
        totals = np.rint(np.asarray(counts.sum(axis=1, dtype=np.float64)).ravel()).astype(np.int64)
        observed = log_likelihood(counts, ambient)
        self.n = 0
        self._ambient = ambient
        self._rng = np.random.default_rng(seed)
        self._order = np.lexsort((observed, totals))
        self._limits = observed[self._order] + TOLERANCE * np.abs(observed[self._order])
        self._totals, starts = np.unique(totals[self._order], return_index=True)
        self._starts = np.append(starts, totals.size)
        self._below = np.zeros(totals.size, dtype=np.int64)

    @property
    def n_tested(self) -> int:
        """Number of observed droplets."""
        return self._order.size

    @property
    def largest(self) -> int:
        """Largest total of the droplets, the number of counts of each simulated one."""
        return int(self._totals[-1]) if self._totals.size else 0

    def run(self, n: int) -> None:
        """Simulate ``n`` more droplets."""
        self.n += n
        if not self._totals.size:
            return
        first = _compare(
            self._ambient.weights,
            *_inverse(self._ambient.proportions),
            self._totals,
            self._starts,
            self._limits,
            n,
            self._rng,
        )
        sums = np.append(0, np.cumsum(first))
        before = np.repeat(sums[self._starts[:-1]], np.diff(self._starts))
        self._below += sums[1:] - before

    def p_values(self) -> np.ndarray:
        """Probability of a likelihood as low as that of each droplet, if it were empty.

        Returns
        -------
        ndarray
            (R + 1) / (n + 1) for R of n simulations with a likelihood at or below that of the
            droplet, as in ``emptyDrops`` of DropletUtils, (n_droplets,), float64.
        """
        result = np.empty(self._order.size)
        result[self._order] = (self._below + 1) / (self.n + 1)
        return result


def _inverse(proportions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cumulative proportions, and the first gene at or above each of evenly spaced values."""
    cumulative = np.cumsum(proportions)
    cumulative /= cumulative[-1]
    size = 2 * proportions.size
    return cumulative, np.searchsorted(cumulative, np.arange(size) / size, side="right")


@njit
def _compare(
    weights: np.ndarray,
    cumulative: np.ndarray,
    guide: np.ndarray,
    totals: np.ndarray,
    starts: np.ndarray,
    limits: np.ndarray,
    n: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Fill ``n`` droplets, and count for each limit those between the limit before it and itself.

    A count of a Dirichlet-multinomial droplet is that of an independent gene or, with probability
    m / (m + alpha), of the same gene as one of the m counts before it (Blackwell and MacQueen 1973,
    doi:10.1214/aos/1176342372).

    Parameters
    ----------
    weights
        Parameters of the distribution, (n_genes,).
    cumulative, guide
        See :func:`_inverse`.
    totals, starts
        Increasing totals of the observed droplets, and the position of the first of each.
    limits
        Log-likelihoods of the observed droplets, increasing among those of the same total.
    """
    alpha, largest = weights.sum(), totals[-1]
    logarithms = np.log(np.arange(1, largest + 1))
    counts = np.zeros(weights.size, dtype=np.int64)
    history = np.empty(largest, dtype=np.int64)
    between = np.zeros(limits.size, dtype=np.int64)
    for _ in range(n):
        likelihood, place = 0.0, 0
        for m in range(largest):
            drawn = rng.random() * (alpha + m) - m
            if drawn >= 0.0:
                drawn = min(drawn / alpha, ALMOST_ONE)
                gene = guide[int(drawn * guide.size)]
                while cumulative[gene] <= drawn:
                    gene += 1
            else:
                gene = history[max(int(drawn + m), 0)]
            history[m] = gene
            present = counts[gene]
            likelihood += np.log(weights[gene] + present) - logarithms[present]
            counts[gene] = present + 1
            if m + 1 == totals[place]:
                group = limits[starts[place] : starts[place + 1]]
                first = np.searchsorted(group, likelihood)
                if first < group.size:
                    between[starts[place] + first] += 1
                place += 1
        counts[history] = 0
    return between
