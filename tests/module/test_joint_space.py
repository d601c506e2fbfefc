"""The joint space: weights of signal, centred blocks of unit rows, and the way back to them."""

import numpy as np
import pytest
import torch

from scsiameseclu.module.joint_space import JointSpace, join, signal_weights, split

N_CELLS = 4000


def components_of(variances: np.ndarray, seed: int = 0) -> np.ndarray:
    """Independent normal components whose sample variances are exactly these."""
    values = np.random.default_rng(seed).normal(size=(N_CELLS, len(variances)))
    values -= values.mean(axis=0)
    return (values / values.std(axis=0) * np.sqrt(variances) + 3.0).astype(np.float32)


def test_noise_has_no_weight_and_strong_signal_nearly_all() -> None:
    variances = np.array([100.0, 25.0, 4.0, 2.0, *np.linspace(1.1, 0.9, 36)])
    weights = signal_weights(components_of(variances))
    assert weights.dtype == np.float32
    assert (weights[-4:] < 0.2).all()
    assert weights[0] > 0.99
    assert (np.diff(weights) <= 1e-6).all()
    assert weights.min() == 0


@pytest.mark.parametrize("n_components", [20, 30, 47])
def test_weights_are_the_signal_share_of_the_deviation(n_components: int) -> None:
    """The noise is the mean of the smallest tenth of the variances, in whatever order they come."""
    variances = np.random.default_rng(1).uniform(0.5, 5.0, n_components)
    noise = np.sort(variances)[: n_components // 10].mean()
    expected = np.sqrt(np.maximum(0, 1 - noise / variances))
    np.testing.assert_allclose(signal_weights(components_of(variances)), expected, atol=2e-3)


def test_few_components_are_all_signal() -> None:
    np.testing.assert_array_equal(signal_weights(components_of(np.arange(1.0, 20.0))), np.ones(19))
    assert (signal_weights(components_of(np.arange(1.0, 21.0))) < 1).all()


def test_a_component_that_does_not_vary_has_no_weight() -> None:
    variances = np.arange(1.0, 31.0)
    components = components_of(variances)
    components[:, 4] = 7.0
    weights = signal_weights(components)
    assert np.isfinite(weights).all()
    assert weights[4] == 0


@pytest.fixture
def parts() -> tuple[torch.Tensor, torch.Tensor]:
    """Components and latents of cells, neither centred."""
    components = components_of(np.linspace(9.0, 0.5, 20))
    latent = np.random.default_rng(2).normal(2.0, 1.0, size=(N_CELLS, 6)).astype(np.float32)
    return torch.from_numpy(components), torch.from_numpy(latent)


@pytest.fixture
def space(parts: tuple[torch.Tensor, torch.Tensor]) -> JointSpace:
    space = JointSpace(20, 6, with_components=True)
    space.fit(*parts)
    return space


def test_a_space_takes_centres_and_weights_from_all_cells(
    space: JointSpace, parts: tuple[torch.Tensor, torch.Tensor]
) -> None:
    components, latent = parts
    torch.testing.assert_close(space.component_centre, components.mean(dim=0))
    torch.testing.assert_close(space.latent_centre, latent.mean(dim=0))
    np.testing.assert_array_equal(space.weights, signal_weights(components.numpy()))
    assert set(dict(space.named_buffers())) == {"weights", "component_centre", "latent_centre"}


def test_blocks_are_directions_from_the_centre(
    space: JointSpace, parts: tuple[torch.Tensor, torch.Tensor]
) -> None:
    components, latent = (part.numpy().astype(float) for part in parts)
    weighted = (components - components.mean(axis=0)) * signal_weights(parts[0].numpy())
    learned = latent - latent.mean(axis=0)
    expected = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (weighted, learned)]
    for block, rows in zip(space.blocks(*parts), expected, strict=True):
        np.testing.assert_allclose(block.numpy(), rows, atol=1e-4)


def test_both_blocks_weigh_the_same(
    space: JointSpace, parts: tuple[torch.Tensor, torch.Tensor]
) -> None:
    embedding = space(*parts)
    assert embedding.shape == (N_CELLS, space.n_dimensions) == (N_CELLS, 26)
    lengths = [embedding[:, :20].norm(dim=1), embedding[:, 20:].norm(dim=1)]
    for length in lengths:
        torch.testing.assert_close(length, torch.full((N_CELLS,), 0.5**0.5))


def test_the_latent_can_be_taken_alone(parts: tuple[torch.Tensor, torch.Tensor]) -> None:
    alone = JointSpace(20, 6, with_components=False)
    alone.fit(*parts)
    assert alone.n_dimensions == 6
    (block,) = alone.blocks(*parts)
    torch.testing.assert_close(alone(*parts), block)
    both = JointSpace(20, 6, with_components=True)
    both.fit(*parts)
    torch.testing.assert_close(block, both.blocks(*parts)[1])


@pytest.mark.parametrize("n_shared", [0, 5])
def test_splitting_undoes_joining(n_shared: int) -> None:
    generator = torch.Generator().manual_seed(0)
    sizes = [n_shared] * (n_shared > 0) + [3, 3, 3]
    blocks = [
        torch.nn.functional.normalize(torch.randn(10, size, generator=generator), dim=1)
        for size in sizes
    ]
    embedding = join(blocks)
    torch.testing.assert_close(embedding.norm(dim=1), torch.ones(10))
    networks = split(embedding, n_shared, 3)
    assert len(networks) == 3
    latents = blocks[1:] if n_shared else blocks
    for own, latent in zip(networks, latents, strict=True):
        expected = [blocks[0], latent] if n_shared else [latent]
        assert len(own) == len(expected)
        for ours, theirs in zip(own, expected, strict=True):
            torch.testing.assert_close(ours, theirs)
