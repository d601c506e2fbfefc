"""Components: noise weighs nothing."""

import numpy as np
import pytest

from scsiameseclu.preprocess.signal import signal_weights


@pytest.fixture(scope="module")
def components() -> np.ndarray:
    """Five strong components, five of signal as large as noise, and forty of noise."""
    rng = np.random.default_rng(0)
    deviation = np.r_[np.full(5, 10.0), np.full(5, 2**0.5), np.full(40, 1.0)]
    return (rng.normal(size=(20_000, 50)) * deviation).astype(np.float32)


def test_noise_weighs_nothing_and_signal_nearly_one(components: np.ndarray) -> None:
    weights = signal_weights(components)
    assert weights[:5].min() > 0.99
    np.testing.assert_allclose(weights[5:10], 0.5**0.5, atol=0.05)
    assert weights[10:].max() < 0.3
    assert np.median(weights[10:]) < 0.2


@pytest.mark.parametrize("n_components", [20, 30, 47])
def test_weights_are_the_signal_share_of_the_deviation(n_components: int) -> None:
    """The noise is the mean of the smallest tenth of the variances, in whatever order they come."""
    rng = np.random.default_rng(1)
    variances = rng.uniform(0.5, 5.0, n_components)
    values = rng.normal(size=(4000, n_components))
    values = (values - values.mean(axis=0)) / values.std(axis=0) * np.sqrt(variances) + 3.0
    noise = np.sort(variances)[: n_components // 10].mean()
    expected = np.sqrt(np.maximum(0, 1 - noise / variances))
    weights = signal_weights(values.astype(np.float32))
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights, expected, atol=2e-3)


def test_a_component_that_does_not_vary_has_no_weight(components: np.ndarray) -> None:
    constant = components[:1000].copy()
    constant[:, 4] = 7.0
    weights = signal_weights(constant)
    assert np.isfinite(weights).all()
    assert weights[4] == 0


def test_few_components_are_all_signal(components: np.ndarray) -> None:
    np.testing.assert_array_equal(signal_weights(components[:, :19]), 1)
    assert signal_weights(components[:, :20]).min() < 1
