"""New cells among fitted ones: neighbours, weights, and the recursions over them."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from scsiameseclu.model import landmarks as module
from scsiameseclu.model.landmarks import Reference, sample_reference

N_FITTED, N_NEW, N_PCS = 80, 12, 5


@pytest.fixture(scope="module")
def fitted() -> Reference:
    rng = np.random.default_rng(0)
    tables = [rng.normal(size=(N_FITTED, N_PCS)).astype(np.float32) for _ in range(3)]
    return Reference(*tables, fused=rng.normal(size=(2, N_FITTED, 4)).astype(np.float32))


@pytest.fixture(scope="module")
def new() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(N_NEW, N_PCS)).astype(np.float32)


def mix(weights: np.ndarray, indices: np.ndarray, table: np.ndarray) -> np.ndarray:
    pairs = zip(weights.astype(float), indices, strict=True)
    return np.stack([w @ table[i] for w, i in pairs])


def test_neighbours_are_the_nearest_fitted_cells(fitted: Reference, new: np.ndarray) -> None:
    indices, weights, own = fitted.neighbours(new)
    distances = cdist(new, fitted.components)
    order = np.argsort(distances, axis=1)[:, :15]
    np.testing.assert_array_equal(np.sort(indices, axis=1), np.sort(order, axis=1))
    assert weights.shape == (N_NEW, 15)
    assert own.shape == (N_NEW, 1)


def test_weights_fall_off_exponentially_beyond_the_nearest(
    fitted: Reference, new: np.ndarray
) -> None:
    indices, weights, own = fitted.neighbours(new)
    np.testing.assert_allclose(weights.sum(axis=1) + own[:, 0], 1, rtol=1e-5)
    for cell in range(N_NEW):
        distance = np.linalg.norm(fitted.components[indices[cell]] - new[cell], axis=1)
        beyond = distance - distance.min()
        strength = np.exp(-beyond / beyond.mean())
        np.testing.assert_allclose(weights[cell], strength / (1 + strength.sum()), rtol=1e-4)
    np.testing.assert_allclose(weights.max(axis=1), own[:, 0], rtol=1e-6)  # as its nearest


def test_all_fitted_cells_are_neighbours_where_there_are_few(new: np.ndarray) -> None:
    table = np.zeros((3, N_PCS), dtype=np.float32)
    few = Reference(table, table, table, np.zeros((1, 3, 2), dtype=np.float32))
    indices, weights, own = few.neighbours(new)
    assert (np.sort(indices, axis=1) == [0, 1, 2]).all()
    np.testing.assert_allclose(weights, 1 / 4)  # at the same distance
    np.testing.assert_allclose(own, 1 / 4)


def test_components_are_propagated_twice(fitted: Reference, new: np.ndarray) -> None:
    indices, weights, own = fitted.neighbours(new)
    twice = fitted.propagate(new, 0.2)[0]
    once = own * new + mix(weights, indices, fitted.components)
    expected = own * once + mix(weights, indices, fitted.once)
    np.testing.assert_allclose(twice, expected, atol=1e-5)


@pytest.mark.parametrize("alpha", [0.1, 0.5, 1.0])
def test_diffusion_is_a_fixed_point_in_which_the_cell_counts_itself(
    alpha: float, fitted: Reference, new: np.ndarray
) -> None:
    indices, weights, own = fitted.neighbours(new)
    diffused = fitted.propagate(new, alpha)[1]
    neighbours = mix(weights, indices, fitted.diffused)
    expected = (1 - alpha) * (own * diffused + neighbours) + alpha * new
    np.testing.assert_allclose(diffused, expected, atol=1e-5)
    assert diffused.dtype == np.float32
    if alpha == 1:
        np.testing.assert_allclose(diffused, new, atol=1e-6)


def test_without_diffusion_both_views_are_propagated(fitted: Reference, new: np.ndarray) -> None:
    twice, diffused, *_ = fitted.propagate(new, None)
    np.testing.assert_array_equal(diffused, twice)
    np.testing.assert_array_equal(twice, fitted.propagate(new, 0.3)[0])


def test_where_all_cells_are_the_same_propagation_changes_nothing() -> None:
    row = np.arange(1.0, N_PCS + 1, dtype=np.float32)
    table = np.tile(row, (N_FITTED, 1))
    same = Reference(table, table, table, np.zeros((1, N_FITTED, 2), dtype=np.float32))
    for view in same.propagate(row[None], 0.3)[:2]:
        np.testing.assert_allclose(view, row[None], rtol=1e-5)


def test_latents_are_smoothed_over_those_of_the_same_network(
    fitted: Reference, new: np.ndarray
) -> None:
    indices, weights, own = fitted.neighbours(new)
    latent = np.random.default_rng(2).normal(size=(N_NEW, 4)).astype(np.float32)
    for network in (0, 1):
        found = fitted.smooth(latent, network, indices, weights, own)
        expected = own * latent + mix(weights, indices, fitted.fused[network])
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_few_cells_are_all_kept_and_many_are_sampled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_REFERENCE_CELLS", 50)
    np.testing.assert_array_equal(sample_reference(50, seed=0), np.arange(50))
    kept = sample_reference(1000, seed=0)
    assert kept.size == 50
    assert (np.diff(kept) > 0).all()
    assert kept.max() > 700
    np.testing.assert_array_equal(kept, sample_reference(1000, seed=0))
    assert (kept != sample_reference(1000, seed=1)).any()
