"""Linear fits and the moderation of their variances."""

import numpy as np
import pytest
from scipy.special import polygamma

from scsiameseclu.cohort.moderation import fit_linear, inverse_trigamma, moderate


def test_a_posterior_variance_is_between_its_own_and_the_prior() -> None:
    variance = np.random.default_rng(0).chisquare(4, 40) * np.geomspace(0.1, 10, 40)
    moderated = moderate(variance, df=4)
    assert 0 < moderated.prior_df < np.inf
    prior = np.full_like(variance, moderated.prior_variance)
    low, high = np.minimum(variance, prior), np.maximum(variance, prior)
    assert ((low < moderated.variance) & (moderated.variance < high)).all()
    weight = moderated.prior_df / (moderated.prior_df + 4)
    np.testing.assert_allclose(moderated.variance, weight * prior + (1 - weight) * variance)
    assert moderated.df == pytest.approx(moderated.prior_df + 4)


def test_the_prior_is_recovered() -> None:
    rng = np.random.default_rng(1)
    true = 8 * 0.5 / rng.chisquare(8, 20_000)
    moderated = moderate(true * rng.chisquare(5, true.size) / 5, df=5)
    assert moderated.prior_df == pytest.approx(8, rel=0.1)
    assert moderated.prior_variance == pytest.approx(0.5, rel=0.03)


def test_variances_that_differ_by_chance_become_one() -> None:
    moderated = moderate(np.array([0.9, 1.0, 1.1, 1.05]), df=6)
    assert moderated.prior_df == np.inf
    assert len(set(moderated.variance)) == 1
    assert moderated.df == 24  # those of all variables together


def test_too_few_variables_keep_their_own() -> None:
    variance = np.array([2.0])
    assert moderate(variance, df=3).variance.tolist() == [2.0]
    assert moderate(np.zeros(3), df=3).variance.tolist() == [0.0] * 3


@pytest.mark.parametrize("x", [0.01, 0.3, 2.0, 40.0, 1e4])
def test_the_inverse_of_trigamma(x: float) -> None:
    assert inverse_trigamma(float(polygamma(1, x))) == pytest.approx(x, rel=1e-6)


def test_weighted_fits_are_those_of_repeated_rows() -> None:
    """A weight of 2 is an observation that was made twice."""
    rng = np.random.default_rng(2)
    design = np.column_stack([np.ones(6), rng.normal(size=6)])
    values, repeats = rng.normal(size=(3, 6)), np.array([1, 2, 1, 3, 1, 2])
    fits = fit_linear(values, design, np.broadcast_to(repeats, values.shape).astype(float))
    again = np.repeat(np.arange(6), repeats)
    plain = fit_linear(values[:, again], design[again], np.ones((3, again.size)))
    np.testing.assert_allclose(fits.coefficients, plain.coefficients)
    np.testing.assert_allclose(fits.scale, plain.scale)
    np.testing.assert_allclose(fits.variance * fits.df, plain.variance * plain.df)
    assert fits.df == 4
    solution = np.linalg.lstsq(design[again], values[0, again], rcond=None)[0]
    np.testing.assert_allclose(plain.coefficients[0], solution)
