"""Anchors: directions of the types, and the transport of cells to them."""

import numpy as np
import pytest
from directions import around, unit

from scsiameseclu.annotation import anchors as module
from scsiameseclu.annotation.anchors import TEMPERATURE, Anchors, directions

SIZES = (500, 119, 59, 5)


@pytest.fixture(scope="module")
def reference() -> tuple[np.ndarray, np.ndarray]:
    """Four types of unequal size in eight dimensions."""
    labels = np.repeat(np.arange(4), SIZES)
    centres = unit(np.random.default_rng(0).normal(size=(4, 8)))
    return around(centres, labels, 0.15, 1), labels


@pytest.fixture(scope="module")
def fitted(reference: tuple[np.ndarray, np.ndarray]) -> Anchors:
    return Anchors.fit(*reference, 4, seed=0)


def query(counts: tuple[int, ...], seed: int = 2) -> tuple[np.ndarray, np.ndarray]:
    labels = np.repeat(np.arange(4), counts)
    centres = unit(np.random.default_rng(0).normal(size=(4, 8)))
    return around(centres, labels, 0.15, seed).astype(float), labels


def test_a_type_has_an_anchor_for_every_20_cells_between_1_and_10(fitted: Anchors) -> None:
    assert np.bincount(fitted.types).tolist() == [10, 5, 2, 1]
    np.testing.assert_allclose(np.linalg.norm(fitted.centres, axis=1), 1)


def test_anchors_are_where_the_cells_of_their_type_are(
    fitted: Anchors, reference: tuple[np.ndarray, np.ndarray]
) -> None:
    cells, labels = reference
    of_types = np.stack([unit(cells[labels == t].mean(axis=0)[None])[0] for t in range(4)])
    np.testing.assert_array_equal((fitted.centres @ of_types.T).argmax(axis=1), fitted.types)
    # the one anchor of the smallest type is its mean direction
    np.testing.assert_allclose(fitted.centres[fitted.types == 3][0], of_types[3], atol=1e-6)


def test_a_type_without_cells_has_no_anchor(reference: tuple[np.ndarray, np.ndarray]) -> None:
    cells, labels = reference
    found = Anchors.fit(cells, np.where(labels > 1, labels + 1, labels), 6, seed=0)
    assert np.bincount(found.types, minlength=6).tolist() == [10, 5, 0, 2, 1, 0]


def test_anchors_of_a_large_type_are_sought_in_a_sample(
    reference: tuple[np.ndarray, np.ndarray], fitted: Anchors, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_CELLS_PER_TYPE", 160)
    cells, labels = reference
    found = Anchors.fit(cells, labels, 4, seed=0)
    assert np.bincount(found.types).tolist() == [8, 5, 2, 1]
    same = found.types > 0
    np.testing.assert_array_equal(found.centres[same], fitted.centres[fitted.types > 0])
    alike = found.centres[~same] @ fitted.centres[fitted.types == 0].T
    assert alike.max(axis=1).min() > 0.9


def test_similarity_is_the_cosine_with_the_nearest_anchor(
    fitted: Anchors, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells, _ = query((7, 7, 7, 7))
    expected = [max(float(cell @ centre) for centre in fitted.centres) for cell in cells]
    np.testing.assert_allclose(fitted.similarity(cells), expected)
    monkeypatch.setattr(module, "BLOCK_CELLS", 5)
    np.testing.assert_allclose(fitted.similarity(cells), expected)
    assert fitted.similarity(cells[:0]).size == 0


def test_probability_is_a_softmax_over_anchors_summed_over_each_type(
    fitted: Anchors, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells, _ = query((3, 3, 3, 3))
    shares = np.random.default_rng(1).dirichlet(np.ones(fitted.types.size))
    weights = np.exp(cells @ fitted.centres.T / TEMPERATURE) * shares
    plan = weights / weights.sum(axis=1, keepdims=True)
    expected = np.stack([plan[:, fitted.types == t].sum(axis=1) for t in range(4)], axis=1)
    np.testing.assert_allclose(fitted.probability(cells, shares, 4), expected)
    monkeypatch.setattr(module, "BLOCK_CELLS", 5)
    np.testing.assert_allclose(fitted.probability(cells, shares, 4), expected)


def test_shares_are_a_fixed_point_of_the_transport(fitted: Anchors) -> None:
    cells, _ = query((20, 300, 10, 70))
    shares = fitted.shares(cells, seed=0)
    weights = np.exp(cells @ fitted.centres.T / TEMPERATURE) * shares
    plan = weights / weights.sum(axis=1, keepdims=True)
    expected = (plan.sum(axis=0) + 1) / (400 + fitted.types.size)
    np.testing.assert_allclose(shares, expected, atol=5e-4)
    assert shares.sum() == pytest.approx(1)


def test_shares_are_those_of_the_cells_not_of_the_reference(
    fitted: Anchors, monkeypatch: pytest.MonkeyPatch
) -> None:
    cells, labels = query((40, 100, 60, 800))

    def of_types() -> np.ndarray:
        return np.bincount(fitted.types, fitted.shares(cells, seed=0))

    right = np.bincount(labels) / labels.size
    np.testing.assert_allclose(of_types(), right, atol=0.03)
    monkeypatch.setattr(module, "MAX_FITTED", 400)
    np.testing.assert_allclose(of_types(), right, atol=0.06)


def test_an_anchor_far_from_all_cells_keeps_the_share_of_one_cell(fitted: Anchors) -> None:
    cells, _ = query((100, 0, 0, 0))
    shares = fitted.shares(cells, seed=0)
    one = 1 / (100 + fitted.types.size)
    np.testing.assert_allclose(shares[fitted.types == 3], one, rtol=0.3)
    assert shares.min() >= one


def test_directions_have_length_1_and_zeros_stay() -> None:
    rows = np.array([[3.0, 4.0], [0.0, 0.0], [1e-3, 0.0]], dtype=np.float32)
    found = directions(rows)
    np.testing.assert_allclose(found, [[0.6, 0.8], [0, 0], [1, 0]], rtol=1e-6)
    assert found.dtype == np.float64
