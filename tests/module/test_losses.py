"""The losses are what their formulas say."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon
from scipy.stats import nbinom

from scsiameseclu.module.augment import add_noise, random_mask, swap_genes
from scsiameseclu.module.likelihood import count_loss, negative_binomial, zero_inflated
from scsiameseclu.module.losses import (
    adjacency_reconstruction,
    cell_refinement,
    clustering_divergence,
    latent_refinement,
    propagation_regularisation,
)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_propagation_is_the_jensen_shannon_divergence() -> None:
    first, second = normal(6, 4), normal(6, 4, seed=1)
    rows = zip(first.softmax(1).numpy(), second.softmax(1).numpy(), strict=True)
    expected = np.mean([jensenshannon(p, q) ** 2 for p, q in rows])
    assert propagation_regularisation(first, second).item() == pytest.approx(expected, rel=1e-4)
    assert propagation_regularisation(first, first).item() == pytest.approx(0, abs=1e-6)


def test_cell_refinement_vanishes_for_equal_orthogonal_views() -> None:
    assert cell_refinement(torch.eye(5), torch.eye(5)).item() == pytest.approx(0, abs=1e-6)
    assert cell_refinement(torch.eye(5), torch.eye(5).roll(1, 0)).item() > 1


def test_cell_refinement_leaves_neighbours_alone() -> None:
    alike = torch.ones(4, 3)
    neighbours = torch.ones(4, 4, dtype=torch.bool)
    assert cell_refinement(alike, alike).item() == pytest.approx(1, abs=1e-5)
    assert cell_refinement(alike, alike, neighbours).item() == pytest.approx(0, abs=1e-6)


def test_latent_refinement_prefers_independent_dimensions() -> None:
    groups = torch.eye(3).repeat(4, 1)
    independent = groups.clone()
    redundant = independent[:, [0, 0, 0]]
    same = latent_refinement(independent, independent, groups)
    assert same.item() == pytest.approx(0, abs=1e-5)
    assert latent_refinement(redundant, redundant, groups).item() > 0.5


def test_adjacency_reconstruction_bounds() -> None:
    own, other = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    assert adjacency_reconstruction(own, own, other).item() == pytest.approx(0, abs=1e-6)
    assert adjacency_reconstruction(own, other, own).item() == pytest.approx(2, abs=1e-5)


def test_clustering_divergence_is_a_divergence() -> None:
    p, q = normal(8, 3).softmax(1), normal(8, 3, seed=2).softmax(1)
    expected = (p * (p / q).log()).sum(dim=1).mean()
    torch.testing.assert_close(clustering_divergence(q.log(), p), expected)
    assert clustering_divergence(p.log(), p).item() == pytest.approx(0, abs=1e-6)
    assert clustering_divergence(q.log(), p).item() > 0


def test_negative_binomial_agrees_with_scipy() -> None:
    counts = torch.tensor([[0.0, 1.0, 7.0], [3.0, 0.0, 120.0]])
    mean, theta = normal(2, 3).exp() * 4, normal(3, seed=1).exp()
    ours = negative_binomial(counts, mean.log(), theta.log()).numpy()
    r, mu = theta.numpy().astype(float), mean.numpy().astype(float)
    np.testing.assert_allclose(ours, nbinom.logpmf(counts.numpy(), r, r / (r + mu)), rtol=2e-4)


def test_zero_inflation_is_a_mixture() -> None:
    counts = torch.tensor([[0.0, 2.0]])
    log_p = torch.tensor([[-1.0, -3.0]])
    logits = torch.tensor([[0.3, -0.2]])
    pi = logits.sigmoid()
    expected = (pi * (counts == 0) + (1 - pi) * log_p.exp()).log()
    torch.testing.assert_close(zero_inflated(log_p, counts, logits), expected)


@pytest.mark.parametrize("kind", ["zinb", "nb", "multinomial"])
def test_gradient_flows_through_the_mean(kind: str) -> None:
    logits = normal(4, 6).requires_grad_()
    counts = torch.poisson(torch.full((4, 6), 3.0))
    loss = count_loss(
        counts, counts.sum(1), logits.log_softmax(1), torch.zeros(6), torch.zeros(4, 6), kind
    )
    loss.backward()
    assert logits.grad is not None
    assert float(logits.grad.abs().sum()) > 0


@pytest.mark.parametrize("kind", ["nb", "multinomial"])
def test_true_shares_are_likelier_than_others(kind: str) -> None:
    shares = normal(1, 50).softmax(1)
    counts = torch.poisson(5000 * shares, generator=torch.Generator().manual_seed(0))
    zeros = torch.zeros(50)
    right = count_loss(counts, counts.sum(1), shares.log(), zeros, None, kind)
    wrong = count_loss(counts, counts.sum(1), shares.roll(1, 1).log(), zeros, None, kind)
    assert right < wrong


def test_swapped_values_come_from_the_same_gene() -> None:
    values = torch.arange(60.0).reshape(10, 6)
    swapped = swap_genes(values, 0.5, torch.Generator().manual_seed(0))
    assert bool((swapped % 6 == torch.arange(6.0)).all())
    assert 0.2 < float((swapped != values).float().mean()) < 0.6
    assert swap_genes(values, 0.0, torch.Generator()) is values


def test_noise_has_the_stated_mean_and_deviation() -> None:
    noisy = add_noise(torch.ones(200, 200), 0.1, torch.Generator().manual_seed(0))
    assert float(noisy.mean()) == pytest.approx(1, abs=2e-3)
    assert float(noisy.std()) == pytest.approx(0.1, abs=2e-3)


@pytest.mark.parametrize("share", [0.0, 1e-5, 0.3, 0.5, 0.999, 1.0])
def test_a_random_mask_has_its_share_and_no_pattern(share: float) -> None:
    mask = random_mask(torch.Size([501, 403]), share, torch.Generator().manual_seed(1)).double()
    spread = (share * (1 - share)) ** 0.5
    assert mask.mean().item() == pytest.approx(share, abs=4 * spread / mask.numel() ** 0.5 + 2e-5)
    for other in (mask.roll(1, 1), mask.roll(4, 1), mask.roll(1, 0)):
        both = (mask * other).mean().item()
        assert both == pytest.approx(share**2, abs=5 * spread / mask.numel() ** 0.5 + 2e-5)
