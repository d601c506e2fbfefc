"""The ambient profile: Good-Turing proportions and the concentration of droplets."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from scsiameseclu.droplets.ambient import MAX_ALPHA, estimate, good_turing


@pytest.mark.parametrize("seed", range(3))
def test_proportions_sum_to_one_and_unseen_genes_have_the_mass_of_singletons(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.lognormal(0, 2, 2000)
    counts = rng.multinomial(5000, weights / weights.sum())
    found = good_turing(counts)
    assert found.sum() == pytest.approx(1)
    assert (found > 0).all()
    assert found[counts == 0].sum() == pytest.approx((counts == 1).sum() / counts.sum())
    assert np.ptp(found[counts == 0]) == 0
    order = np.argsort(counts)
    assert (np.diff(found[order]) >= -1e-12).all()  # more counts, higher proportion


def test_proportions_of_seen_genes_are_closer_to_the_truth_than_frequencies() -> None:
    rng = np.random.default_rng(0)
    weights = rng.lognormal(0, 2, 5000)
    truth = weights / weights.sum()
    counts = rng.multinomial(4000, truth)
    once = counts == 1
    frequency = once.sum() / counts.sum()
    real, found = truth[once].sum(), good_turing(counts)[once].sum()
    assert abs(found - real) < 0.5 * abs(frequency - real)


@pytest.mark.parametrize(
    "counts", [[5, 0, 0], [1, 1, 1], [1, 1, 0], [7, 7, 7], [1, 2, 3, 0], [10, 20, 0]]
)
def test_proportions_of_odd_counts_are_positive(counts: list[int]) -> None:
    found = good_turing(np.array(counts))
    assert found.sum() == pytest.approx(1)
    assert (found > 0).all()


@pytest.mark.parametrize("alpha", [30.0, 300.0])
def test_the_concentration_of_droplets_is_recovered(alpha: float) -> None:
    rng = np.random.default_rng(0)
    proportions = rng.dirichlet(np.ones(100))
    shares = rng.dirichlet(alpha * proportions, 3000)
    counts = csr_matrix(np.stack([rng.multinomial(60, share) for share in shares]))
    assert estimate(counts).alpha == pytest.approx(alpha, rel=0.1)


def test_multinomial_droplets_have_a_high_concentration() -> None:
    rng = np.random.default_rng(0)
    counts = csr_matrix(rng.multinomial(60, np.full(100, 0.01), size=3000))
    assert 10_000 < estimate(counts).alpha <= MAX_ALPHA
