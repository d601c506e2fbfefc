"""Operators on the kNN graph: what they preserve, and what they equal on small dense cases."""

import anndata as ad
import numpy as np
import pytest
import scipy.sparse as sp

from scsiameseclu.module.graph_views import diffuse, drop_dissimilar_edges, normalised_adjacency
from scsiameseclu.preprocess.neighbours import build_graph
from scsiameseclu.settings import GraphSettings


@pytest.fixture(scope="module")
def cells() -> ad.AnnData:
    rng = np.random.default_rng(0)
    centres = np.repeat(np.eye(4) * 8, 30, axis=0)
    adata = ad.AnnData(sp.csr_matrix((120, 3), dtype=np.float32))
    adata.obsm["X_pca"] = (centres + rng.normal(size=centres.shape)).astype(np.float32)
    build_graph(adata, GraphSettings(n_neighbors=8), seed=0)
    return adata


def test_normalised_adjacency_is_symmetric_with_unit_radius(cells: ad.AnnData) -> None:
    operator = normalised_adjacency(cells.obsp["connectivities"])
    dense = operator.toarray()
    np.testing.assert_allclose(dense, dense.T, atol=1e-6)
    assert np.linalg.eigvalsh(dense).max() == pytest.approx(1, abs=1e-4)


def test_diffusion_is_personalised_pagerank(cells: ad.AnnData) -> None:
    operator = normalised_adjacency(cells.obsp["connectivities"])
    features = cells.obsm["X_pca"]
    exact = 0.3 * np.linalg.solve(np.eye(120) - 0.7 * operator.toarray(), features)
    np.testing.assert_allclose(diffuse(operator, features, 0.3, n_steps=60), exact, atol=1e-3)
    near = np.abs(diffuse(operator, features, 0.3) - exact).max()
    assert near <= 0.7**10 * np.abs(features).max() * 2


def test_dropped_edges_are_the_least_alike(cells: ad.AnnData) -> None:
    graph, features = cells.obsp["connectivities"], cells.obsm["X_pca"]
    thinned = drop_dissimilar_edges(graph, features, 0.1)
    assert thinned.nnz == graph.nnz - 2 * int(0.1 * (graph.nnz // 2))
    assert (thinned != thinned.T).nnz == 0
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    likeness = unit @ unit.T
    gone = (graph - thinned).astype(bool)
    assert likeness[gone.nonzero()].max() <= likeness[thinned.nonzero()].min() + 1e-6
    assert drop_dissimilar_edges(graph, features, 0.0).nnz == graph.nnz
