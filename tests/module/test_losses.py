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
