"""Agreement, stability and votes against brute force."""

from itertools import product

import numpy as np
import pytest
import torch
from directions import unit
from sklearn.metrics import adjusted_rand_score

from scsiameseclu.clustering.consensus import (
    Consensus,
    agree,
    agreement_matrix,
    cluster_stability,
    translation,
)
from scsiameseclu.clustering.members import Member


def member(network: int, n_clusters: int, n_dimensions: int, seed: int) -> Member:
    rng = np.random.default_rng(seed)
    centres = unit(rng.normal(size=(n_clusters, n_dimensions)))
    potential = np.log(rng.dirichlet(np.ones(n_clusters)))
    return Member(network, 0.3, torch.from_numpy(centres), torch.from_numpy(potential))


@pytest.fixture
def features() -> list[torch.Tensor]:
    """200 cells in the spaces of two networks, of different size."""
    rng = np.random.default_rng(7)
    return [torch.from_numpy(unit(rng.normal(size=(200, size)))) for size in (4, 6)]


@pytest.fixture
def members() -> list[Member]:
    return [member(0, 3, 4, seed=1), member(1, 4, 6, seed=2), member(1, 5, 6, seed=3)]


@pytest.fixture
def partitions(members: list[Member], features: list[torch.Tensor]) -> list[np.ndarray]:
    return [m.labels(features[m.network]).numpy() for m in members]


def jaccard(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


def test_agreement_is_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    partitions = [rng.integers(0, k, 300) * 3 for k in (1, 2, 5, 40)]
    partitions += [np.arange(300), partitions[1]]
    theirs = [[adjusted_rand_score(a, b) for b in partitions] for a in partitions]
    np.testing.assert_allclose(agreement_matrix(partitions), theirs, atol=1e-10)


@pytest.mark.parametrize("n_cells", [2, 3])
def test_agreement_of_all_partitions_of_few_cells(n_cells: int) -> None:
    partitions = [np.array(labels) for labels in product(range(n_cells), repeat=n_cells)]
    theirs = [[adjusted_rand_score(a, b) for b in partitions] for a in partitions]
    np.testing.assert_allclose(agreement_matrix(partitions), theirs, atol=1e-12)


def test_agreement_of_trivial_partitions_is_one() -> None:
    np.testing.assert_array_equal(agreement_matrix([np.zeros(9, dtype=int)] * 2), np.ones((2, 2)))
    np.testing.assert_array_equal(agreement_matrix([np.zeros(1, dtype=int)] * 2), np.ones((2, 2)))


def test_translation_spreads_joined_clusters() -> None:
    joined, reference = np.array([0, 0, 0, 1]), np.array([0, 1, 1, 2])
    np.testing.assert_allclose(
        translation(joined, reference, 3, 3), [[1 / 3, 2 / 3, 0], [0, 0, 1], [1 / 3] * 3]
    )


@pytest.mark.parametrize(("n_from", "n_to"), [(4, 6), (6, 4)])
def test_rows_of_a_translation_are_shares(n_from: int, n_to: int) -> None:
    rng = np.random.default_rng(1)
    labels, reference = rng.integers(0, n_from, 150), rng.integers(0, n_to, 150)
    shares = translation(labels, reference, n_from, n_to)
    assert shares.shape == (n_from, n_to)
    np.testing.assert_allclose(shares.sum(axis=1), 1)
    for row in range(n_from):
        own = reference[labels == row]
        np.testing.assert_allclose(shares[row], np.bincount(own, minlength=n_to) / own.size)


def test_stability_is_the_mean_of_the_best_jaccard_indices() -> None:
    rng = np.random.default_rng(2)
    labels = rng.integers(0, 4, 120)
    noisy = [
        np.where(rng.random(120) < keep, labels, rng.integers(0, 6, 120)) for keep in (0.9, 0.5)
    ]
    others = [*noisy, labels // 2, rng.integers(0, 2, 120)]
    expected = [
        np.mean([max(jaccard(labels == c, o == d) for d in np.unique(o)) for o in others])
        for c in range(4)
    ]
    np.testing.assert_allclose(cluster_stability(labels, others, 4), expected)


def test_a_cluster_without_cells_has_no_stability() -> None:
    labels = np.repeat([0, 2], 10)
    np.testing.assert_array_equal(cluster_stability(labels, [labels], 4), [1, np.nan, 1, np.nan])


def test_a_cluster_of_one_cell_has_a_stability() -> None:
    labels, other = np.array([0, 1, 1, 1]), np.array([0, 0, 1, 1])
    np.testing.assert_allclose(cluster_stability(labels, [labels, other], 2), [3 / 4, 5 / 6])


def test_stable_clusters_are_told_from_made_up_ones() -> None:
    truth = np.repeat([0, 1, 2], [100, 100, 100])
    rng = np.random.default_rng(1)
    others = [np.where(truth == 2, 2 + rng.integers(0, 2, 300), truth) for _ in range(10)]
    stability = cluster_stability(truth, others, 3)
    assert (stability[:2] == 1).all()
    assert 0.4 < stability[2] < 0.7


def test_probabilities_are_the_mean_votes_of_translated_members_squared(
    members: list[Member], features: list[torch.Tensor]
) -> None:
    rng = np.random.default_rng(3)
    translations = [
        torch.from_numpy(rng.dirichlet(np.ones(3), m.centres.shape[0])) for m in members
    ]
    votes = Consensus(members, translations, np.ones(3), 1.0).probability(features)
    expected = [
        m.probability(features[m.network]) @ t for m, t in zip(members, translations, strict=True)
    ]
    squared = torch.stack(expected).mean(dim=0) ** 2
    squared /= squared.sum(dim=1, keepdim=True)
    np.testing.assert_allclose(votes.numpy(), squared, atol=1e-6)
    np.testing.assert_allclose(votes.sum(dim=1).numpy(), 1, atol=1e-6)


def test_of_sixty_votes_forty_eight_give_a_confidence_of_094() -> None:
    """Each member has one cluster, and a translation that is all for one of two clusters."""
    alone = Member(0, 0.3, torch.ones(1, 2, dtype=torch.float64), torch.zeros(1))
    for_one, for_other = torch.eye(2, dtype=torch.float64).split(1)
    members, translations = [alone] * 60, [for_one] * 48 + [for_other] * 12
    found = Consensus(members, translations, np.ones(2), 1.0)
    cell = [torch.tensor([[1.0, 0.0]], dtype=torch.float64)]
    np.testing.assert_allclose(found.probability(cell)[0], [16 / 17, 1 / 17], atol=1e-6)


def test_votes_for_dissolved_clusters_are_spread_evenly(
    members: list[Member], features: list[torch.Tensor]
) -> None:
    translations = [torch.eye(m.centres.shape[0], 5, dtype=torch.float64) for m in members]
    everything = Consensus(members, translations, np.arange(5.0), 1.0)
    kept = everything.reordered([3, 0, 2])
    assert (everything.n_clusters, kept.n_clusters) == (5, 3)
    np.testing.assert_array_equal(kept.stability, [3, 0, 2])
    mean = sum(
        m.probability(features[m.network]) @ t for m, t in zip(members, translations, strict=True)
    ) / len(members)
    rest = mean.numpy()[:, [3, 0, 2]]
    squared, left = rest**2, rest.sum(axis=1, keepdims=True)
    expected = left * squared / squared.sum(axis=1, keepdims=True) + (1 - left) / 3
    assert left.min() < 0.5
    found = kept.probability(features).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-6)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-6)


