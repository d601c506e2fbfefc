"""The fit of memory and time: nothing lies below, and the largest ratio is as small as can be."""

import numpy as np
import pytest
from fit_resources import MARGIN, fit


def test_a_linear_truth_is_found_with_the_margin_alone() -> None:
    features = np.array([[1.0, n, 3 * n] for n in (1.0, 10.0, 100.0)])
    values, ratio = fit(features[:, :2], features @ [200.0, 4.0, 1.0])
    assert ratio == pytest.approx(MARGIN)
    np.testing.assert_allclose(values, [MARGIN * 200, MARGIN * 7], rtol=1e-6)


def test_nothing_lies_below() -> None:
    rng = np.random.default_rng(0)
    features = np.c_[np.ones(20), rng.gamma(1, 100, (20, 2))]
    measured = features @ [50, 2, 1] * rng.uniform(0.7, 1.3, 20)
    values, ratio = fit(features, measured)
    ratios = features @ values / measured
    assert ratios.min() >= MARGIN - 1e-6
    assert ratios.max() == pytest.approx(ratio)
    scaled, larger = fit(features[:, :1], measured)
    assert larger >= ratio
    assert (scaled >= 0).all()


def test_rows_with_a_floor_alone_lift_the_prediction_and_bound_it_no_further() -> None:
    features = np.array([[1.0, n] for n in (1.0, 10.0, 100.0)])
    measured = np.array([100.0, 100.0, np.inf])
    floors = np.array([115.0, 115.0, 1000.0])
    values, ratio = fit(features, measured, floors)
    assert (features @ values >= floors - 1e-6).all()
    assert ratio == pytest.approx((115 + 9 * (1000 - 115) / 99) / 100)
