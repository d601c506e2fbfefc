"""The ensemble: which clustering is chosen, who votes, and the levels beside it."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from directions import around, five_groups, nested_groups, unit
from sklearn.metrics import adjusted_rand_score

from scsiameseclu.cluster_number import ClusterNumber
from scsiameseclu.clustering import ensemble as module
from scsiameseclu.clustering.consensus import cluster_stability
from scsiameseclu.clustering.ensemble import Clustering, Ensemble, NetworkSpace, cluster_ensemble
from scsiameseclu.clustering.evidence import Evidence
from scsiameseclu.clustering.levels import coarser, finer
from scsiameseclu.clustering.members import MAX_ROUNDS, Proportions, fit_member
from scsiameseclu.clustering.start import grow_hierarchy

CANDIDATES = range(4, 21)


def found_in(
    spaces: Sequence[NetworkSpace], number: ClusterNumber, max_clusters: int = 12
) -> Clustering:
    return cluster_ensemble(
        spaces,
        number,
        proportions=Proportions.LEARNED,
        temperature=0.05,
        max_clusters=max_clusters,
        seed=0,
    )


def clusters(number: ClusterNumber) -> tuple[Clustering, np.ndarray]:
    """Clusters of five groups as three networks see them, and the groups."""
    spaces = [five_groups(seed) for seed in range(3)]
    return found_in([space for space, _ in spaces], number), spaces[0][1]


def exactly(k: int) -> ClusterNumber:
    return ClusterNumber(k, k)


def ensemble_of(
    spaces: Sequence[NetworkSpace], candidates: Sequence[int], seed: int = 0
) -> Ensemble:
    return Ensemble(spaces, candidates, Proportions.LEARNED, 0.05, seed)


@pytest.fixture(scope="module")
def estimated() -> tuple[Clustering, np.ndarray]:
    return clusters(ClusterNumber())


@pytest.fixture(scope="module")
def nested() -> list[NetworkSpace]:
    """Two networks that see 4 groups, split into 8, split into 16."""
    return [nested_groups(seed)[0] for seed in range(2)]


@pytest.fixture(scope="module")
def members(nested: list[NetworkSpace]) -> Ensemble:
    return ensemble_of(nested, CANDIDATES)


# -- the members ------------------------------------------------------------------------


def test_every_network_start_and_number_has_a_member(members: Ensemble) -> None:
    sizes = [(m.network, m.centres.shape[0]) for m in members.members]
    expected = [(network, k) for network in (0, 1) for _ in range(2) for k in CANDIDATES]
    assert sizes == expected
    assert len(members.partitions) == len(members.n_found) == len(expected)


def test_more_clusters_than_micro_clusters_start_from_kmeans() -> None:
    """40 cells have ten micro-clusters."""
    cells = torch.from_numpy(unit(np.random.default_rng(0).normal(size=(40, 6))))
    found = ensemble_of([NetworkSpace([cells])], [10, 11, 12])
    assert [m.centres.shape[0] for m in found.members] == 2 * [10, 11, 12]


def test_a_space_is_its_blocks_side_by_side() -> None:
    space, _ = five_groups(0)
    joined = torch.cat(space.blocks, dim=1) / 2**0.5
    torch.testing.assert_close(space.features, joined)


def test_every_start_has_a_seed_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    seeds: list[int] = []

    def grow(blocks: Sequence[np.ndarray], features: np.ndarray, seed: int) -> object:
        seeds.append(seed)
        return grow_hierarchy(blocks, features, seed)

    monkeypatch.setattr(module, "grow_hierarchy", grow)
    spaces = [five_groups(seed)[0] for seed in range(3)]
    for seed in range(3):
        ensemble_of(spaces, [4], seed)
    assert len(set(seeds)) == len(seeds) == 3 * 3 * 2


def test_what_is_expected_is_the_mean_agreement_with_all(members: Ensemble) -> None:
    for chosen in (0, 7, 40):
        scores = [
            adjusted_rand_score(members.partitions[chosen], other) for other in members.partitions
        ]
        assert members.expected[chosen] == pytest.approx(np.mean(scores))


def test_only_clusters_of_enough_cells_count() -> None:
    truth = np.repeat(np.arange(4), [40, 40, 3, 2])
    space = NetworkSpace([torch.from_numpy(around(np.eye(4), truth, 0.02, 0))])
    ensemble = ensemble_of([space], [4])
    assert ensemble.n_found.tolist() == [3, 3]
    ensemble.count(2)
    assert ensemble.n_found.tolist() == [4, 4]


def test_the_best_is_the_most_agreed_of_those_allowed(members: Ensemble) -> None:
    for k in (5, 8, 12):
        same = np.flatnonzero(members.n_found == k)
        best = members.best(lambda found, k=k: found == k)
        assert best in same
        assert members.expected[best] == members.expected[same].max()
    assert members.best(lambda found: found > 100) is None


def test_evidence_is_the_best_of_each_number(members: Ensemble) -> None:
    evidence = members.evidence()
    assert evidence.k.tolist() == sorted(set(members.n_found))
    for k, score in zip(evidence.k, evidence.score, strict=True):
        assert score == members.expected[members.n_found == k].max()
    assert evidence.best == 8


# -- the votes --------------------------------------------------------------------------


@pytest.mark.parametrize(("k", "fewest", "most"), [(8, 7, 10), (10, 8, 12), (5, 4, 6)])
def test_members_vote_within_a_factor_of_one_and_a_quarter(
    k: int, fewest: int, most: int, members: Ensemble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the numbers: here they are written onto members of 4 to 13 clusters."""
    chosen = int(np.flatnonzero(members.n_found == 8)[0])
    numbers = 4 + (np.arange(len(members.members)) - chosen + k - 4) % 10
    monkeypatch.setattr(members, "n_found", numbers)
    assert numbers[chosen] == k
    near = [n for n, found in enumerate(numbers) if fewest <= found <= most]
    equal = [n for n, found in enumerate(numbers) if found == k]
    others = [members.partitions[n] for n in near]
    others = [o for o in others if not np.array_equal(o, members.partitions[chosen])]
    stability = cluster_stability(members.partitions[chosen], others, 8)
    for voters, expected in (("near", near), ("equal", equal), ("one", [chosen])):
        found = members.consensus(chosen, voters)
        assert [id(m) for m in found.members] == [id(members.members[n]) for n in expected]
        assert found.n_clusters == 8
        np.testing.assert_allclose(found.stability, stability)