@pytest.mark.parametrize(("left", "expected"), [(0.0, [0.5, 0.5]), (1e-12, [0.4995, 0.5005])])
def test_the_last_vote_decides_and_is_not_sure(left: float, expected: list[float]) -> None:
    alone = Member(0, 0.3, torch.ones(1, 2), torch.zeros(1))
    found = Consensus([alone], [torch.tensor([[0.0, left]])], np.ones(2), 1.0)
    probability = found.probability([torch.tensor([[1.0, 0.0]])])
    np.testing.assert_allclose(probability.numpy(), [expected], atol=1e-6)


def test_members_are_translated_into_the_reference(
    members: list[Member], partitions: list[np.ndarray]
) -> None:
    reference = partitions[1]
    found = agree(members, partitions, reference, voters=[2, 1])
    assert found.members == [members[2], members[1]]
    assert found.n_clusters == 4
    expected = translation(partitions[2], reference, 5, 4)
    np.testing.assert_allclose(found.translations[0].numpy(), expected)
    np.testing.assert_array_equal(found.translations[1].numpy(), np.eye(4))


def test_the_reference_is_compared_with_all_other_partitions(
    members: list[Member], partitions: list[np.ndarray]
) -> None:
    reference, others = partitions[1], [partitions[0], partitions[2]]
    found = agree(members, partitions, reference, voters=[1])
    scores = [adjusted_rand_score(reference, other) for other in others]
    assert found.agreement == pytest.approx(np.mean(scores))
    np.testing.assert_allclose(found.stability, cluster_stability(reference, others, 4))


def test_a_reference_that_is_alone_agrees_with_itself(
    members: list[Member], partitions: list[np.ndarray]
) -> None:
    found = agree(members[1:2], partitions[1:2], partitions[1], voters=[0])
    assert found.agreement == 1
    np.testing.assert_array_equal(found.stability, np.ones(4))


def test_everything_goes_to_another_device(
    members: list[Member], partitions: list[np.ndarray]
) -> None:
    moved = agree(members, partitions, partitions[0], voters=[0, 1]).to("meta")
    tensors = [*moved.translations, *(m.centres for m in moved.members)]
    tensors += [m.potential for m in moved.members]
    assert {tensor.device.type for tensor in tensors} == {"meta"}
    assert [m.network for m in moved.members] == [0, 1]
