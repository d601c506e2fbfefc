"""Members: the alternation of transport and means, against its formulas."""

import numpy as np
import pytest
import torch
from directions import around, five_groups, unit
from torch.nn.functional import normalize, one_hot

from scsiameseclu.clustering.members import Member, Proportions, fit_member
from scsiameseclu.clustering.transport import sinkhorn_targets

TEMPERATURE = 0.15
K = 4


@pytest.fixture(scope="module")
def cells() -> torch.Tensor:
    """300 cells around four directions that overlap."""
    truth = np.repeat(np.arange(K), [150, 90, 45, 15])
    centres = unit(np.random.default_rng(0).normal(size=(K, 6)))
    return torch.from_numpy(around(centres, truth, 0.5, 1)).double()


@pytest.fixture(scope="module")
def start() -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(2).integers(0, K, 300))


def fit(
    cells: torch.Tensor, start: torch.Tensor, kind: Proportions, max_rounds: int = 25
) -> Member:
    options = {"network": 0, "temperature": TEMPERATURE, "proportions": kind}
    return fit_member(cells, start, **options, max_rounds=max_rounds)


def test_probability_is_a_softmax_of_cosines_and_potential() -> None:
    rng = np.random.default_rng(0)
    cells, centres = unit(rng.normal(size=(20, 5))), unit(rng.normal(size=(3, 5)))
    potential = np.log([0.6, 0.3, 0.1])
    member = Member(1, 0.2, torch.from_numpy(centres), torch.from_numpy(potential))
    weights = np.exp(cells @ centres.T / 0.2) * [0.6, 0.3, 0.1]
    expected = weights / weights.sum(axis=1, keepdims=True)
    found = member.probability(torch.from_numpy(cells))
    np.testing.assert_allclose(found.numpy(), expected)
    labels = member.labels(torch.from_numpy(cells)).numpy()
    np.testing.assert_array_equal(labels, expected.argmax(axis=1))


@pytest.mark.parametrize("kind", Proportions)
def test_two_rounds_by_hand(cells: torch.Tensor, start: torch.Tensor, kind: Proportions) -> None:
    plan = one_hot(start, K).double()
    share = plan.mean(dim=0)
    for _ in range(2):
        centres = normalize(plan.T @ cells, dim=1)
        gain = cells @ centres.T
        if kind is Proportions.FIXED:
            plan, potential = sinkhorn_targets(
                gain, one_hot(start, K).double().mean(dim=0), 1 / TEMPERATURE
            )
            continue
        potential = share.log() if kind is Proportions.LEARNED else torch.zeros(K).double()
        plan = torch.softmax(gain / TEMPERATURE + potential, dim=1)
        share = plan.mean(dim=0)
    member = fit(cells, start, kind, max_rounds=2)
    torch.testing.assert_close(member.centres, centres)
    torch.testing.assert_close(member.potential, potential)
    assert (member.network, member.temperature) == (0, TEMPERATURE)


def test_learning_never_lowers_the_likelihood(cells: torch.Tensor, start: torch.Tensor) -> None:
    """EM of a mixture of von Mises-Fisher distributions."""
    likelihood = []
    for rounds in range(1, 9):
        member = fit(cells, start, Proportions.LEARNED, rounds)
        joint = cells @ member.centres.T / TEMPERATURE + member.potential
        likelihood.append(float(joint.logsumexp(dim=1).mean()))
    assert (np.diff(likelihood) >= -1e-12).all()
    assert likelihood[-1] > likelihood[0] + 0.1


def test_what_is_learned_is_a_fixed_point(cells: torch.Tensor, start: torch.Tensor) -> None:
    member = fit(cells, start, Proportions.LEARNED)
    plan = member.probability(cells)
    torch.testing.assert_close(plan.mean(dim=0), member.potential.exp(), atol=0.02, rtol=0)
    cosine = (normalize(plan.T @ cells, dim=1) * member.centres).sum(dim=1)
    assert float(cosine.min()) > 0.995


def test_fixed_proportions_are_those_of_the_start(cells: torch.Tensor, start: torch.Tensor) -> None:
    member = fit(cells, start, Proportions.FIXED)
    given = one_hot(start, K).double().mean(dim=0)
    torch.testing.assert_close(member.probability(cells).mean(dim=0), given, atol=1e-3, rtol=0)


def test_ignored_proportions_leave_each_cell_to_its_nearest_centre(
    cells: torch.Tensor, start: torch.Tensor
) -> None:
    member = fit(cells, start, Proportions.IGNORED)
    assert not member.potential.any()
    assert torch.equal(member.labels(cells), (cells @ member.centres.T).argmax(dim=1))


def test_learned_proportions_mend_wrong_sizes() -> None:
    space, truth = five_groups(0)
    wrong = truth.copy()
    wrong[:200] = 1  # 200 of the largest group's 500 cells
    given, right = (np.bincount(labels) / truth.size for labels in (wrong, truth))
    sizes = {}
    for kind in Proportions:
        member = fit_member(
            space.features, torch.from_numpy(wrong), network=0, temperature=0.07, proportions=kind
        )
        labels = member.labels(space.features).numpy()
        sizes[kind] = np.bincount(labels, minlength=5) / truth.size
        torch.testing.assert_close(member.centres.norm(dim=1), torch.ones(5))
    np.testing.assert_allclose(sizes[Proportions.LEARNED], right, atol=0.03)
    np.testing.assert_allclose(sizes[Proportions.FIXED], given, atol=0.06)


def test_it_ends_when_no_cell_changes_its_cluster(cells: torch.Tensor) -> None:
    truth = torch.from_numpy(np.repeat(np.arange(3), 20))
    apart = torch.eye(3, dtype=torch.float64)[truth]
    once, long = (fit(apart, truth, Proportions.LEARNED, rounds) for rounds in (1, 25))
    assert torch.equal(once.potential, long.potential)
    mixed = torch.from_numpy(np.random.default_rng(3).integers(0, K, 300))
    first, later = (fit(cells, mixed, Proportions.LEARNED, rounds) for rounds in (1, 25))
    assert not torch.equal(first.centres, later.centres)


def test_a_cluster_that_starts_without_cells_stays_possible() -> None:
    cells = torch.eye(3, dtype=torch.float64).repeat(10, 1)
    member = fit(cells, torch.arange(3).repeat(10) * 2, Proportions.LEARNED)
    assert member.centres.shape == (5, 3)
    assert torch.isfinite(member.potential).all()
    assert set(member.labels(cells).tolist()) == {0, 2, 4}


def test_permuted_cells_give_the_same_member() -> None:
    space, truth = five_groups(0)
    order = torch.randperm(truth.size, generator=torch.Generator().manual_seed(0))
    start = torch.from_numpy(truth)
    options = {"network": 0, "temperature": 0.07, "proportions": Proportions.LEARNED}
    straight = fit_member(space.features, start, **options)
    permuted = fit_member(space.features[order], start[order], **options)
    torch.testing.assert_close(straight.centres, permuted.centres, atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize(("n_wrong", "ends"), [(1, True), (3, False)])
def test_it_ends_when_fewer_than_one_cell_in_a_thousand_changes(n_wrong: int, ends: bool) -> None:
    truth = torch.arange(2).repeat_interleave(1000)
    start = truth.clone()
    start[:n_wrong] = 1
    apart = torch.eye(2, dtype=torch.float64)[truth]
    once, long = (fit(apart, start, Proportions.LEARNED, rounds) for rounds in (1, 25))
    assert torch.equal(once.centres, long.centres) == ends
