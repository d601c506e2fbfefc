"""Mixing is 1 for batches at random, 0 for separate ones, whatever their sizes."""

import numpy as np
import pytest

from scsiameseclu.metrics import mixing_by_cluster

GENERATOR = np.random.default_rng(0)
SPACE = GENERATOR.normal(size=(1200, 4))
ONE = np.zeros(1200, dtype=int)


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_random_batches_are_fully_mixed(share: float) -> None:
    batches = np.where(GENERATOR.random(1200) < share, "a", "b")
    assert mixing_by_cluster(SPACE, batches, ONE).overall == pytest.approx(1, abs=0.06)


def test_separate_batches_are_not_mixed() -> None:
    batches = np.arange(1200) % 3
    mixing = mixing_by_cluster(SPACE + 100 * batches[:, None], batches, ONE)
    assert mixing.overall == 0
    assert mixing.clusters == {"0": 0}


def test_half_of_a_batch_apart() -> None:
    """300 cells see no others; of the rest, 600 see a third of others and 300 two thirds."""
    batches = np.arange(1200) % 2
    space = SPACE.copy()
    space[:600] += 100 * batches[:600, None]
    expected = (600 / 3 + 300 * 2 / 3) / (1200 / 2)
    assert mixing_by_cluster(space, batches, ONE).overall == pytest.approx(expected, abs=0.05)


def test_other_shares_of_types_are_no_batch_effect_within_clusters() -> None:
    """Two types far apart, of which the batches have 90 % and 10 %."""
    types = np.arange(1200) % 2
    batches = np.where(GENERATOR.random(1200) < np.where(types == 0, 0.9, 0.1), "a", "b")
    mixing = mixing_by_cluster(SPACE + 100 * types[:, None], batches, types)
    assert mixing.overall == pytest.approx(0.36, abs=0.06)  # 2 x 0.9 x 0.1 of 0.5
    assert mixing.clusters["0"] == pytest.approx(1, abs=0.1)
    assert mixing.clusters["1"] == pytest.approx(1, abs=0.1)


def test_a_single_batch_has_no_mixing() -> None:
    clusters = np.arange(1200) % 2
    assert mixing_by_cluster(SPACE, ONE, clusters).overall is None
    batches = np.where(np.arange(1200) < 8, 1, 0)  # too few cells of the other
    mixing = mixing_by_cluster(SPACE, batches, ONE)
    assert mixing.overall is not None
    assert mixing.clusters == {"0": None}
