"""Knee and inflection of barcode rank curves."""

from __future__ import annotations

import numpy as np
import pytest

from scsiameseclu.droplets.ranks import CURVE_POINTS, rank_curve, rank_points


def totals(large: float = 5000, n_cells: int = 1000, seed: int = 0) -> np.ndarray:
    """Cells around a size, and ten times as many empty droplets with up to 200 counts."""
    rng = np.random.default_rng(seed)
    cells = rng.lognormal(np.log(large), 0.3, n_cells)
    return np.concatenate([cells.round(), rng.integers(0, 201, 10 * n_cells)])


@pytest.mark.parametrize("large", [2000, 5000, 50_000])
@pytest.mark.parametrize("n_cells", [200, 5000])
def test_knee_and_inflection_lie_between_cells_and_empty_droplets(
    large: float, n_cells: int
) -> None:
    points = rank_points(totals(large, n_cells), 100)
    assert 0.4 * large < points.knee < large
    assert 200 < points.inflection < points.knee


def test_points_scale_with_the_counts_and_ignore_the_order() -> None:
    values = totals()
    points = rank_points(values, 100)
    shuffled = np.random.default_rng(1).permutation(values)
    assert rank_points(shuffled, 100) == points
    tenfold = rank_points(10 * values, 1000)
    assert tenfold.knee == pytest.approx(10 * points.knee)
    assert tenfold.inflection == pytest.approx(10 * points.inflection)


def test_the_end_of_many_empty_droplets_is_not_the_inflection() -> None:
    """More counts than the limit in every droplet: the curve ends in a second, steeper drop."""
    rng = np.random.default_rng(0)
    empty = rng.poisson(500, 200_000)
    cells = rng.lognormal(np.log(3000), 0.8, 2000).round()
    points = rank_points(np.concatenate([cells, empty]), 100)
    assert points.knee > points.inflection > 560  # above the empty droplets


def test_cells_of_one_size_are_at_the_knee() -> None:
    values = np.append(np.full(40, 2000.0), np.full(2000, 30.0))
    assert rank_points(values, 100).knee == 2000


def test_a_straight_line_has_no_knee() -> None:
    ranks = np.arange(1, 20_001)
    assert np.isnan(rank_points(1e6 / ranks, 100).knee)


def test_few_barcodes_have_neither() -> None:
    points = rank_points(np.array([500.0] * 10 + [1.0] * 5000), 100)
    assert np.isnan(points.knee)
    assert np.isnan(points.inflection)


def test_empty_droplets_below_the_limit_do_not_matter() -> None:
    values = totals()
    more = np.append(values, np.ones(50_000))
    assert rank_points(more, 100) == rank_points(values, 100)


def test_the_curve_holds_ends_order_and_shares_of_cells() -> None:
    values = totals()
    called = values > 1000
    curve = rank_curve(values, called)
    n_filled = int((values > 0).sum())
    assert (curve["rank"][0], curve["rank"][-1]) == (1, n_filled)
    assert len(curve["rank"]) <= CURVE_POINTS
    assert curve["total"][0] == values.max()
    assert (np.diff(curve["total"]) <= 0).all()
    sizes = np.diff(np.append(curve["rank"], n_filled + 1))
    assert (curve["called"] * sizes).sum() == pytest.approx(called.sum())
    assert curve["called"][0] == 1
    assert curve["called"][-1] == 0
