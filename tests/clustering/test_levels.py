"""Coarser and finer levels are nested in the clusters."""

import numpy as np
import pytest

from scsiameseclu.clustering.levels import finer, renumbered, union_of_clusters


def counts(names: np.ndarray) -> dict[str, int]:
    return dict(zip(*np.unique(names.astype(str), return_counts=True), strict=True))


def test_unions_are_numbered_from_the_largest() -> None:
    unions = np.repeat([2, 7, 4, 9], [40, 30, 50, 25])
    np.testing.assert_array_equal(renumbered(unions), np.repeat([1, 2, 0, 3], [40, 30, 50, 25]))


def test_small_pieces_do_not_split_a_cluster() -> None:
    labels = np.repeat([0, 1], [200, 50])
    pieces = np.concatenate([np.repeat([0, 1, 2], [120, 76, 4]), np.repeat([3, 4], [45, 5])])
    assert counts(finer(labels, pieces)) == {"0.0": 124, "0.1": 76, "1": 50}


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([40, 10], {"0.0": 40, "0.1": 10}),  # ten cells are enough
        ([41, 9], {"0": 50}),
        ([380, 20], {"0.0": 380, "0.1": 20}),  # and so are 5 %
        ([381, 19], {"0": 400}),
        ([20, 30, 25], {"0.0": 30, "0.1": 25, "0.2": 20}),  # the largest is number 0
    ],
)
def test_parts_are_large_enough(sizes: list[int], expected: dict[str, int]) -> None:
    pieces = np.repeat(np.arange(len(sizes)), sizes)
    order = np.random.default_rng(0).permutation(pieces.size)
    assert counts(finer(np.zeros(pieces.size, dtype=int), pieces[order])) == expected


def test_names_follow_the_pieces() -> None:
    labels, pieces = np.repeat([0, 1], [60, 60]), np.tile([4, 7, 9], 40)
    names = finer(labels, pieces)
    for cluster in (0, 1):
        for piece in (4, 7, 9):
            assert len(set(names[(labels == cluster) & (pieces == piece)])) == 1
    assert counts(names) == {f"{c}.{p}": 20 for c in (0, 1) for p in range(3)}


def test_each_cluster_has_its_union() -> None:
    labels, coarse = np.array([0, 2, 2, 3, 0]), np.array([1, 0, 0, 1, 1])
    assert union_of_clusters(labels, coarse, 5) == [1, -1, 0, 1, -1]
