"""Placing cells among others on a map."""

import numpy as np
import pytest

from scsiameseclu.preprocess import layout
from scsiameseclu.preprocess.layout import SPREAD, initial_positions, map_cells


def test_initial_positions_are_components_of_umaps_spread() -> None:
    rng = np.random.default_rng(0)
    drawn = rng.normal(size=(200, 6)) * [5, 3, 1, 1, 1, 1]
    plane = initial_positions(drawn.astype(np.float32))
    assert plane.shape == (200, 2)
    assert abs(plane).max() == pytest.approx(SPREAD)
    for axis in (0, 1):
        assert abs(np.corrcoef(plane[:, axis], drawn[:, axis])[0, 1]) > 0.95


def test_cells_beyond_the_limit_fall_among_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three groups far apart, in any order; two cells in three are placed among the others."""
    monkeypatch.setattr(layout, "MAX_MAPPED", 100)
    groups = np.random.default_rng(1).permutation(np.repeat([0, 1, 2], 100))
    cells = np.random.default_rng(2).normal(size=(300, 8)) + 30 * np.eye(3, 8)[groups]
    found = map_cells(cells.astype(np.float32), seed=3)
    centres = np.array([found[groups == group].mean(axis=0) for group in range(3)])
    nearest = ((found[:, None] - centres) ** 2).sum(axis=2).argmin(axis=1)
    assert (nearest == groups).all()
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    np.testing.assert_array_equal(found, map_cells(cells.astype(np.float32), seed=3))


def test_few_cells() -> None:
    cells = np.random.default_rng(0).normal(size=(9, 4)).astype(np.float32)
    found = map_cells(cells, seed=0)
    assert found.shape == (9, 2)
    assert np.isfinite(found).all()


def test_one_dimension_lies_on_a_line() -> None:
    plane = initial_positions(np.arange(5.0)[:, None])
    assert plane.shape == (5, 2)
    assert (plane[:, 1] == 0).all()
    assert plane[4, 0] == -plane[0, 0] != 0
