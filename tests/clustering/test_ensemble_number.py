"""The number of clusters that an ensemble settles on, and the levels beside it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from directions import around, five_groups, nested_groups
from ensembles import CANDIDATES, clusters, ensemble_of, exactly, found_in
from sklearn.metrics import adjusted_rand_score

from scsiameseclu.cluster_number import ClusterNumber
from scsiameseclu.clustering import clusters as clusters_module
from scsiameseclu.clustering import ensemble as module
from scsiameseclu.clustering.clusters import Clustering
from scsiameseclu.clustering.consensus import agreement_matrix
from scsiameseclu.clustering.ensemble import Ensemble, NetworkSpace
from scsiameseclu.clustering.evidence import Evidence
from scsiameseclu.clustering.levels import finer
from scsiameseclu.clustering.members import MAX_ROUNDS, fit_member
from scsiameseclu.metrics.agreement import contingency

# -- the number of clusters -------------------------------------------------------------


def test_the_number_is_found(estimated: tuple[Clustering, np.ndarray]) -> None:
    found, truth = estimated
    assert found.evidence.best == found.n_clusters == 5
    assert adjusted_rand_score(truth, found.labels) > 0.97
    assert found.consensus.agreement > 0.9


@pytest.mark.parametrize("n_groups", [1, 2, 3])
def test_fewer_groups_than_any_number_tried_are_found(n_groups: int) -> None:
    truth = np.arange(180) % n_groups
    centres = np.eye(6)[:n_groups]
    spaces = [NetworkSpace([torch.from_numpy(around(centres, truth, 0.03, s))]) for s in (0, 1)]
    found = found_in(spaces, ClusterNumber())
    assert found.n_clusters == n_groups
    assert adjusted_rand_score(truth, found.labels) == 1
    np.testing.assert_array_equal(found.coarse, found.labels)
    np.testing.assert_array_equal(found.fine, found.labels.astype(str))


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (ClusterNumber(), list(range(4, 13))),
        (exactly(2), [2, *range(4, 13)]),
        (ClusterNumber(3, 15), [*range(3, 13), 15]),
    ],
)
def test_numbers_from_4_on_and_those_asked_for_are_tried(
    number: ClusterNumber, expected: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tried_numbers(number, 860, monkeypatch) == expected
    assert tried_numbers(number, 9, monkeypatch) == [k for k in expected if k < 9]


def tried_numbers(
    number: ClusterNumber, n_cells: int, monkeypatch: pytest.MonkeyPatch
) -> list[int]:
    class Watched(Ensemble):
        def __init__(
            self,
            spaces: Sequence[NetworkSpace],
            candidates: Sequence[int],
            *rest: Any,
            **named: Any,
        ):
            super().__init__(spaces, candidates, *rest, **named)
            tried.extend(candidates)

    tried: list[int] = []
    monkeypatch.setattr(clusters_module, "Ensemble", Watched)
    space, _ = five_groups(0)
    chosen = np.random.default_rng(0).permutation(860)[:n_cells]
    found_in([NetworkSpace([block[chosen] for block in space.blocks])], number)
    return tried


@pytest.mark.parametrize("wanted", [2, 3, 7])
def test_a_number_given_is_kept(wanted: int) -> None:
    found, _ = clusters(exactly(wanted))
    assert found.n_clusters == wanted
    assert np.unique(found.labels).size == wanted
    assert wanted in found.evidence.k


def test_no_cluster_is_empty_where_more_are_asked_for_than_there_are() -> None:
    found, truth = clusters(exactly(25))
    assert 5 <= found.n_clusters <= 25
    assert np.unique(found.labels).size == found.n_clusters
    assert adjusted_rand_score(truth, found.labels) > 0.2


@pytest.mark.parametrize(("smallest", "largest"), [(7, 9), (2, 3)])
def test_a_range_is_kept(smallest: int, largest: int) -> None:
    found, _ = clusters(ClusterNumber(smallest, largest))
    assert smallest <= found.n_clusters <= largest


def test_more_clusters_than_there_are_leave_the_agreed_ones_whole() -> None:
    found, truth = clusters(exactly(8))
    sizes = np.bincount(found.labels, minlength=found.n_clusters)
    assert found.n_clusters == 8
    assert sizes.min() >= 1
    assert adjusted_rand_score(truth, found.labels) > 0.95


def test_a_member_is_added_that_splits_the_agreed_clusters(nested: list[NetworkSpace]) -> None:
    ensemble = ensemble_of(nested, CANDIDATES)
    base = ensemble.best(lambda found: found < 10)
    equal = ensemble.best(lambda found: found == 10)
    assert base is not None
    assert equal is not None
    assert ensemble.n_found[base] == 8
    before = len(ensemble.members)
    ensemble.extend(10)
    assert len(ensemble.members) == len(ensemble.partitions) == before + 1
    assert len(ensemble.n_found) == len(ensemble.expected) == before + 1
    assert ensemble.members[-1].network == ensemble.members[base].network
    assert ensemble.n_found[-1] == 10
    assert ensemble.expected[-1] > ensemble.expected[equal]
    counts = contingency(ensemble.partitions[-1], ensemble.partitions[base])
    assert (counts.max(axis=1) > 0.95 * counts.sum(axis=1)).all()


def test_a_number_asked_for_is_agreed_on_better_than_without_the_added_member(
    nested: list[NetworkSpace], members: Ensemble
) -> None:
    found = found_in(nested, exactly(10), max_clusters=20)
    scores = [
        dict(zip(e.k, e.score, strict=True))[10] for e in (found.evidence, members.evidence())
    ]
    assert found.n_clusters == 10
    assert scores[0] > scores[1]


def test_only_so_many_splits_are_made(
    nested: list[NetworkSpace], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_SPLITS", 2)
    ensemble = ensemble_of(nested, CANDIDATES)
    before = len(ensemble.members)
    ensemble.extend(8 + 3)
    assert len(ensemble.members) == before
    ensemble.extend(8 + 2)
    assert len(ensemble.members) == before + 1


def test_the_member_that_is_added_is_fitted_to_the_end(
    nested: list[NetworkSpace], monkeypatch: pytest.MonkeyPatch
) -> None:
    """But for one round only where it would lose a cluster."""
    rounds: list[int] = []

    def watched(*arguments: object, max_rounds: int, **options: object) -> object:
        rounds.append(max_rounds)
        return fit_member(*arguments, max_rounds=max_rounds, **options)  # type: ignore[arg-type]

    keeps = ensemble_of(nested, CANDIDATES)
    loses = ensemble_of([five_groups(seed)[0] for seed in range(3)], range(4, 13))
    monkeypatch.setattr(module, "fit_member", watched)
    keeps.extend(10)
    assert rounds == [MAX_ROUNDS]
    rounds.clear()
    loses.extend(8)
    assert rounds == [MAX_ROUNDS, 1]


@pytest.mark.parametrize("k", [8, 3])
def test_nothing_is_added_where_so_many_are_agreed_on_or_fewer_were_not_tried(
    k: int, nested: list[NetworkSpace]
) -> None:
    ensemble = ensemble_of(nested, range(4, 12))
    before = len(ensemble.members)
    ensemble.extend(k)
    assert len(ensemble.members) == before


# -- the levels -------------------------------------------------------------------------


def merged_while_agreed(labels: np.ndarray, members: Ensemble, n_clusters: int) -> np.ndarray:
    """The slow way: at each step, the merge that the members agree with most."""
    while (present := np.unique(labels)).size > n_clusters:
        merged = [
            np.where(labels == b, a, labels) for n, b in enumerate(present) for a in present[:n]
        ]
        agreement = [agreement_matrix([one, *members.partitions])[0, 1:].mean() for one in merged]
        labels = merged[int(np.argmax(agreement))]
    return labels


@pytest.mark.parametrize(("k", "fewer"), [(6, 4), (8, 6)])
def test_levels_come_from_merges_and_from_one_and_a_half_times_as_many(
    k: int, fewer: int, nested: list[NetworkSpace], members: Ensemble
) -> None:
    found = found_in(nested, exactly(k), max_clusters=20)
    unions = merged_while_agreed(found.labels, members, fewer)
    many = np.flatnonzero(members.n_found >= 1.5 * k)
    pieces = members.all_labels(int(many[members.expected[many].argmax()]))
    assert found.n_clusters == k
    assert found.coarse.max() + 1 == fewer
    assert adjusted_rand_score(unions, found.coarse) == 1
    np.testing.assert_array_equal(found.fine, finer(found.labels, pieces))
    assert np.unique(found.fine).size > k


def test_unions_join_what_is_nearest(nested: list[NetworkSpace]) -> None:
    _, pair, pairs = nested_groups(0)
    found = found_in(nested, ClusterNumber(), max_clusters=20)
    assert adjusted_rand_score(pair, found.labels) == 1
    assert found.coarse.max() + 1 == 6
    for union in range(6):
        assert np.unique(pairs[found.coarse == union]).size == 1


def test_communities_split_an_open_number(
    nested: list[NetworkSpace], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, pair, pairs = nested_groups(0)
    sixteen = np.arange(pair.size) // 40
    monkeypatch.setattr(module, "COMMUNITY_WEIGHT", 1e-6)
    fine = []
    for groups in (sixteen, pairs):
        monkeypatch.setattr(module, "communities", lambda *_, groups=groups: [groups])
        found = found_in(nested, ClusterNumber(), max_clusters=20)
        assert adjusted_rand_score(pair, found.labels) == 1
        fine.append(found.fine)
    assert adjusted_rand_score(sixteen, fine[0]) > 0.8 > adjusted_rand_score(sixteen, pair)
    assert adjusted_rand_score(pair, fine[1]) == 1


def test_levels_are_nested(estimated: tuple[Clustering, np.ndarray]) -> None:
    found, _ = estimated
    of: dict[int, set[int]] = {}
    for label, union, part in zip(found.labels, found.coarse, found.fine, strict=True):
        of.setdefault(label, set()).add(union)
        assert part.split(".")[0] == str(label)
    assert all(len(unions) == 1 for unions in of.values())
    assert 1 < np.unique(found.coarse).size < found.n_clusters


def test_the_smallest_number_has_no_coarser_level() -> None:
    found, _ = clusters(exactly(2))
    np.testing.assert_array_equal(found.coarse, found.labels)


def test_an_earlier_search_and_its_evidence_take_the_place_of_its_own(
    estimated: tuple[Clustering, np.ndarray],
) -> None:
    other = Evidence(np.array([9]), np.array([0.5]), "other")
    answered = estimated[0].answering(ClusterNumber(5, 9), other)
    assert answered.evidence is other
    np.testing.assert_array_equal(answered.labels, estimated[0].labels)
    summary = answered.summary()
    assert summary["evidence"] == {"k": [9], "score": [0.5], "criterion": "other"}
    assert (summary["n_clusters_asked"], summary["n_clusters_given"]) == ("5-9", False)
    assert estimated[0].summary()["n_clusters_asked"] == "estimated"


def test_the_summary_is_of_the_clusters(estimated: tuple[Clustering, np.ndarray]) -> None:
    found, _ = estimated
    summary = found.summary()
    assert summary["stability"] == found.consensus.stability.tolist()
    assert summary["agreement"] == found.consensus.agreement
    assert summary["n_members"] == len(found.consensus.members)
    unions = np.array(summary["coarse"])
    np.testing.assert_array_equal(unions[found.labels], found.coarse)
