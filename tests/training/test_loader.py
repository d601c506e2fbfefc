"""Mini-batches on the device: resident or prepared ahead, never out of turn."""

import numpy as np
import pytest
import torch
from small_cells import N_CELLS, small_cells

from scsiameseclu.module.cells import Batch, CellData
from scsiameseclu.training.batches import Batches
from scsiameseclu.training.loader import Loader, placed

CPU = torch.device("cpu")


@pytest.fixture
def data() -> CellData:
    return small_cells().data


def equal(one: Batch, other: Batch) -> bool:
    pairs = zip(vars(one).values(), vars(other).values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_encoder_inputs_are_those_of_the_data(data: CellData) -> None:
    loader = Loader(data, Batches(N_CELLS, 16, seed=0), CPU)
    expression, perturbed, diffused = loader.encoder_inputs(5, 40)
    rows = np.arange(35)
    dense = expression.dense(rows, torch.from_numpy(rows))
    assert torch.equal(dense, data.batch(np.arange(5, 40)).expression)
    assert torch.equal(perturbed, data.perturbed[5:40])
    assert torch.equal(diffused, data.diffused[5:40])


def test_prepared_ahead_is_the_same_over_epochs_and_after_a_restart(data: CellData) -> None:
    plain = Loader(data, Batches(N_CELLS, 16, seed=3), CPU)
    ahead = Loader(data, Batches(N_CELLS, 16, seed=3), CPU, ahead=True)
    for _ in range(8):
        assert equal(next(plain), next(ahead))
    state = ahead.batches.state_dict()
    expected = [next(plain).cells for _ in range(5)]
    for _ in range(2):  # going back, the batch that was prepared is not the next one
        ahead.batches.load_state_dict(state)
        assert all(torch.equal(next(ahead).cells, cells) for cells in expected)


@pytest.mark.parametrize("ahead", [False, True])
def test_another_view_is_seen_from_the_next_batch_on(data: CellData, ahead: bool) -> None:
    loader = Loader(data, Batches(N_CELLS, 16, seed=0), CPU, ahead=ahead)
    assert not bool((next(loader).perturbed == 1).any())
    loader.show(data.with_perturbed(torch.ones_like(data.perturbed)))
    batch = next(loader)
    assert bool((batch.perturbed == 1).all())
    assert torch.equal(batch.diffused, data.diffused[batch.cells])


def test_data_stay_where_they_are_on_a_cpu(data: CellData) -> None:
    assert placed(data, CPU) is data


@pytest.mark.gpu
def test_on_a_gpu_resident_and_streamed_agree(data: CellData) -> None:
    if not torch.cuda.is_available():
        pytest.skip("there is no GPU")
    device = torch.device("cuda")
    resident = Loader(placed(data, device), Batches(N_CELLS, 16, seed=0), device)
    streamed = Loader(data, Batches(N_CELLS, 16, seed=0), device)
    for _ in range(5):
        assert equal(next(resident), next(streamed))
