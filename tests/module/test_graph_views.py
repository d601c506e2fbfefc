"""The views of the graph against their formulas, and the table of neighbours against the graph."""

import numpy as np
import pytest
import scipy.sparse as sp

from scsiameseclu.module.graph_views import (
    N_NEIGHBOURS,
    diffuse,
    drop_dissimilar_edges,
    graph_views,
    neighbour_table,
    normalised_adjacency,
)
from scsiameseclu.settings import ModelSettings

N_CELLS = 200


@pytest.fixture(scope="module")
def adjacency() -> sp.csr_matrix:
    """A symmetric graph with a hub of many neighbours and a cell without any."""
    rng = np.random.default_rng(0)
    upper = sp.triu(sp.random(N_CELLS, N_CELLS, 0.05, random_state=rng), k=1).tolil()
    upper[0, 1:150] = rng.uniform(0.1, 1, 149)
    graph = sp.csr_matrix(upper + upper.T)
    keep = sp.diags((np.arange(N_CELLS) < N_CELLS - 1).astype(float))
    graph = sp.csr_matrix(keep @ graph @ keep)
    graph.eliminate_zeros()
    return graph


def test_heaviest_neighbours_are_kept(adjacency: sp.csr_matrix) -> None:
    operator = normalised_adjacency(adjacency).toarray()
    indices, weights = neighbour_table(adjacency)
    assert indices.shape == weights.shape == (N_CELLS, N_NEIGHBOURS)
    np.testing.assert_allclose(weights.sum(axis=1), 1, rtol=1e-5)
    for cell in (0, 3, 77, N_CELLS - 1):
        expected = np.sort(operator[cell][operator[cell] > 0])[::-1][:N_NEIGHBOURS]
        kept = weights[cell][weights[cell] > 0]
        np.testing.assert_allclose(np.sort(kept)[::-1], expected / expected.sum(), rtol=1e-5)
        own = indices[cell][weights[cell] > 0]
        np.testing.assert_allclose(operator[cell][own] / expected.sum(), kept, rtol=1e-5)


def test_views_are_propagated_and_diffused_components(adjacency: sp.csr_matrix) -> None:
    components = np.random.default_rng(1).normal(size=(N_CELLS, 6)).astype(np.float32)
    settings = ModelSettings()
    whole = normalised_adjacency(adjacency)
    thin = normalised_adjacency(drop_dissimilar_edges(adjacency, components, settings.edge_drop))
    views = graph_views(components, adjacency, settings)
    np.testing.assert_allclose(views.perturbed, thin @ (thin @ components), atol=1e-5)
    np.testing.assert_allclose(views.propagated, whole @ (whole @ components), atol=1e-5)
    expected = diffuse(whole, components, settings.diffusion_alpha)
    np.testing.assert_allclose(views.diffused, expected, atol=1e-5)
    off = graph_views(components, adjacency, ModelSettings(diffusion=False))
    np.testing.assert_array_equal(off.diffused, off.propagated)
    assert {view.dtype for view in vars(views).values()} == {np.dtype(np.float32)}
