"""The operators on the graph and the two views, against their formulas on small dense cases."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from scsiameseclu.module.graph_views import (
    N_NEIGHBOURS,
    diffused_view,
    drop_dissimilar_edges,
    neighbour_table,
    normalised_adjacency,
    perturbed_view,
    propagate,
)

N_CELLS = 200


@pytest.fixture(scope="module")
def components() -> np.ndarray:
    return np.random.default_rng(1).normal(size=(N_CELLS, 6)).astype(np.float32)


def test_normalised_adjacency_is_that_of_kipf_and_welling(adjacency: sp.csr_matrix) -> None:
    looped = adjacency.toarray() + np.eye(N_CELLS)
    scale = 1 / np.sqrt(looped.sum(axis=1))
    operator = normalised_adjacency(adjacency).toarray()
    np.testing.assert_allclose(operator, scale[:, None] * looped * scale, atol=1e-6)
    assert np.linalg.eigvalsh(operator).max() == pytest.approx(1, abs=1e-4)


def test_the_largest_entries_are_kept(adjacency: sp.csr_matrix) -> None:
    operator = normalised_adjacency(adjacency)
    dense = operator.toarray()
    indices, weights = neighbour_table(operator)
    assert indices.shape == weights.shape == (N_CELLS, N_NEIGHBOURS)
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)
    for cell in (0, 3, 77, N_CELLS - 1):
        expected = np.sort(dense[cell][dense[cell] > 0])[::-1][:N_NEIGHBOURS]
        kept = weights[cell][weights[cell] > 0]
        np.testing.assert_allclose(np.sort(kept)[::-1], expected / expected.sum(), rtol=1e-5)
        own = indices[cell][weights[cell] > 0]
        np.testing.assert_allclose(dense[cell][own] / expected.sum(), kept, rtol=1e-5)


def test_dropped_edges_are_the_least_similar(
    adjacency: sp.csr_matrix, components: np.ndarray
) -> None:
    thinned = drop_dissimilar_edges(adjacency, components, 0.1)
    assert thinned.nnz == adjacency.nnz - 2 * int(0.1 * (adjacency.nnz // 2))
    assert (thinned != thinned.T).nnz == 0
    unit = components / np.linalg.norm(components, axis=1, keepdims=True)
    similarity = unit @ unit.T
    gone = (adjacency - thinned).astype(bool)
    assert similarity[gone.nonzero()].max() <= similarity[thinned.nonzero()].min() + 1e-6
    assert drop_dissimilar_edges(adjacency, components, 0.0).nnz == adjacency.nnz


def test_view_1_is_propagated_over_the_thinned_graph(
    adjacency: sp.csr_matrix, components: np.ndarray
) -> None:
    features = np.random.default_rng(2).normal(size=(N_CELLS, 3)).astype(np.float32)
    thin = normalised_adjacency(drop_dissimilar_edges(adjacency, features, 0.2))
    view = perturbed_view(adjacency, torch.from_numpy(components), features, 0.2)
    np.testing.assert_allclose(view, thin @ (thin @ components), atol=1e-5)
    by_components = perturbed_view(adjacency, torch.from_numpy(components), components, 0.2)
    assert not torch.allclose(view, by_components)


def test_view_2_is_personalised_pagerank(adjacency: sp.csr_matrix, components: np.ndarray) -> None:
    operator, tensor = normalised_adjacency(adjacency), torch.from_numpy(components)
    exact = 0.7 * np.linalg.inv(np.eye(N_CELLS) - 0.3 * operator.toarray()) @ components
    np.testing.assert_allclose(diffused_view(operator, tensor, 0.7), exact, atol=1e-4)
    slow = 0.2 * np.linalg.inv(np.eye(N_CELLS) - 0.8 * operator.toarray()) @ components
    error = np.abs(diffused_view(operator, tensor, 0.2) - slow).max()
    assert error <= 0.8**10 * np.abs(components).max() * 2
    assert torch.equal(diffused_view(operator, tensor, None), propagate(operator, tensor))


def test_propagation_is_two_steps(adjacency: sp.csr_matrix, components: np.ndarray) -> None:
    operator = normalised_adjacency(adjacency)
    found = propagate(operator, torch.from_numpy(components))
    np.testing.assert_allclose(found, operator @ (operator @ components), atol=1e-5)
    assert found.dtype == torch.float32


def test_propagation_has_no_array_of_edges_by_components(
    adjacency: sp.csr_matrix, components: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Messages would take gigabytes for millions of cells; sparse products take none."""
    shapes = []

    def product(matrix: torch.Tensor, dense: torch.Tensor, **options: str) -> torch.Tensor:
        shapes.append((matrix.layout, *matrix.shape))
        return matrix @ dense

    monkeypatch.setattr("torch_geometric.nn.conv.appnp.spmm", product)
    operator = normalised_adjacency(adjacency)
    assert propagate(operator, torch.from_numpy(components)).shape == components.shape
    assert shapes == [(torch.sparse_csr, N_CELLS, N_CELLS)] * 2


def test_similarities_are_computed_in_blocks(
    adjacency: sp.csr_matrix, components: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = drop_dissimilar_edges(adjacency, components, 0.3)
    monkeypatch.setattr("scsiameseclu.module.graph_views.EDGES", 7)
    assert (drop_dissimilar_edges(adjacency, components, 0.3) != whole).nnz == 0
