"""Merging clusters of one clustering while other clusterings agree more."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from scsiameseclu.clustering.merges import Candidate, Voters

SIZES = [60, 40, 30, 20, 10]
WEIGHTS = np.array([1.0, 2.0, 3.0, 0.5])


@pytest.fixture(scope="module")
def voters() -> list[np.ndarray]:
    """Five groups, of which each voter has some cells wrong."""
    generator = np.random.default_rng(0)
    truth = np.repeat(np.arange(5), SIZES)
    found = []
    for share in (0.05, 0.1, 0.2, 0.3):
        labels = truth.copy()
        moved = generator.random(truth.size) < share
        labels[moved] = generator.integers(0, 5, moved.sum())
        found.append(labels)
    return found


def finer(seed: int = 1) -> np.ndarray:
    """The five groups, each cut into three at random."""
    truth = np.repeat(np.arange(5), SIZES)
    pieces = np.random.default_rng(seed).integers(0, 3, truth.size)
    return np.unique(truth * 3 + pieces, return_inverse=True)[1]


def test_what_is_expected_is_the_weighted_mean_agreement(voters: list[np.ndarray]) -> None:
    partition = finer()
    found = Voters(voters, WEIGHTS).merged([partition], [15])
    assert [candidate.sizes.size for candidate in found] == list(range(15, 1, -1))
    for candidate in found:
        labels = candidate.labels(partition)
        indices = [adjusted_rand_score(labels, voter) for voter in voters]
        assert candidate.expected == pytest.approx(np.average(indices, weights=WEIGHTS))
        np.testing.assert_array_equal(candidate.sizes, np.bincount(labels))


def test_each_merge_is_the_best_of_all_pairs(voters: list[np.ndarray]) -> None:
    partition = finer()
    before, after, *_ = Voters(voters, WEIGHTS).merged([partition], [15])
    labels = before.labels(partition)
    best = max(
        np.average(
            [adjusted_rand_score(np.where(labels == b, a, labels), v) for v in voters],
            weights=WEIGHTS,
        )
        for a in range(15)
        for b in range(a)
    )
    assert after.expected == pytest.approx(best)


def test_groups_that_were_cut_are_joined_again(voters: list[np.ndarray]) -> None:
    found = Voters(voters, WEIGHTS).merged([finer()], [15])
    best = max(found, key=lambda candidate: candidate.expected)
    assert adjusted_rand_score(best.labels(finer()), np.repeat(np.arange(5), SIZES)) == 1


def test_members_keep_their_numbers_and_names_do_not_matter(voters: list[np.ndarray]) -> None:
    other = finer(2)
    renamed = np.random.default_rng(0).permutation(15)[other]
    found = Voters(voters, WEIGHTS).merged([finer(), other, renamed], [15, 15, 15])
    assert [candidate.member for candidate in found] == [0] * 14 + [1] * 14 + [2] * 14
    for one, two in zip(found[14:28], found[28:], strict=True):
        assert one.expected == pytest.approx(two.expected)
        assert adjusted_rand_score(one.labels(other), two.labels(renamed)) == 1


def test_clusters_without_compared_cells_stay_apart() -> None:
    candidate = Candidate(0, np.array([0, -1, 0, 1, -1]), np.array([7, 3]), 0.5)
    labels = candidate.labels(np.array([0, 1, 2, 3, 4, 1]))
    assert labels.tolist() == [0, 6, 0, 1, 9, 6]


def test_clusters_that_no_voter_tells_apart_are_joined_first() -> None:
    thirds = np.repeat([0, 1, 2], 10)
    found = Voters([np.repeat([0, 1, 1], 10), np.repeat([0, 2, 2], 10)], np.ones(2))
    assert found.merged([thirds], [3])[1].groups.tolist() == [0, 1, 1]
