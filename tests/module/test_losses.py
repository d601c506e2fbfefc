"""The losses are what their formulas say."""

import numpy as np
import pytest
import torch
from scipy.spatial.distance import jensenshannon

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


def test_cell_refinement_averages_diagonal_and_rest_apart() -> None:
    first, second = normal(7, 4), normal(7, 4, seed=1)
    linked = torch.rand(7, 7, generator=torch.Generator().manual_seed(2)) < 0.3
    cosine = torch.nn.functional.cosine_similarity(first[:, None], second[None], dim=2)
    own = np.mean([(1 - float(cosine[i, i])) ** 2 for i in range(7)])
    for left_out in (torch.zeros(7, 7, dtype=torch.bool), linked):
        pairs = [(i, j) for i in range(7) for j in range(7) if i != j and not left_out[i, j]]
        rest = np.mean([float(cosine[pair]) ** 2 for pair in pairs])
        found = cell_refinement(first, second, left_out).item()
        assert found == pytest.approx(own + rest, rel=1e-5)
    without = cell_refinement(first, second, torch.zeros(7, 7, dtype=torch.bool))
    torch.testing.assert_close(cell_refinement(first, second), without)


def test_cell_refinement_leaves_neighbours_alone() -> None:
    alike = torch.ones(4, 3)
    neighbours = torch.ones(4, 4, dtype=torch.bool)
    assert cell_refinement(alike, alike).item() == pytest.approx(1, abs=1e-5)
    assert cell_refinement(alike, alike, neighbours).item() == pytest.approx(0, abs=1e-6)


def test_latent_refinement_compares_dimensions_over_means_of_groups() -> None:
    """Groups of unequal size count the same; one without cells counts nothing."""
    first, second = normal(30, 4), normal(30, 4, seed=1)
    labels = torch.tensor([0] * 20 + [1] * 7 + [3] * 3)
    membership = torch.nn.functional.one_hot(labels, 5).float()
    means = [torch.stack([z[labels == g].mean(dim=0) for g in (0, 1, 3)]) for z in (first, second)]
    cosine = torch.nn.functional.cosine_similarity(
        means[0].T[:, None], means[1].T[None], dim=2
    ).numpy()
    gap = (cosine - np.eye(4)) ** 2
    expected = np.diag(gap).mean() + gap[~np.eye(4, dtype=bool)].mean()
    found = latent_refinement(first, second, membership).item()
    assert found == pytest.approx(expected, rel=1e-4)


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


def test_adjacency_reconstruction_is_a_mean_over_cells() -> None:
    latent, near, far = normal(9, 4), normal(9, 4, seed=1), normal(9, 4, seed=2)
    cosine = [torch.nn.functional.cosine_similarity(latent, other) for other in (near, far)]
    expected = ((cosine[0] - 1) ** 2).mean() + (cosine[1] ** 2).mean()
    torch.testing.assert_close(adjacency_reconstruction(latent, near, far), expected)
