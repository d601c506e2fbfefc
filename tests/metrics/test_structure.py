"""Silhouette and graph purity without labels."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.metrics import silhouette_score
from sklearn.neighbors import kneighbors_graph

from scsiameseclu.metrics import graph_purity, silhouette


def blobs(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    codes = rng.integers(0, 3, n)
    return rng.normal(size=(n, 4)) + 6 * np.eye(4)[codes], codes


def test_silhouette_is_that_of_scikit_learn() -> None:
    x, codes = blobs(300)
    assert silhouette(x, codes, seed=0) == pytest.approx(silhouette_score(x, codes))
    two = np.minimum(codes, 1)
    assert silhouette(x, two, seed=0) == pytest.approx(silhouette_score(x, two))


def test_large_samples_are_estimated_with_a_seed() -> None:
    x, codes = blobs(6000)
    first = silhouette(x, codes, seed=0)
    assert first == silhouette(x, codes, seed=0)
    assert first != silhouette(x, codes, seed=1)
    assert first == pytest.approx(silhouette_score(x, codes), abs=0.01)


@pytest.mark.parametrize("codes", [np.zeros(10), np.arange(10)])
def test_silhouette_is_undefined(codes: np.ndarray) -> None:
    assert silhouette(np.random.default_rng(0).normal(size=(10, 2)), codes, seed=0) is None


def test_purity_by_hand() -> None:
    graph = csr_matrix(
        np.array([[9, 0.1, 0.9, 0], [1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]], dtype=float)
    )
    # Cell 0 has one of two neighbours in its cluster, 1 its only one, 2 none; 3 has no neighbour.
    assert graph_purity(graph, np.array(["a", "a", "b", "b"])) == pytest.approx((0.5 + 1 + 0) / 3)
    assert graph_purity(csr_matrix((4, 4)), np.array(["a", "a", "b", "b"])) is None


def test_purity_is_one_for_one_cluster_and_falls_with_noise() -> None:
    x, codes = blobs(400)
    graph = kneighbors_graph(x, 10)
    rng = np.random.default_rng(0)
    assert graph_purity(graph, np.zeros(400)) == 1
    noisy = np.where(rng.random(400) < 0.3, rng.integers(0, 3, 400), codes)
    shuffled = rng.permutation(codes)
    scores = [graph_purity(graph, found) for found in (codes, noisy, shuffled)]
    assert scores[0] > scores[1] > scores[2]
    order = rng.permutation(400)
    assert graph_purity(graph[order][:, order], noisy[order]) == pytest.approx(scores[1])


def test_cells_of_one_neighbour_count_as_much_as_others() -> None:
    graph = csr_matrix(np.array([[0, 1, 1], [1, 0, 0], [1, 0, 0]], dtype=float))
    assert graph_purity(graph, np.array(["a", "a", "b"])) == pytest.approx((0.5 + 1 + 0) / 3)
    assert graph_purity(graph, np.array(["a", "b", "b"])) == 0
    assert graph_purity(graph, np.array(["a", "a", "a"])) == 1
    lonely = csr_matrix(np.array([[0, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]]))
    assert graph_purity(lonely, np.array(["a", "a", "a", "b"])) == pytest.approx((1 + 1 + 0) / 3)
