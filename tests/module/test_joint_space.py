"""The joint space: blocks weigh the same, and an embedding comes apart."""

import numpy as np
import pytest
import torch

from scsiameseclu.module.joint_space import (
    EmbeddingLayout,
    JointSpace,
    LatentSpace,
    join,
    unit_rows,
)
from scsiameseclu.preprocess.signal import signal_weights


@pytest.fixture(scope="module")
def components() -> np.ndarray:
    """Five strong components, five of signal as large as noise, and forty of noise."""
    rng = np.random.default_rng(0)
    deviation = np.r_[np.full(5, 10.0), np.full(5, 2**0.5), np.full(40, 1.0)]
    return (rng.normal(size=(20_000, 50)) * deviation).astype(np.float32)


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
