"""Transport targets keep their marginals, and the potential carries them to new cells."""

import numpy as np
import ot
import pytest
import torch

from scsiameseclu.clustering.transport import log_student_t, sinkhorn_targets, transported


@pytest.fixture
def problem() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    latent = torch.randn(400, 8, generator=generator)
    centres = torch.randn(5, 8, generator=generator)
    return log_student_t(latent, centres), torch.tensor([0.4, 0.3, 0.15, 0.1, 0.05])


@pytest.mark.parametrize("sharpness", [1.0, 5.0, 20.0])
def test_marginals_hold(problem: tuple[torch.Tensor, torch.Tensor], sharpness: float) -> None:
    log_q, proportions = problem
    targets, _ = sinkhorn_targets(log_q, proportions, sharpness)
    torch.testing.assert_close(targets.sum(dim=1), torch.ones(400))
    torch.testing.assert_close(targets.mean(dim=0), proportions, atol=2e-3, rtol=0)


def test_sharper_is_harder(problem: tuple[torch.Tensor, torch.Tensor]) -> None:
    soft, hard = (sinkhorn_targets(*problem, s)[0].max(dim=1).values.mean() for s in (1.0, 10.0))
    assert hard > soft


def test_no_underflow_far_from_every_centre() -> None:
    latent = torch.cat([torch.zeros(10, 4), torch.full((10, 4), 1e4)])
    centres = torch.tensor([[0.0] * 4, [1.0] * 4])
    targets, _ = sinkhorn_targets(log_student_t(latent, centres), torch.tensor([0.5, 0.5]), 5.0)
    assert torch.isfinite(targets).all()


def test_permuting_cells_permutes_targets(problem: tuple[torch.Tensor, torch.Tensor]) -> None:
    log_q, proportions = problem
    order = torch.randperm(400, generator=torch.Generator().manual_seed(0))
    straight, _ = sinkhorn_targets(log_q, proportions, 5.0)
    permuted, _ = sinkhorn_targets(log_q[order], proportions, 5.0)
    torch.testing.assert_close(permuted, straight[order], atol=1e-5, rtol=1e-4)


def test_potential_reproduces_targets(problem: tuple[torch.Tensor, torch.Tensor]) -> None:
    targets, potential = sinkhorn_targets(*problem, 5.0)
    torch.testing.assert_close(transported(problem[0], potential, 5.0), targets)


def test_kernel_is_students_t() -> None:
    latent, centres = torch.tensor([[0.0, 0.0]]), torch.tensor([[1.0, 0.0], [0.0, 3.0]])
    weights = torch.tensor([[1 / (1 + 1.0), 1 / (1 + 9.0)]])
    expected = weights / weights.sum()
    torch.testing.assert_close(log_student_t(latent, centres).exp(), expected)


@pytest.mark.parametrize("scale", [0.25, 1.0, 9.0])
def test_kernel_depends_on_distance_over_scale(scale: float) -> None:
    generator = torch.Generator().manual_seed(0)
    latent, centres = (torch.randn(n, 3, generator=generator) for n in (30, 4))
    latent[:4] = centres + 0.1  # some are near
    weights = 1 / (1 + torch.cdist(latent, centres).pow(2) / scale)
    expected = weights / weights.sum(dim=1, keepdim=True)
    found = log_student_t(latent, centres, torch.tensor(scale)).exp()
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_targets_are_the_plan_of_pot(problem: tuple[torch.Tensor, torch.Tensor]) -> None:
    log_q, proportions = problem
    targets, _ = sinkhorn_targets(log_q, proportions, 3.0)
    mass = np.full(400, 1 / 400)
    cost = -log_q.double().numpy()
    plan = ot.sinkhorn(mass, proportions.double().numpy(), cost, 1 / 3.0, warn=False)
    np.testing.assert_allclose(targets.numpy(), 400 * plan, atol=1e-4)


def test_a_cluster_without_a_share_keeps_a_tenth_of_a_cell(
    problem: tuple[torch.Tensor, torch.Tensor],
) -> None:
    targets, _ = sinkhorn_targets(problem[0], torch.tensor([0.5, 0.3, 0.2, 0.0, 0.0]), 5.0)
    share = 1 / (10 * 400)
    expected = torch.tensor([0.5, 0.3, 0.2, share, share]) / (1 + 2 * share)
    torch.testing.assert_close(targets.mean(dim=0), expected, atol=1e-5, rtol=0.02)


def test_shares_that_are_not_reached_are_told(caplog: pytest.LogCaptureFixture) -> None:
    apart = torch.tensor([[0.0, -40.0]]).repeat(100, 1).log_softmax(dim=1)
    sinkhorn_targets(apart, torch.tensor([0.5, 0.5]), 1.0)
    assert "off by" not in caplog.text  # equal costs can be shared out
    rows = torch.full((3, 3), -90.0).fill_diagonal_(0.0)
    rows = rows.repeat_interleave(torch.tensor([80, 15, 5]), 0)
    sinkhorn_targets(rows, torch.tensor([0.5, 0.4, 0.1]), 20.0)
    assert "off by 0.300" in caplog.text