def test_clusters_are_numbered_by_size(estimated: tuple[Clustering, np.ndarray]) -> None:
    found, _ = estimated
    assert (np.diff(np.bincount(found.labels)) <= 0).all()
    np.testing.assert_allclose(found.probability.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(found.labels, found.probability.argmax(axis=1))


def test_small_clusters_are_dissolved_unless_a_number_is_asked_for() -> None:
    truth = np.repeat(np.arange(5), [60, 50, 40, 30, 2])
    centres = np.eye(5)
    space = NetworkSpace([torch.from_numpy(around(centres, truth, 0.03, 0))])
    free = found_in([space], ClusterNumber(), max_clusters=5)
    assert free.n_clusters == 4
    assert free.labels.max() == 3
    given = found_in([space], exactly(5), max_clusters=5)
    assert given.n_clusters == 5
    assert np.bincount(given.labels).tolist() == [60, 50, 40, 30, 2]


@pytest.mark.parametrize(("n_pairs", "k", "counted"), [(15, 15, [3, 1]), (15, 4, [3]), (0, 5, [3])])
def test_small_clusters_count_only_where_there_are_not_enough_others(
    n_pairs: int, k: int, counted: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    count = Ensemble.count

    def watched(self: Ensemble, min_cells: int) -> None:
        seen.append(min_cells)
        count(self, min_cells)

    monkeypatch.setattr(Ensemble, "count", watched)
    truth = np.repeat(np.arange(15), 2 if n_pairs else 20)
    space = NetworkSpace([torch.from_numpy(around(np.eye(15), truth, 0.01, 0))])
    found_in([space], exactly(k))
    assert seen == counted


def test_pairs_of_cells_are_clusters_where_so_many_are_asked_for() -> None:
    truth = np.repeat(np.arange(15), 2)
    space = NetworkSpace([torch.from_numpy(around(np.eye(15), truth, 0.01, 0))])
    found = found_in([space], exactly(15))
    assert found.n_clusters == 15
    assert adjusted_rand_score(truth, found.labels) == 1


def test_fewer_vote_where_a_cluster_would_be_lost(
    nested: list[NetworkSpace], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []
    consensus = Ensemble.consensus

    def watched(self: Ensemble, chosen: int, voters: str = "near") -> object:
        tried.append(voters)
        return consensus(self, chosen, voters)

    monkeypatch.setattr(Ensemble, "consensus", watched)
    ensemble = ensemble_of(nested, CANDIDATES)
    chosen = ensemble.best(lambda found: found == 12)
    assert chosen is not None
    ensemble.vote(chosen, keep_all=False)
    assert tried == ["near"]
    tried.clear()
    agreed = ensemble.best(lambda found: found == 8)
    assert agreed is not None
    ensemble.vote(agreed, keep_all=True)
    assert tried == ["near"]
    tried.clear()
    ensemble.n_found[chosen] = 20  # more than any vote keeps
    ensemble.vote(chosen, keep_all=True)
    assert tried == ["near", "equal", "one"]


def test_confidence_is_lower_between_clusters() -> None:
    """Cells on the way from one group to another are the less sure the nearer they are to half."""
    truth = np.repeat(np.arange(4), 100)
    groups = around(np.eye(8)[:4], truth, 0.03, 0)
    way = np.linspace(0, 1, 41)[:, None]
    between = unit((1 - way) * np.eye(8)[0] + way * np.eye(8)[1]).astype(np.float32)
    space = NetworkSpace([torch.from_numpy(np.vstack([groups, between]))])
    confidence = found_in([space], exactly(4)).probability.max(axis=1)
    assert confidence[:400].min() > 0.97
    assert confidence[420] < 0.7
    assert (np.diff(confidence[404:418]) <= 0).all()
    assert (np.diff(confidence[423:437]) >= 0).all()


def test_cells_are_assigned_in_blocks(members: Ensemble, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = members.best(lambda found: found == 8)
    assert chosen is not None
    consensus = members.consensus(chosen)
    whole = members.probability(consensus), members.all_labels(chosen)
    monkeypatch.setattr(module, "BLOCK", 101)
    np.testing.assert_allclose(members.probability(consensus), whole[0], atol=1e-6)
    np.testing.assert_array_equal(members.all_labels(chosen), whole[1])
    assert whole[0].dtype == np.float32


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
            self, spaces: Sequence[NetworkSpace], candidates: Sequence[int], *rest: object
        ):
            super().__init__(spaces, candidates, *rest)  # type: ignore[arg-type]
            tried.extend(candidates)

    tried: list[int] = []
    monkeypatch.setattr(module, "Ensemble", Watched)
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
    whole = coarser(ensemble.partitions[-1], ensemble.partitions[base])
    assert adjusted_rand_score(whole, ensemble.partitions[base]) == 1


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


@pytest.mark.parametrize("k", [6, 8])
def test_levels_come_from_half_and_from_one_and_a_half_times_as_many(
    k: int, nested: list[NetworkSpace], members: Ensemble
) -> None:
    found = found_in(nested, exactly(k), max_clusters=20)

    def most_agreed(allowed: np.ndarray) -> np.ndarray:
        places = np.flatnonzero(allowed)
        return members.all_labels(places[members.expected[places].argmax()])

    assert found.n_clusters == k
    few = most_agreed(members.n_found <= 4)
    many = most_agreed(members.n_found >= 1.5 * k)
    np.testing.assert_array_equal(found.coarse, coarser(found.labels, few))
    np.testing.assert_array_equal(found.fine, finer(found.labels, many))
    assert np.unique(found.fine).size > k


def test_levels_are_the_groups_of_groups(nested: list[NetworkSpace]) -> None:
    _, pair, pairs = nested_groups(0)
    found = found_in(nested, ClusterNumber(), max_clusters=20)
    assert adjusted_rand_score(pair, found.labels) == 1
    assert adjusted_rand_score(pairs, found.coarse) == 1


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


# -- many cells -------------------------------------------------------------------------


@pytest.mark.parametrize("k", [5, 8])
def test_a_sample_of_the_cells_is_fitted_and_compared(
    k: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_FITTED", 400)
    monkeypatch.setattr(module, "MAX_COMPARED", 250)
    space, truth = five_groups(0)
    ensemble = ensemble_of([space], range(4, 7))
    assert ensemble.fitted.size == np.unique(ensemble.fitted).size == 400
    assert (np.diff(ensemble.fitted) > 0).all()
    assert np.isin(ensemble.compared, ensemble.fitted).all()
    assert ensemble.partitions[0].size == 250
    assert ensemble.fitted[-1] > 700  # drawn from all cells
    found, _ = clusters(exactly(k))
    assert found.n_clusters == k
    assert found.labels.size == truth.size
    assert adjusted_rand_score(truth, found.labels) > 0.9
