"""Splitting an agreed clustering further."""

import numpy as np
from sklearn.metrics import adjusted_rand_score

from scsiameseclu.clustering.splits import MIN_CELLS, best_split


def all_splits(labels: np.ndarray, partitions: list[np.ndarray]) -> list[np.ndarray]:
    found = []
    for partition in partitions:
        for cluster in np.unique(labels):
            for piece in np.unique(partition):
                own = (labels == cluster) & (partition == piece)
                if min(own.sum(), (labels == cluster).sum() - own.sum()) >= MIN_CELLS:
                    found.append(np.where(own, labels.max() + 1, labels))
    return found


def test_no_other_split_agrees_better() -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        labels = np.sort(rng.integers(0, 4, 80))
        partitions = [rng.permutation(labels)[rng.integers(0, 80, 80)] for _ in range(2)]
        partitions += [np.where(rng.random(80) < 0.8, labels * 2 + (rng.random(80) < 0.3), 8)]
        split = best_split(labels, partitions)
        assert split is not None
        ours = split.apply(labels, partitions)
        np.testing.assert_array_equal(np.unique(ours), np.arange(5))
        assert set(labels[ours == 4]) == {split.cluster}

        def agreement(found: np.ndarray, others: list[np.ndarray] = partitions) -> float:
            return float(np.mean([adjusted_rand_score(other, found) for other in others]))

        best = max(agreement(found) for found in all_splits(labels, partitions))
        np.testing.assert_allclose(agreement(ours), best, atol=1e-12)


def test_nothing_to_split() -> None:
    labels = np.repeat([0, 1], 10)
    assert best_split(labels, [labels, 1 - labels]) is None
    assert best_split(np.arange(8) // 4, [np.arange(8) // 2]) is None  # parts of two cells


def test_three_cells_are_a_part() -> None:
    labels = np.zeros(6, dtype=int)
    split = best_split(labels, [np.array([1, 0, 0, 1, 0, 1])])
    assert split is not None
    found = split.apply(labels, [np.array([1, 0, 0, 1, 0, 1])])
    assert adjusted_rand_score(found, [1, 0, 0, 1, 0, 1]) == 1
