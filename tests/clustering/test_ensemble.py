"""The ensemble: its members, who votes, and what the votes are."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from directions import around, five_groups, unit
from ensembles import CANDIDATES, clusters, ensemble_of, exactly, found_in
from sklearn.metrics import adjusted_rand_score

from scsiameseclu.cluster_number import ClusterNumber
from scsiameseclu.clustering import ensemble as module
from scsiameseclu.clustering.clusters import Clustering
from scsiameseclu.clustering.consensus import cluster_stability
from scsiameseclu.clustering.ensemble import Ensemble, NetworkSpace
from scsiameseclu.clustering.start import grow_hierarchy

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
    monkeypatch.setattr(members, "n_of_members", numbers)
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


def test_clusters_are_numbered_by_size_after_the_cells_of_dissolved_ones_moved() -> None:
    """The two cells of the smallest group lie near the second group, which thereby is first."""
    truth = np.repeat(np.arange(4), [21, 20, 12, 2])
    centres = np.eye(8)[:4]
    centres[3:] = unit(centres[3:] + 0.6 * centres[1:2])
    space = NetworkSpace([torch.from_numpy(around(centres, truth, 0.03, 0))])
    ensemble = ensemble_of([space], [4])
    consensus, probability = ensemble.vote(0, keep_all=False)
    assert (consensus.n_clusters, probability.shape[1]) == (3, 3)
    labels = probability.argmax(axis=1)
    assert np.bincount(labels).tolist() == [22, 21, 12]
    assert set(labels[truth == 3]) == set(labels[truth == 1]) == {0}
    np.testing.assert_allclose(ensemble.probability(consensus), probability)


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
