"""The kNN graph of many cells."""

import anndata as ad
import numpy as np
import pytest
import scipy.sparse as sp

from scsiameseclu.graph import neighbours
from scsiameseclu.graph.neighbours import build_graph, find_neighbours, without_self
from scsiameseclu.settings import GraphSettings


def test_neighbours_above_eight_thousand_cells() -> None:
    rng = np.random.default_rng(1)
    adata = ad.AnnData(sp.csr_matrix((10_000, 2), dtype=np.float32))
    adata.obsm["X_pca"] = rng.normal(size=(10_000, 5)).astype(np.float32)
    build_graph(adata, GraphSettings(), seed=0)
    assert adata.obsp["connectivities"].shape == (10_000, 10_000)
    assert adata.obsp["connectivities"].nnz < 10_000 * 60


def test_cells_are_not_their_own_neighbours() -> None:
    """Row 1 misses the cell itself, so it loses its farthest neighbour."""
    indices = np.array([[0, 3, 2], [3, 0, 2], [1, 2, 3], [2, 1, 3]])
    values = np.array([[0, 2, 5], [1, 9, 3], [2, 0, 7], [4, 6, 0]], dtype=np.float32)
    given = sp.csr_matrix((values.ravel(), indices.ravel(), np.arange(0, 13, 3)), (4, 4))
    found = without_self(given)
    assert found.indices.reshape(4, 2).tolist() == [[3, 2], [3, 2], [1, 3], [2, 1]]
    assert found.data.reshape(4, 2).tolist() == [[2, 5], [1, 3], [2, 7], [4, 6]]
    assert without_self(found) is found


@pytest.mark.parametrize("n_neighbors", [2, 5, 15])
@pytest.mark.parametrize("n_alike", [1, 2, 30])
def test_cells_at_one_place_leave_the_neighbours_of_others(n_neighbors: int, n_alike: int) -> None:
    points = np.random.default_rng(0).normal(size=(100, 5)).astype(np.float32)
    points[:n_alike] = points[0]
    adata = ad.AnnData(obsm={"x": points})
    find_neighbours(adata, "x", n_neighbors, "euclidean", seed=0)
    found = adata.obsp["distances"].indices.reshape(100, n_neighbors - 1)
    assert (found != np.arange(100)[:, None]).all()
    apart = ((points[:, None].astype(float) - points) ** 2).sum(axis=2)
    np.fill_diagonal(apart, np.inf)
    nearest = np.sort(apart, axis=1)[:, : n_neighbors - 1]
    np.testing.assert_allclose(
        np.sort(np.take_along_axis(apart, found, axis=1), axis=1), nearest, atol=1e-5
    )


@pytest.mark.slow
def test_descent_finds_almost_all_neighbours(monkeypatch: pytest.MonkeyPatch) -> None:
    points = np.random.default_rng(0).normal(size=(600, 5)).astype(np.float32)
    exact, descent = (ad.AnnData(obsm={"x": points}) for _ in range(2))
    find_neighbours(exact, "x", 15, "euclidean", seed=0)
    monkeypatch.setattr(neighbours, "MAX_EXACT_CELLS", 100)
    find_neighbours(descent, "x", 15, "euclidean", seed=0)
    theirs, ours = (adata.obsp["distances"] for adata in (exact, descent))
    assert ours.nnz == theirs.nnz == 600 * 14
    assert ours.diagonal().max() == 0
    assert ours.multiply(theirs > 0).nnz > 0.95 * theirs.nnz
