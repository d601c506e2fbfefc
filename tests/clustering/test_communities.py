"""Communities of cells whose groups are known."""

import numpy as np
from directions import around
from sklearn.metrics import adjusted_rand_score

from scsiameseclu.clustering.communities import RESOLUTIONS, communities


def test_groups_are_found_at_every_resolution() -> None:
    truth = np.repeat(np.arange(4), [80, 60, 40, 20])
    found = communities(around(np.eye(6)[:4], truth, 0.03, 0), seed=0)
    assert len(found) == len(RESOLUTIONS)
    assert all(adjusted_rand_score(labels, truth) == 1 for labels in found)


def test_higher_resolutions_are_finer_and_a_seed_repeats_them() -> None:
    cells = np.random.default_rng(0).normal(size=(400, 5)).astype(np.float32)
    found = communities(cells, seed=1)
    numbers = [labels.max() + 1 for labels in found]
    assert numbers[-1] > numbers[0]
    for one, again in zip(found, communities(cells, seed=1), strict=True):
        np.testing.assert_array_equal(one, again)


def test_fewer_cells_than_neighbours() -> None:
    found = communities(np.random.default_rng(0).normal(size=(6, 3)), seed=0)
    assert all(labels.shape == (6,) for labels in found)
