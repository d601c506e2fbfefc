"""Rank sums against those of scipy, cell by cell."""

import numpy as np
import pytest
from scipy import stats
from scipy.sparse import csr_matrix

from scsiameseclu.annotation.rank_sums import rank_sums

N_CELLS, N_GENES = 60, 9
SIZES = [25, 20, 15]


@pytest.fixture(scope="module")
def values() -> np.ndarray:
    """Ties, zeros, negative values, a constant gene and one that nobody expresses."""
    rng = np.random.default_rng(3)
    dense = rng.poisson(1.5, (N_CELLS, N_GENES)).astype(np.float32)
    dense[:, 3] = rng.normal(size=N_CELLS)  # no ties, both signs
    dense[:, 4] -= 2  # ties on both sides of zero
    dense[:, 5], dense[:, 6], dense[:, 7] = 2, 0, -1
    return dense


@pytest.fixture(scope="module")
def groups() -> np.ndarray:
    return np.random.default_rng(4).permutation(np.repeat([0, 1, 2], SIZES))


def test_sums_are_those_of_mid_ranks(values: np.ndarray, groups: np.ndarray) -> None:
    found = rank_sums(csr_matrix(values), groups, 3)
    ranks = stats.rankdata(values, axis=0)
    expected = [ranks[groups == group].sum(axis=0) for group in range(3)]
    np.testing.assert_array_equal(found.total, expected)
    np.testing.assert_array_equal(found.sizes, SIZES)


def test_ties_are_those_of_scipy(values: np.ndarray, groups: np.ndarray) -> None:
    found = rank_sums(csr_matrix(values), groups, 3)
    expected = [stats.tiecorrect(stats.rankdata(gene)) for gene in values.T]
    np.testing.assert_allclose(found.tie_correction, expected)


def test_scores_are_those_of_the_mann_whitney_test(values: np.ndarray, groups: np.ndarray) -> None:
    found = rank_sums(csr_matrix(values), groups, 3)
    for gene in range(5):
        for group in range(3):
            inside = groups == group
            theirs = stats.mannwhitneyu(
                values[inside, gene],
                values[~inside, gene],
                method="asymptotic",
                use_continuity=False,
                alternative="greater",
            )
            assert stats.norm.sf(found.z[group, gene]) == pytest.approx(theirs.pvalue, rel=1e-9)
            area = theirs.statistic / inside.sum() / (~inside).sum()
            assert found.auc[group, gene] == pytest.approx(area)
    for constant in (5, 6, 7):
        assert (found.z[:, constant] == 0).all()
        assert (found.auc[:, constant] == 0.5).all()


def test_stored_zeros_are_zeros(values: np.ndarray, groups: np.ndarray) -> None:
    stored = csr_matrix(np.ones_like(values))
    stored.data = values.ravel().copy()
    theirs, ours = (rank_sums(x, groups, 3) for x in (csr_matrix(values), stored))
    np.testing.assert_array_equal(ours.total, theirs.total)
    np.testing.assert_array_equal(ours.ties, theirs.ties)


def test_an_empty_group_has_no_ranks(values: np.ndarray, groups: np.ndarray) -> None:
    found = rank_sums(csr_matrix(values), groups, 4)
    assert found.sizes[3] == 0
    assert (found.total[3] == 0).all()
