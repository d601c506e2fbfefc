"""Plans keep their marginals as far as they should."""

import numpy as np

from scsiameseclu.preprocess.integration.transport import self_plan, unbalanced_plan

MASSES = np.array([0.2, 0.3, 0.5])


def test_a_plan_with_dear_marginals_keeps_them() -> None:
    cost = np.random.default_rng(0).uniform(size=(3, 3))
    plan = unbalanced_plan(cost, MASSES, MASSES[::-1], epsilon=0.5, tau=1e4)
    np.testing.assert_allclose(plan.sum(axis=1), MASSES, rtol=1e-3)
    np.testing.assert_allclose(plan.sum(axis=0), MASSES[::-1], rtol=1e-3)


def test_an_unbalanced_plan_solves_its_problem() -> None:
    """Its potentials satisfy the conditions of optimality, tau log(P 1 / a) = -f."""
    cost = np.random.default_rng(0).uniform(size=(3, 4))
    target, epsilon, tau = np.full(4, 0.25), 0.1, 0.3
    plan = unbalanced_plan(cost, MASSES, target, epsilon, tau)
    f = -tau * np.log(plan.sum(axis=1) / MASSES)
    g = -tau * np.log(plan.sum(axis=0) / target)
    expected = np.exp((f[:, None] + g - cost) / epsilon) * MASSES[:, None] * target
    np.testing.assert_allclose(plan, expected, rtol=1e-2)


def test_mass_without_a_partner_is_left_behind() -> None:
    cost = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    plan = unbalanced_plan(cost, MASSES, np.array([0.5, 0.5]), epsilon=0.05, tau=0.05)
    kept = plan.sum(axis=1) / MASSES
    assert kept[2] < 1e-3
    assert kept[:2].min() > 0.3


def test_a_self_plan_is_symmetric_and_balanced() -> None:
    points = np.random.default_rng(0).normal(size=(3, 2))
    cost = ((points[:, None] - points) ** 2).sum(axis=2)
    plan = self_plan(cost, MASSES, epsilon=0.3)
    np.testing.assert_allclose(plan, plan.T)
    np.testing.assert_allclose(plan.sum(axis=1), MASSES, rtol=1e-3)
