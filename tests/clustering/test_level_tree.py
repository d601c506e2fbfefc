"""The tree of clusters: nested levels, one for every number of clusters, and their stability."""

import numpy as np
import pytest

from scsiameseclu.clustering.merges import Voters
from scsiameseclu.clustering.nodes import leaf_order, node_name, splits
from scsiameseclu.clustering.tree import LevelTree, level_tree

FINE = np.repeat(["0.0", "0.1", "1", "2"], [30, 20, 30, 20])
LABELS = np.repeat([0, 1, 2], [50, 30, 20])


@pytest.fixture(scope="module")
def tree() -> LevelTree:
    """Voters who agree on three clusters, and rather join 1 and 2 than 0 and another."""
    coarse = np.minimum(LABELS, 1)
    by_part = np.unique(FINE, return_inverse=True)[1]
    partitions = [LABELS, LABELS, coarse, by_part]
    return level_tree(LABELS, FINE, np.arange(100), Voters(partitions, np.ones(4)), partitions)


def test_levels_are_nested_and_go_from_two_clusters_to_the_parts(tree: LevelTree) -> None:
    assert tree.numbers.tolist() == [2, 3, 4]
    for above, below in zip(tree.groups, tree.groups[1:], strict=False):
        pairs = set(zip(above, below, strict=True))
        assert len(pairs) == below.max() + 1
    default = tree.groups[1][tree.leaves]
    assert len(set(zip(default, LABELS, strict=True))) == 3
    coarse = tree.groups[0][tree.leaves]
    assert len(set(coarse[LABELS > 0])) == 1


def test_what_voters_agree_on_is_stable(tree: LevelTree) -> None:
    assert tree.agreement.argmax() == 1
    assert ((tree.stability >= 0) & (tree.stability <= 1)).all()
    # leaves: two parts of cluster 0, cluster 1, cluster 2; judged by the other voters of near sizes
    assert tree.stability[1] == pytest.approx([0.6, 0.6, 1.0, 1.0])
    assert tree.stability[2] == pytest.approx([0.6, 0.4, 1.0, 1.0])


def test_splits_by_name(tree: LevelTree) -> None:
    clusters, names = ["0", "0", "1", "2"], ["0.0", "0.1", "1", "2"]
    found = []
    for split in splits(tree.groups):
        children = [node_name(child, clusters, names) for child in split.children]
        found.append((node_name(split.parent, clusters, names), children))
    assert found == [("1+2", ["1", "2"]), ("0", ["0.0", "0.1"])]


def test_a_union_with_a_part_is_named_by_parts() -> None:
    clusters, names = ["0", "0", "1"], ["0.0", "0.1", "1"]
    assert node_name(np.array([False, True, True]), clusters, names) == "0.1+1"
    assert node_name(np.array([True, True, True]), clusters, names) == "0+1"


def test_leaves_of_a_node_are_neighbours() -> None:
    groups = np.array([[0, 1, 0, 1], [0, 1, 2, 1], [0, 1, 2, 3]])
    order = leaf_order(groups)
    for level in groups:
        changes = (np.diff(level[order]) != 0).sum()
        assert changes == level.max()


def test_merges_within_parents_end_at_the_parents() -> None:
    by_part = np.unique(FINE, return_inverse=True)[1]
    voters = Voters([LABELS, by_part], np.ones(2))
    parents = np.array([0, 0, 1, 2])
    *_, last = voters.merged([by_part], [4], parents=[parents])
    joined = last.labels(by_part)
    assert len(set(zip(joined, LABELS, strict=True))) == 3 == len(set(joined))
