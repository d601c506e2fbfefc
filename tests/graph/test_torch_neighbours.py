"""Neighbours by torch are those of scikit-learn, whatever the blocks."""

import anndata as ad
import numpy as np
import pytest
import scanpy as sc
from sklearn.neighbors import NearestNeighbors

from scsiameseclu.graph import torch_neighbours as neighbours
from scsiameseclu.graph.torch_neighbours import TorchNeighbours


@pytest.fixture
def points() -> np.ndarray:
    """Far from the origin, two of them in the same place."""
    drawn = np.random.default_rng(0).normal(size=(300, 8)).astype(np.float32)
    drawn[17] = drawn[211]
    return drawn + 30


@pytest.mark.parametrize("metric", ["euclidean", "cosine"])
@pytest.mark.parametrize(("rows", "columns"), [(4096, 65536), (64, 7), (7, 100)])
def test_distances_are_those_of_sklearn(
    points: np.ndarray, metric: str, rows: int, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "BLOCK_ROWS", rows)
    monkeypatch.setattr(neighbours, "BLOCK_COLUMNS", columns)
    points = points - 30 if metric == "cosine" else points
    found = TorchNeighbours(11, metric, device="cpu").fit_transform(points)
    search = NearestNeighbors(n_neighbors=11, metric=metric).fit(points.astype(np.float64))
    expected, _ = search.kneighbors(points.astype(np.float64))
    np.testing.assert_allclose(found.data.reshape(300, 10), expected[:, 1:], atol=2e-4)
    assert (found.diagonal() == 0).all()
    assert (np.diff(found.indptr) == 10).all()
    assert found[17, 211] == 0
    assert 211 in found[17].indices


def test_scanpy_takes_it_as_its_own_search(points: np.ndarray) -> None:
    one, other = ad.AnnData(obsm={"X_pca": points}), ad.AnnData(obsm={"X_pca": points})
    sc.pp.neighbors(one, use_rep="X_pca", n_neighbors=15, transformer="sklearn")
    search = TorchNeighbours(15, device="cpu")
    sc.pp.neighbors(other, use_rep="X_pca", n_neighbors=15, transformer=search)
    assert one.obsp["distances"].nnz == other.obsp["distances"].nnz
    difference = one.obsp["connectivities"] - other.obsp["connectivities"]
    assert abs(difference).max() < 1e-3


@pytest.mark.gpu
def test_on_a_gpu(points: np.ndarray) -> None:
    import torch

    if not torch.cuda.is_available():
        pytest.skip("there is no GPU")
    on_gpu = TorchNeighbours(11).fit_transform(points)
    on_cpu = TorchNeighbours(11, device="cpu").fit_transform(points)
    np.testing.assert_allclose(on_gpu.data, on_cpu.data, atol=1e-3)
