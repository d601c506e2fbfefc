"""The start: partitions of the size asked for, uneven when the cells are."""

import anndata as ad
import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.metrics import adjusted_rand_score

from scsiameseclu.clusters.start import grow_hierarchies, initial_partition
from scsiameseclu.graph import build_graph
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
