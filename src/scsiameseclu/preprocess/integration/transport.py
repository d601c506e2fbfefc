"""Transport plans between and within batches, in log space."""

from __future__ import annotations

import numpy as np
from scipy.special import logsumexp

MAX_ITERATIONS = 200
TOLERANCE = 1e-4
"""Largest change of a potential, relative to the regularisation, at which the iteration stops."""


def unbalanced_plan(
    cost: np.ndarray, source: np.ndarray, target: np.ndarray, epsilon: float, tau: float
) -> np.ndarray:
    """Entropic transport whose marginals are free at a price (Chizat et al. 2018).

    Minimises ``<P, C> + epsilon KL(P | a b') + tau KL(P 1 | a) + tau KL(P' 1 | b)``
    (doi:10.1090/mcom/3303) by Sinkhorn's iteration with potentials damped by
    ``tau / (tau + epsilon)``. What would travel much farther than ``tau`` is not transported.

    Parameters
    ----------
    cost
        (n_source, n_target).
    source, target
        Masses a and b, each summing to 1.
    epsilon, tau
        Entropic regularisation and the price of mass that is left behind, in units of the cost.

    Returns
    -------
    The plan, (n_source, n_target); its sum is at most about 1.
    """
    damping = tau / (tau + epsilon)
    log_source, log_target = np.log(source), np.log(target)
    f, g = np.zeros(len(source)), np.zeros(len(target))
    for _ in range(MAX_ITERATIONS):
        before = f
        f = -damping * epsilon * logsumexp((g - cost) / epsilon + log_target, axis=1)
        columns = (f[:, None] - cost) / epsilon + log_source[:, None]
        g = -damping * epsilon * logsumexp(columns, axis=0)
        if np.abs(f - before).max() < TOLERANCE * epsilon:
            break
    plan: np.ndarray = np.exp((f[:, None] + g - cost) / epsilon + log_source[:, None] + log_target)
    return plan


def self_plan(cost: np.ndarray, masses: np.ndarray, epsilon: float) -> np.ndarray:
    """Entropic transport of masses to themselves, (n, n), by Sinkhorn's symmetric iteration.

    Its blur is that of :func:`unbalanced_plan`; the difference of the two is what moves the masses
    along the gradient of a Sinkhorn divergence (Feydy et al. 2019, arXiv 1810.08278), which is 0
    between equal measures.

    Parameters
    ----------
    cost
        Symmetric, (n, n).
    masses
        Summing to 1.
    epsilon
        Entropic regularisation.
    """
    log_masses, f = np.log(masses), np.zeros(len(masses))
    for _ in range(MAX_ITERATIONS):
        before = f
        f = (f - epsilon * logsumexp((f - cost) / epsilon + log_masses, axis=1)) / 2
        if np.abs(f - before).max() < TOLERANCE * epsilon:
            break
    plan: np.ndarray = np.exp((f[:, None] + f - cost) / epsilon + log_masses[:, None] + log_masses)
    return plan


def rows_to_one(plan: np.ndarray) -> np.ndarray:
    """The plan with rows that sum to 1; rows without mass stay 0."""
    scaled: np.ndarray = plan / np.maximum(plan.sum(axis=1, keepdims=True), 1e-300)
    return scaled
