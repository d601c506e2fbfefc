"""Support of the voters for merging or splitting single clusters."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from scsiameseclu.clustering.alternatives import Alternatives, alternatives
from scsiameseclu.clustering.merges import Voters

TRUTH = np.repeat([0, 1, 2, 3], 30)
WEIGHTS = np.array([3.0, 2.0, 1.0])


def voters() -> Voters:
    """One joins groups 2 and 3, one splits group 0, one has the four groups."""
    joined = np.where(TRUTH == 3, 2, TRUTH)
    split = np.where(np.arange(120) < 15, 4, TRUTH)
    return Voters([joined, split, TRUTH], WEIGHTS)


def found(fine: np.ndarray, labels: np.ndarray = TRUTH, n_clusters: int = 4) -> Alternatives:
    return alternatives(labels, fine, n_clusters, voters())


def test_support_is_the_weight_of_the_voters_that_agree_better() -> None:
    fine = np.where(np.arange(120) < 15, "0.1", np.where(TRUTH == 0, "0.0", TRUTH.astype(str)))
    answer = found(fine)
    assert answer.merge_with.tolist() == [-1, -1, 3, 2]
    assert answer.merge_support == pytest.approx([0, 0, 0.5, 0.5])
    assert answer.split_support == pytest.approx([1 / 3, 0, 0, 0])


def test_a_split_that_no_voter_makes_has_no_support() -> None:
    odd = np.arange(120) % 2
    fine = np.array([f"{c}.{o}" if c == 1 else str(c) for c, o in zip(TRUTH, odd, strict=True)])
    assert found(fine).split_support.tolist() == [0, 0, 0, 0]


def test_both_clusters_of_a_union_name_each_other_however_small_the_others_are() -> None:
    """A union with a tiny cluster hardly changes the index; it is no better for that."""
    truth = np.repeat([0, 1, 2], [60, 57, 3])
    joined = np.where(truth == 1, 0, truth)
    voices = Voters([joined, truth, truth], np.array([1.0, 1.0, 1.0]))
    answer = alternatives(truth, truth.astype(str), 3, voices)
    assert answer.merge_with.tolist() == [1, 0, -1]
    assert answer.merge_support == pytest.approx([1 / 3, 1 / 3, 0])


def test_clusters_without_compared_cells_and_a_single_cluster_have_no_alternative() -> None:
    labels = np.where(TRUTH == 1, 5, TRUTH)
    answer = found(labels.astype(str), labels, 6)
    assert answer.merge_with.tolist()[1] == answer.merge_with.tolist()[4] == -1
    assert answer.merge_with[2] == 3
    one = np.zeros(120, dtype=int)
    alone = found(one.astype(str), one, 1)
    assert alone.merge_with.tolist() == [-1]
    assert alone.merge_support.tolist() == [0]


def test_indices_after_unions_are_those_of_the_united_clusters() -> None:
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 5, 120)
    one, other = np.triu_indices(5, 1)
    after = voters().after_unions(labels, one, other)
    partitions = [np.where(TRUTH == 3, 2, TRUTH), np.where(np.arange(120) < 15, 4, TRUTH), TRUTH]
    for row, (a, b) in enumerate(zip(one, other, strict=True)):
        united = np.where(labels == b, a, labels)
        expected = [adjusted_rand_score(united, partition) for partition in partitions]
        np.testing.assert_allclose(after[row], expected, atol=1e-12)
