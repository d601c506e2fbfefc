"""Corrected counts: within bounds, exact in expectation, and without foreign genes."""

import numpy as np
import pytest
from soups import Soup, soup

from scsiameseclu.preprocess.ambient import Ambient, correct_counts, estimate_ambient


@pytest.fixture(scope="module")
def mixed() -> Soup:
    return soup(0.2)


@pytest.fixture(scope="module")
def ambient(mixed: Soup) -> Ambient:
    return estimate_ambient(mixed.counts, mixed.types)


def test_counts_are_integers_between_zero_and_the_raw_ones(mixed: Soup, ambient: Ambient) -> None:
    corrected = correct_counts(mixed.counts, ambient, seed=0)
    assert (corrected.data > 0).all()
    assert (corrected.data == np.round(corrected.data)).all()
    assert (corrected > mixed.counts).nnz == 0
    assert corrected.dtype == np.float32


def test_the_estimated_share_of_a_cell_is_removed(mixed: Soup, ambient: Ambient) -> None:
    corrected = correct_counts(mixed.counts, ambient, seed=0)
    removed = 1 - corrected.sum(axis=1).A1 / mixed.counts.sum(axis=1).A1
    assert removed == pytest.approx(ambient.contamination, abs=0.04)  # of 3,000 counts
    assert removed.mean() == pytest.approx(ambient.contamination.mean(), abs=0.003)


def test_rounding_is_exact_in_expectation(mixed: Soup, ambient: Ambient) -> None:
    """The mean over seeds has no bias, which rounding to the nearest integer would have."""
    one, other = (correct_counts(mixed.counts, ambient, seed=seed) for seed in (0, 1))
    assert (one != other).nnz > 0
    assert one.sum() == pytest.approx(other.sum(), rel=1e-3)
    assert (correct_counts(mixed.counts, ambient, seed=0) != one).nnz == 0
    single = mixed.counts.data == 1
    kept = [np.asarray(c[mixed.counts.nonzero()]).ravel()[single].mean() for c in (one, other)]
    assert 0.05 < 1 - np.mean(kept) < 0.5


def test_what_is_removed_is_foreign(mixed: Soup, ambient: Ambient) -> None:
    corrected = correct_counts(mixed.counts, ambient, seed=0)
    foreign = mixed.foreign[mixed.types]
    before, after = (c.multiply(foreign).sum() for c in (mixed.counts, corrected))
    assert after < 0.15 * before
    own = mixed.native.multiply(~foreign)
    assert corrected.multiply(~foreign).minimum(own).sum() > 0.9 * own.sum()
