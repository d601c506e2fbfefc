"""A partition by prior knowledge as a voter beside the members."""

import numpy as np
import pytest
from ensembles import CANDIDATES
from sklearn.metrics import adjusted_rand_score

from scsiameseclu.clustering.ensemble import (
    COMMUNITY_WEIGHT,
    PRIOR_WEIGHT,
    Ensemble,
    NetworkSpace,
)
from scsiameseclu.clustering.members import Proportions


def ensemble(
    spaces: list[NetworkSpace], prior: np.ndarray | None, *, is_open: bool = False
) -> Ensemble:
    return Ensemble(spaces, CANDIDATES, Proportions.LEARNED, 0.05, 0, is_open=is_open, prior=prior)


def level(nested: list[NetworkSpace], n_clusters: int) -> np.ndarray:
    """One of the nested levels that the members of the ensemble find."""
    found = ensemble(nested, None)
    labels = found.all_labels(found.best(lambda n: n == n_clusters))
    assert np.unique(labels).size == n_clusters
    return labels


@pytest.mark.parametrize("is_open", [False, True])
@pytest.mark.parametrize("n_clusters", [4, 8])
def test_expected_agreement_is_the_weighted_mean_over_families(
    nested: list[NetworkSpace], is_open: bool, n_clusters: int
) -> None:
    prior = np.array([f"type {number}" for number in level(nested, n_clusters)])
    found = ensemble(nested, prior, is_open=is_open)
    families = [(found.partitions, 1.0), ([prior[found.compared]], PRIOR_WEIGHT)]
    if is_open:
        families.append((found.communities, COMMUNITY_WEIGHT))
    total = sum(weight for _, weight in families)
    for candidate, expected in list(zip(found.candidates, found.expected, strict=True))[::7]:
        labels = candidate.labels(found.partitions[candidate.member])
        by_family = [
            weight * np.mean([adjusted_rand_score(labels, other) for other in family])
            for family, weight in families
        ]
        assert expected == pytest.approx(sum(by_family) / total, abs=1e-9)


def test_the_prior_decides_between_levels_that_the_members_find(
    nested: list[NetworkSpace],
) -> None:
    undecided = ensemble(nested, None).evidence()
    for n_clusters in (4, 8):
        found = ensemble(nested, level(nested, n_clusters))
        gain = found.evidence()
        before = dict(zip(undecided.k, undecided.score, strict=True))
        after = dict(zip(gain.k, gain.score, strict=True))
        other = {4: 8, 8: 4}[n_clusters]
        assert after[n_clusters] - before[n_clusters] > after[other] - before[other]
    assert "prior" in found.evidence().criterion
    assert "prior" not in undecided.criterion


def test_a_prior_of_one_part_changes_no_choice(nested: list[NetworkSpace]) -> None:
    n_cells = nested[0].features.shape[0]
    alone = ensemble(nested, None, is_open=True)
    found = ensemble(nested, np.array(["all"] * n_cells), is_open=True)

    def chosen(one: Ensemble) -> np.ndarray:
        return one.all_labels(one.best(lambda n: n > 1))

    np.testing.assert_array_equal(chosen(found), chosen(alone))
