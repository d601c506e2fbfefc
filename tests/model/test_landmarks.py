"""New cells are propagated over their neighbours as the fitted cells were over the graph."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch
from small_cells import N_CELLS, SmallCells, small_cells

from scsiameseclu.model.landmarks import Landmarks, Neighbourhood, choose_landmarks
from scsiameseclu.module.graph_views import diffused_view, normalised_adjacency, propagate

ALPHA = 0.6


@pytest.fixture(scope="module")
def cells() -> SmallCells:
    return small_cells()


@pytest.fixture(scope="module")
def operator(cells: SmallCells) -> sp.csr_matrix:
    return normalised_adjacency(cells.adjacency)


@pytest.fixture(scope="module")
def landmarks(cells: SmallCells, operator: sp.csr_matrix) -> Landmarks:
    components = cells.components.numpy()
    return Landmarks(
        components=components,
        once=operator @ components,
        diffused=diffused_view(operator, cells.components, ALPHA).numpy(),
        latents=np.random.default_rng(0).normal(size=(2, N_CELLS, 3)).astype(np.float32),
    )


@pytest.fixture(scope="module")
def own_neighbours(operator: sp.csr_matrix) -> Neighbourhood:
    """Each fitted cell with its neighbours, and itself, in the fitted graph."""
    dense = operator.toarray()
    own = dense.diagonal()[:, None].copy()
    np.fill_diagonal(dense, 0)
    indices = np.argsort(-dense, axis=1)[:, : int((dense > 0).sum(axis=1).max())]
    return Neighbourhood(indices, np.take_along_axis(dense, indices, axis=1), own)


def test_a_fitted_cell_with_its_own_neighbours_gets_its_training_inputs(
    cells: SmallCells,
    operator: sp.csr_matrix,
    landmarks: Landmarks,
    own_neighbours: Neighbourhood,
) -> None:
    components = cells.components.numpy()
    twice, diffused = landmarks.propagate(components, own_neighbours, ALPHA)
    np.testing.assert_allclose(twice, propagate(operator, cells.components), atol=1e-5)
    np.testing.assert_allclose(diffused, landmarks.diffused, atol=1e-3)
    without = landmarks.propagate(components, own_neighbours, None)
    np.testing.assert_array_equal(without[0], twice)
    np.testing.assert_array_equal(without[1], twice)


def test_latents_are_read_out_over_the_graph(
    operator: sp.csr_matrix, landmarks: Landmarks, own_neighbours: Neighbourhood
) -> None:
    assert landmarks.latents is not None
    for network, latents in enumerate(landmarks.latents):
        found = landmarks.read_out(latents, network, own_neighbours)
        np.testing.assert_allclose(found, operator @ latents, atol=1e-5)
    plain = Landmarks(landmarks.components, landmarks.once, landmarks.diffused)
    assert plain.read_out(latents, 0, own_neighbours) is latents


def test_near_landmarks_weigh_most_and_the_cell_as_much_as_the_nearest(
    landmarks: Landmarks,
) -> None:
    cells = landmarks.components[:9] + 0.01
    near = landmarks.neighbourhood(cells)
    np.testing.assert_allclose(near.weights.sum(axis=1) + near.self_weights[:, 0], 1, rtol=1e-5)
    np.testing.assert_array_equal(near.indices[:, 0], np.arange(9))
    np.testing.assert_allclose(near.self_weights[:, 0], near.weights[:, 0], rtol=1e-5)
    assert (np.diff(near.weights, axis=1) <= 0).all()
    assert near.indices.shape == (9, 15)


def test_few_landmarks_are_all_neighbours(landmarks: Landmarks) -> None:
    few = Landmarks(landmarks.components[:4], landmarks.once[:4], landmarks.diffused[:4])
    assert few.neighbourhood(landmarks.components[5:7]).indices.shape == (2, 4)


def test_landmarks_are_a_sample_of_at_most_ten_thousand() -> None:
    np.testing.assert_array_equal(choose_landmarks(300, 0), np.arange(300))
    chosen = choose_landmarks(30_000, 0)
    assert np.unique(chosen).size == 10_000
    assert (np.diff(chosen) > 0).all()
    np.testing.assert_array_equal(chosen, choose_landmarks(30_000, 0))
    assert not np.array_equal(chosen, choose_landmarks(30_000, 1))
    assert torch.from_numpy(chosen).float().mean() == pytest.approx(15_000, rel=0.02)
