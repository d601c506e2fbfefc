"""Likelihoods and Monte Carlo p-values of droplets."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from scipy.stats import dirichlet_multinomial, kstest, multinomial

from scsiameseclu.droplets.ambient import MAX_ALPHA, Ambient
from scsiameseclu.droplets.simulation import Simulation, log_likelihood

N_GENES = 50


def ambient(alpha: float = MAX_ALPHA) -> Ambient:
    return Ambient(np.random.default_rng(0).dirichlet(np.ones(N_GENES)), alpha)


def droplets(source: Ambient, totals: np.ndarray, seed: int = 1) -> csr_matrix:
    """Dirichlet-multinomial droplets, drawn as such."""
    rng = np.random.default_rng(seed)
    shares = rng.dirichlet(source.weights, len(totals))
    return csr_matrix(
        np.stack([rng.multinomial(n, share) for n, share in zip(totals, shares, strict=True)])
    )


def p_values(counts: csr_matrix, source: Ambient, n: int = 2000, seed: int = 0) -> np.ndarray:
    simulation = Simulation(counts, source, seed)
    simulation.run(n)
    return simulation.p_values()


@pytest.mark.parametrize("alpha", [20.0, MAX_ALPHA])
def test_likelihoods_differ_from_those_of_scipy_by_a_term_of_the_total(alpha: float) -> None:
    source = ambient(alpha)
    counts = droplets(source, np.full(40, 30)).toarray()
    expected = np.array([dirichlet_multinomial(source.weights, 30).logpmf(row) for row in counts])
    found = log_likelihood(csr_matrix(counts.astype(np.float32)), source)
    assert np.ptp(found - expected) < 1e-5


def test_likelihoods_of_a_high_concentration_are_multinomial() -> None:
    source = ambient()
    counts = droplets(source, np.full(40, 30)).toarray()
    expected = multinomial(30, source.proportions).logpmf(counts)
    assert np.ptp(log_likelihood(csr_matrix(counts), source) - expected) < 0.05


def test_likelihoods_do_not_depend_on_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    source, totals = ambient(), np.random.default_rng(0).integers(0, 90, 200)
    counts = droplets(source, totals)
    expected = log_likelihood(counts, source)
    monkeypatch.setattr("scsiameseclu.droplets.simulation.BLOCK_VALUES", 150)
    np.testing.assert_allclose(log_likelihood(counts, source), expected, rtol=1e-10)


@pytest.mark.parametrize("alpha", [20.0, 200.0, MAX_ALPHA])
def test_p_values_of_empty_droplets_are_uniform(alpha: float) -> None:
    source = ambient(alpha)
    totals = np.random.default_rng(2).integers(20, 300, 1500)
    found = p_values(droplets(source, totals), source)
    assert kstest(found, "uniform").pvalue > 0.01


def test_overdispersed_droplets_are_not_multinomial() -> None:
    found = p_values(droplets(ambient(20.0), np.full(500, 200)), ambient())
    assert np.median(found) < 0.05


def test_p_values_agree_with_direct_simulation() -> None:
    """Simulated droplets of one total, ranked by the likelihood of scipy."""
    source = ambient(50.0)
    observed = droplets(source, np.full(20, 80), seed=3)
    simulated = droplets(source, np.full(4000, 80), seed=4).toarray()
    reference = dirichlet_multinomial(source.weights, 80).logpmf(simulated)
    own = dirichlet_multinomial(source.weights, 80).logpmf(observed.toarray())
    expected = (reference[None, :] <= own[:, None]).mean(axis=1)
    np.testing.assert_allclose(p_values(observed, source, 4000), expected, atol=0.04)


def test_another_profile_is_unlikely_and_the_expected_one_is_not() -> None:
    """The sign of the likelihood: droplets of the rarest gene, and as even as possible."""
    source = ambient()
    rarest = np.zeros(N_GENES)
    rarest[source.proportions.argmin()] = 60
    usual = np.rint(60 * source.proportions)
    found = p_values(csr_matrix(np.stack([rarest, usual])), source)
    assert found[0] == 1 / 2001
    assert found[1] > 0.9


def test_p_values_are_deterministic_ordered_and_never_zero() -> None:
    source, totals = ambient(100.0), np.random.default_rng(5).integers(1, 120, 300)
    counts = droplets(source, totals)
    found = p_values(counts, source)
    np.testing.assert_array_equal(found, p_values(counts, source))
    assert (found != p_values(counts, source, seed=1)).any()
    order = np.random.default_rng(6).permutation(300)
    np.testing.assert_array_equal(p_values(counts[order], source), found[order])
    assert found.min() >= 1 / 2001
    assert found.max() <= 1
    values = log_likelihood(counts, source)
    for total in np.unique(totals):
        group = totals == total
        assert (np.diff(found[group][np.argsort(values[group])]) >= 0).all()


def test_more_simulations_add_to_those_before() -> None:
    source = ambient(100.0)
    counts = droplets(source, np.full(50, 40))
    simulation = Simulation(counts, source, 0)
    simulation.run(500)
    simulation.run(1500)
    assert simulation.n == 2000
    np.testing.assert_array_equal(simulation.p_values(), p_values(counts, source, 2000))


def test_nothing_to_test() -> None:
    assert p_values(csr_matrix((0, N_GENES)), ambient()).size == 0
