"""The start: partitions of the size asked for, uneven when the cells are, and evidence for k."""

import anndata as ad
import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.metrics import adjusted_rand_score

from scsiameseclu.clusters.assignment import order_by_size, write_clusters
from scsiameseclu.clusters.number import evidence_for_k, modularity
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


def test_evidence_points_at_the_groups(cells: tuple[ad.AnnData, np.ndarray]) -> None:
    adata, _ = cells
    hierarchies = grow_hierarchies(adata.obsm["X_pca"], seed=0)
    evidence = evidence_for_k(hierarchies, adata.obsp["connectivities"], 12)
    assert evidence.k.tolist() == list(range(2, 13))
    assert evidence.best == 4


def test_modularity_is_igraphs(cells: tuple[ad.AnnData, np.ndarray]) -> None:
    import igraph

    adata, truth = cells
    upper = sp.triu(adata.obsp["connectivities"], k=1).tocoo()
    graph = igraph.Graph(n=truth.size, edges=list(zip(upper.row, upper.col, strict=True)))
    expected = graph.modularity(truth.tolist(), weights=upper.data.tolist(), resolution=0.25)
    ours = modularity(truth, adata.obsp["connectivities"], 0.25)
    assert ours == pytest.approx(expected, abs=1e-6)


def test_clusters_are_written_in_order_of_size() -> None:
    probability = np.random.default_rng(0).dirichlet([1, 3, 2], size=200)
    probability = probability[:, order_by_size(probability)]
    adata = ad.AnnData(sp.csr_matrix((200, 1), dtype=np.float32))
    evidence = {"k": [2, 3], "score": [0.1, 0.2], "criterion": "made up"}
    write_clusters(
        adata, probability, {"n_clusters_given": True, "evidence": evidence, "params": {}}
    )
    assert (np.diff(adata.uns["siamese"]["sizes"]) <= 0).all()
    assert adata.obs["siamese"].value_counts().sum() == 200
