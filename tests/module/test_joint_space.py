"""The joint space: noise weighs nothing, blocks weigh the same, and an embedding comes apart."""

import numpy as np
import pytest
import torch

from scsiameseclu.module.joint_space import (
    EmbeddingLayout,
    JointSpace,
    LatentSpace,
    join,
    signal_weights,
    unit_rows,
)


@pytest.fixture(scope="module")
def components() -> np.ndarray:
    """Five strong components, five of signal as large as noise, and forty of noise."""
    rng = np.random.default_rng(0)
    deviation = np.r_[np.full(5, 10.0), np.full(5, 2**0.5), np.full(40, 1.0)]
    return (rng.normal(size=(20_000, 50)) * deviation).astype(np.float32)


def test_noise_weighs_nothing_and_signal_nearly_one(components: np.ndarray) -> None:
    weights = signal_weights(components)
    assert weights[:5].min() > 0.99
    np.testing.assert_allclose(weights[5:10], 0.5**0.5, atol=0.05)
    assert weights[10:].max() < 0.3
    assert np.median(weights[10:]) < 0.2


@pytest.mark.parametrize("n_components", [20, 30, 47])
def test_weights_are_the_signal_share_of_the_deviation(n_components: int) -> None:
    """The noise is the mean of the smallest tenth of the variances, in whatever order they come."""
    rng = np.random.default_rng(1)
    variances = rng.uniform(0.5, 5.0, n_components)
    values = rng.normal(size=(4000, n_components))
    values = (values - values.mean(axis=0)) / values.std(axis=0) * np.sqrt(variances) + 3.0
    noise = np.sort(variances)[: n_components // 10].mean()
    expected = np.sqrt(np.maximum(0, 1 - noise / variances))
    weights = signal_weights(values.astype(np.float32))
    assert weights.dtype == np.float32
    np.testing.assert_allclose(weights, expected, atol=2e-3)


def test_a_component_that_does_not_vary_has_no_weight(components: np.ndarray) -> None:
    constant = components[:1000].copy()
    constant[:, 4] = 7.0
    weights = signal_weights(constant)
    assert np.isfinite(weights).all()
    assert weights[4] == 0


def test_few_components_are_all_signal(components: np.ndarray) -> None:
    np.testing.assert_array_equal(signal_weights(components[:, :19]), 1)
    assert signal_weights(components[:, :20]).min() < 1


def test_the_shared_block_is_weighted_centred_and_of_unit_rows(components: np.ndarray) -> None:
    cells = torch.from_numpy(components[:500]) + 3.0
    space = JointSpace.fit(cells)
    (block,) = space.shared(cells)
    weights = torch.from_numpy(signal_weights(cells.numpy()))
    expected = torch.nn.functional.normalize((cells - cells.mean(dim=0)) * weights, dim=1)
    torch.testing.assert_close(block, expected)
    assert LatentSpace().shared(cells) == []
    assert (space.n_shared, LatentSpace().n_shared) == (50, 0)


def test_blocks_weigh_the_same_whatever_their_size() -> None:
    generator = torch.Generator().manual_seed(0)
    blocks = [
        torch.nn.functional.normalize(torch.randn(9, size, generator=generator), dim=1)
        for size in (50, 8, 8)
    ]
    joined = join(blocks)
    cosine = joined @ joined.T
    torch.testing.assert_close(cosine, sum(block @ block.T for block in blocks) / 3)


@pytest.mark.parametrize("n_shared", [0, 6])
def test_an_embedding_comes_apart_into_its_blocks(n_shared: int) -> None:
    generator = torch.Generator().manual_seed(0)
    sizes = [n_shared] * bool(n_shared) + [4, 4, 4]
    blocks = [
        torch.nn.functional.normalize(torch.randn(7, size, generator=generator), dim=1)
        for size in sizes
    ]
    layout = EmbeddingLayout(n_shared, 4, 3)
    embedding = join(blocks)
    assert embedding.shape[1] == layout.n_dimensions
    for part, block in zip(layout.parts(embedding), blocks, strict=True):
        torch.testing.assert_close(part, block)
    shared = blocks[: len(blocks) - 3]
    for number, seen in enumerate(layout.split(embedding)):
        for part, block in zip(seen, [*shared, blocks[len(shared) + number]], strict=True):
            torch.testing.assert_close(part, block)


def test_unit_rows_are_centred_directions() -> None:
    values, centre = torch.tensor([[4.0, 1.0], [1.0, 5.0]]), torch.tensor([1.0, 1.0])
    torch.testing.assert_close(unit_rows(values, centre), torch.eye(2))


def test_a_space_goes_to_another_device(components: np.ndarray) -> None:
    moved = JointSpace.fit(torch.from_numpy(components[:50])).to("meta")
    assert {tensor.device.type for tensor in moved.tensors().values()} == {"meta"}
    assert set(moved.tensors()) == {"centre", "weights"}
    alone = LatentSpace()
    assert alone.to("meta") is alone
    assert alone.tensors() == {}
