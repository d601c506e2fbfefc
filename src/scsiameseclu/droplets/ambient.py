"""The ambient profile: RNA that is free in the suspension, estimated from empty droplets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.sparse import csr_matrix
from scipy.special import gammaln

MIN_ALPHA, MAX_ALPHA = 1.0, 1e6
CONFIDENCE = 1.96
"""Standard deviations by which Turing's estimate must differ from the smoothed one to be used."""


@dataclass(frozen=True)
class Ambient:
    """A Dirichlet-multinomial distribution of the counts of empty droplets.

    Attributes
    ----------
    proportions
        Expected share of each gene, (n_genes,), which sums to 1.
    alpha
        Concentration: the smaller, the more droplets differ from each other.
    """

    proportions: np.ndarray
    alpha: float

    @property
    def weights(self) -> np.ndarray:
        """Parameters of the Dirichlet distribution, (n_genes,)."""
        weights: np.ndarray = self.alpha * self.proportions
        return weights


def good_turing(counts: np.ndarray) -> np.ndarray:
    """Proportions by the simple Good-Turing estimator, with mass for unseen genes.

    Gale and Sampson (1995), doi:10.1080/09296179508590051. Unseen genes share the mass of those
    seen once; if there are none, that of one count.

    Parameters
    ----------
    counts
        Integral counts, (n_genes,), of which at least one is positive.

    Returns
    -------
    ndarray
        (n_genes,), all positive, with sum 1.
    """
    seen = counts > 0
    r, n = np.unique(counts[seen], return_counts=True)
    total = float((r * n).sum())
    smoothed = _smoothed(r.astype(float), n.astype(float))
    mass = (n[0] if r[0] == 1 else 1.0) / total if not seen.all() else 0.0
    result = np.zeros(counts.shape)
    result[seen] = smoothed[np.searchsorted(r, counts[seen])]
    result[seen] *= (1 - mass) / result.sum()
    if mass == 1:  # every gene was seen once
        return np.full(counts.shape, 1 / counts.size)
    result[~seen] = mass / max(int((~seen).sum()), 1)
    return result


def _smoothed(r: np.ndarray, n: np.ndarray) -> np.ndarray:
    """Corrected counts of genes that were seen r times, of which there are n."""
    if r.size < 2:
        return r
    before = np.concatenate([[0.0], r[:-1]])
    after = np.concatenate([r[1:], [2 * r[-1] - r[-2]]])
    slope, intercept = np.polyfit(np.log(r), np.log(2 * n / (after - before)), 1)

    def number(value: np.ndarray) -> np.ndarray:
        expected: np.ndarray = np.exp(intercept + slope * np.log(value))
        return expected

    corrected = (r + 1) * number(r + 1) / number(r)
    follows = np.append(r[1:] == r[:-1] + 1, False)
    next_n = np.append(n[1:], 0.0)
    turing = (r + 1) * next_n / n
    deviation = np.sqrt((r + 1) ** 2 * next_n / n**2 * (1 + next_n / n))
    differs = follows & (np.abs(corrected - turing) > CONFIDENCE * deviation)
    last = int(np.argmin(differs)) if not differs.all() else r.size
    corrected[:last] = turing[:last]  # until it differs no more
    return np.asarray(corrected)


def estimate(counts: csr_matrix) -> Ambient:
    """Estimate the ambient distribution from empty droplets.

    The concentration is that of maximum likelihood, given the proportions.

    Parameters
    ----------
    counts
        Counts of empty droplets, (n_droplets, n_genes).
    """
    sums = np.asarray(counts.sum(axis=0, dtype=np.float64)).ravel()
    proportions = good_turing(np.rint(sums).astype(np.int64))
    return Ambient(proportions, _concentration(counts, proportions))


def _concentration(counts: csr_matrix, proportions: np.ndarray) -> float:
    """Concentration of highest likelihood; sums run over numbers of droplets by gene and count."""
    values = np.rint(counts.data).astype(np.int64)
    most = int(values.max()) + 1
    table = np.bincount(counts.indices * np.int64(most) + values, minlength=1)
    cells = table.nonzero()[0]
    gene, value, weight = cells // most, cells % most, table[cells]
    gene, value, weight = (part[value > 0] for part in (gene, value, weight))
    totals = np.rint(np.asarray(counts.sum(axis=1, dtype=np.float64)).ravel()).astype(np.int64)
    droplets = np.bincount(totals)
    total = droplets.nonzero()[0]
    droplets = droplets[total]

    def loss(log_alpha: float) -> float:
        alpha = np.exp(log_alpha)
        a = alpha * proportions[gene]
        likelihood = (weight * (gammaln(value + a) - gammaln(a))).sum()
        likelihood += (droplets * (gammaln(alpha) - gammaln(total + alpha))).sum()
        return -float(likelihood)

    best = minimize_scalar(loss, bounds=(np.log(MIN_ALPHA), np.log(MAX_ALPHA)), method="bounded")
    return float(np.exp(best.x))
