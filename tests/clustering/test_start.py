"""Micro-clusters and their linkage against scipy on brute-force distances."""

import numpy as np
import pytest
from directions import around, five_groups, unit
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import cdist, squareform
from sklearn.metrics import adjusted_rand_score

from scsiameseclu.clustering.start import (
    by_kmeans,
    component_blocks,
    cosine_distances_of_means,
    grow_hierarchy,
    renumbered,
)


def means(features: np.ndarray, micro: np.ndarray) -> np.ndarray:
    return np.array([features[micro == m].mean(axis=0) for m in np.unique(micro)])


def test_distances_are_cosine_distances_of_means() -> None:
    rng = np.random.default_rng(0)
    features, micro = rng.normal(size=(90, 7)), rng.permutation(np.arange(90) % 11)
    mean = means(features, micro)
    found = cosine_distances_of_means(features, micro)
    np.testing.assert_allclose(found, cdist(mean, mean, "cosine"), atol=1e-12)


def test_distances_stay_between_0_and_2_for_zero_and_opposite_means() -> None:
    features = np.array([[0.1, 0.3], [-0.1, -0.3], [0.0, 0.0]])
    found = cosine_distances_of_means(features, np.arange(3))
    assert found.min() >= 0
    assert found.max() <= 2
    assert found[0, 1] == pytest.approx(2)
    assert found[0, 2] == 1


def test_tree_is_average_linkage_over_the_mean_distance_of_blocks() -> None:
    space, _ = five_groups(0)
    blocks = [block.numpy() for block in space.blocks]
    grown = grow_hierarchy(blocks, space.features.numpy(), seed=3)
    found = [means(block, grown.micro) for block in blocks]
    distances = np.mean([cdist(mean, mean, "cosine") for mean in found], axis=0)
    tree = linkage(squareform(distances, checks=False), method="average")
    np.testing.assert_allclose(grown.tree[:, 2], tree[:, 2], atol=1e-5)
    for n_clusters in (2, 5, 9):
        expected = fcluster(tree, n_clusters, criterion="maxclust")[grown.micro]
        assert adjusted_rand_score(grown.cut(n_clusters), expected) == 1


@pytest.mark.parametrize(("n_cells", "n_micro"), [(3, 2), (11, 2), (40, 10), (900, 200)])
def test_one_micro_cluster_for_every_four_cells_between_2_and_200(
    n_cells: int, n_micro: int
) -> None:
    features = np.random.default_rng(0).normal(size=(n_cells, 4))
    grown = grow_hierarchy([features], features, seed=0)
    assert grown.micro.size == n_cells
    assert np.unique(grown.micro).size <= n_micro
    assert np.unique(grown.micro).size >= 0.9 * n_micro
    assert grown.tree.shape[0] == grown.micro.max()


def test_a_cut_has_as_many_clusters_as_asked_for_while_micro_clusters_last() -> None:
    features = np.random.default_rng(1).normal(size=(80, 5))
    grown = grow_hierarchy([features], features, seed=0)
    n_micro = int(grown.micro.max()) + 1
    for n_clusters in (2, 7, n_micro, n_micro + 10):
        labels = grown.cut(n_clusters)
        np.testing.assert_array_equal(np.unique(labels), np.arange(min(n_clusters, n_micro)))
        for micro in range(n_micro):
            assert np.unique(labels[grown.micro == micro]).size == 1


def test_groups_of_very_different_size_are_recovered() -> None:
    space, truth = five_groups(1)
    grown = grow_hierarchy([b.numpy() for b in space.blocks], space.features.numpy(), seed=0)
    assert adjusted_rand_score(truth, grown.cut(5)) > 0.95


def test_components_are_seen_twice() -> None:
    components = np.arange(120.0).reshape(2, 60)
    few, many = component_blocks(components)
    np.testing.assert_array_equal(few, components[:, :20])
    np.testing.assert_array_equal(many, components[:, :50])


def test_kmeans_clusters_are_numbered_without_gaps() -> None:
    truth = np.repeat(np.arange(6), 30)
    cells = around(np.eye(6), truth, 0.05, 0)
    labels = by_kmeans(cells, 6, seed=0)
    assert adjusted_rand_score(truth, labels) == 1
    np.testing.assert_array_equal(np.unique(labels), np.arange(6))
    np.testing.assert_array_equal(renumbered(np.array([9, 4, 9, 7])), [2, 0, 2, 1])
    assert unit(cells).shape == cells.shape
