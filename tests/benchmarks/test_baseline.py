"""The baseline: partitions of the size asked for, uneven when the cells are."""

import anndata as ad
import numpy as np
import pytest
import scipy.sparse as sp
from baseline import grow_hierarchies, initial_partition, vote
from sklearn.metrics import adjusted_rand_score

from scsiameseclu.graph.neighbours import build_graph
from scsiameseclu.settings import GraphSettings

SIZES = [600, 150, 120, 20]


@pytest.fixture(scope="module")
def cells() -> tuple[ad.AnnData, np.ndarray]:
    """Four groups, one dominant and one rare, in 30 dimensions."""
    rng = np.random.default_rng(2)
    truth = np.repeat(np.arange(4), SIZES)
    points = rng.normal(size=(4, 30))[truth] * 5 + rng.normal(size=(truth.size, 30))
    adata = ad.AnnData(sp.csr_matrix((truth.size, 2), dtype=np.float32))
    adata.obsm["X_pca"] = (points - points.mean(axis=0)).astype(np.float32)
    build_graph(adata, GraphSettings(), seed=0)
    return adata, truth


def test_uneven_groups_are_found(cells: tuple[ad.AnnData, np.ndarray]) -> None:
    adata, truth = cells
    hierarchies = grow_hierarchies(adata.obsm["X_pca"], seed=0)
    graph = adata.obsp["connectivities"]
    labels = initial_partition(hierarchies, adata.obsm["X_pca"], graph, 4, seed=0)
    assert adjusted_rand_score(truth, labels) > 0.98


@pytest.mark.parametrize("n_clusters", [2, 3, 7, 15, 400])
def test_exactly_as_many_as_asked_for(
    cells: tuple[ad.AnnData, np.ndarray], n_clusters: int
) -> None:
    adata, _ = cells
    hierarchies = grow_hierarchies(adata.obsm["X_pca"], seed=1)
    graph = adata.obsp["connectivities"]
    labels = initial_partition(hierarchies, adata.obsm["X_pca"], graph, n_clusters, seed=1)
    assert set(labels) == set(range(n_clusters))


@pytest.fixture(scope="module")
def groups() -> ad.AnnData:
    rng = np.random.default_rng(0)
    centres = np.repeat(np.eye(4) * 8, 30, axis=0)
    adata = ad.AnnData(sp.csr_matrix((120, 3), dtype=np.float32))
    adata.obsm["X_pca"] = (centres + rng.normal(size=centres.shape)).astype(np.float32)
    build_graph(adata, GraphSettings(n_neighbors=8), seed=0)
    return adata


def test_vote_mends_strays_and_keeps_every_label(groups: ad.AnnData) -> None:
    truth = np.repeat(np.arange(4), 30)
    noisy = truth.copy()
    noisy[::15] = (noisy[::15] + 1) % 4
    assert (vote(noisy, groups.obsp["connectivities"], 3) == truth).mean() > 0.98
    lonely = truth.copy()
    lonely[5] = 4
    assert set(vote(lonely, groups.obsp["connectivities"], 3)) == set(range(5))
