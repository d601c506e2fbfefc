"""Linear models of many variables with moderated variances.

A few replicates give poor estimates of a variance. Estimates of similar variables are therefore
shrunken towards a common value, as in limma [1]_.

References
----------
.. [1] Smyth (2004). Linear models and empirical Bayes methods for assessing differential expression
   in microarray experiments. *Stat. Appl. Genet. Mol. Biol.* 3, article 3.
   doi:10.2202/1544-6115.1027.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import digamma, polygamma

MIN_VARIANCE = 1e-12
"""Smallest variance relative to the median one; the logarithm of 0 does not exist."""


@dataclass(frozen=True)
class LinearFits:
    """Weighted least squares of several variables on the same design.

    Attributes
    ----------
    coefficients
        (n_variables, n_columns).
    scale
        Diagonal of :math:`(X^T W X)^{-1}`, (n_variables, n_columns): the variance of a
        coefficient is ``scale`` times that of the residuals.
    variance
        Residual variance of each variable, (n_variables,).
    df
        Residual degrees of freedom.
    """

    coefficients: np.ndarray
    scale: np.ndarray
    variance: np.ndarray
    df: int


def fit_linear(values: np.ndarray, design: np.ndarray, weights: np.ndarray) -> LinearFits:
    """Fit ``values[j] = design @ coefficients[j]`` by weighted least squares.

    Parameters
    ----------
    values, weights
        (n_variables, n_replicates).
    design
        (n_replicates, n_columns), of full column rank and with fewer columns than rows.
    """
    n_rows, n_columns = design.shape
    information = np.einsum("ri,jr,rk->jik", design, weights, design)
    inverse = np.linalg.inv(information)
    coefficients = np.einsum("jik,rk,jr,jr->ji", inverse, design, weights, values)
    residuals = values - coefficients @ design.T
    df = n_rows - n_columns
    variance = (weights * residuals**2).sum(axis=1) / df
    return LinearFits(coefficients, np.einsum("jii->ji", inverse), variance, df)


@dataclass(frozen=True)
class Moderated:
    """Variances shrunken towards a common prior.

    Attributes
    ----------
    variance
        Posterior variance of each variable, (n_variables,).
    df
        Degrees of freedom of the moderated t statistics.
    prior_variance, prior_df
        The prior; ``prior_df`` is infinite if the variances differ by chance only.
    """

    variance: np.ndarray
    df: float
    prior_variance: float
    prior_df: float


def moderate(variance: np.ndarray, df: int) -> Moderated:
    r"""Shrink residual variances with ``df`` degrees of freedom each.

    The true variances are assumed to follow
    :math:`1 / \sigma_j^2 \sim \chi^2_{d_0} / (d_0 s_0^2)`. With :math:`z_j = \log s_j^2` and
    :math:`e_j = z_j - \psi(d / 2) + \log(d / 2)`, the prior follows from the moments [1]_:

    .. math::

        \psi'(d_0 / 2) = \mathrm{var}(e) - \psi'(d / 2), \qquad
        \log s_0^2 = \bar e + \psi(d_0 / 2) - \log(d_0 / 2)

    and the posterior variance, with :math:`d_0 + d` degrees of freedom, is
    :math:`(d_0 s_0^2 + d s_j^2) / (d_0 + d)`. As in limma, the degrees of freedom do not exceed
    those of all variables together.

    References
    ----------
    .. [1] Smyth (2004), section 6.2. doi:10.2202/1544-6115.1027.

    Examples
    --------
    >>> moderated = moderate(np.array([0.5, 1.0, 4.0, 0.9]), df=6)
    >>> [round(float(v), 2) for v in (*moderated.variance, moderated.prior_variance)]
    [0.84, 1.08, 2.56, 1.03, 1.16]
    """
    n = variance.size
    floor = MIN_VARIANCE * float(np.median(variance))
    if n < 2 or not floor:
        return Moderated(variance, float(df), float(np.mean(variance)), 0.0)
    z = np.log(np.maximum(variance, floor)) - digamma(df / 2) + np.log(df / 2)
    excess = float(z.var(ddof=1)) - float(polygamma(1, df / 2))
    if excess <= 0:
        prior = float(np.exp(z.mean()))
        return Moderated(np.full(n, prior), float(df * n), prior, np.inf)
    prior_df = 2 * inverse_trigamma(excess)
    prior = float(np.exp(z.mean() + digamma(prior_df / 2) - np.log(prior_df / 2)))
    posterior = (prior_df * prior + df * variance) / (prior_df + df)
    return Moderated(posterior, min(prior_df + df, float(df * n)), prior, prior_df)


def inverse_trigamma(value: float) -> float:
    """The ``x`` with ``trigamma(x) == value`` > 0, by Newton's method on 1 / trigamma.

    Its steps increase monotonically from the start (Smyth 2004, appendix).
    """
    if value > 1e7:
        return float(1 / np.sqrt(value))
    x = 0.5 + 1 / value
    for _ in range(50):
        step = float(polygamma(1, x)) * (1 - float(polygamma(1, x)) / value)
        step /= float(polygamma(2, x))
        x += step
        if abs(step) < 1e-10 * x:
            break
    return float(x)
