"""Mini-batches: dense as scipy makes them, resident or prepared ahead, never out of turn."""

from dataclasses import fields

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from scsiameseclu.module.cells import Batch, CellData
from scsiameseclu.module.graph_views import GraphViews
from scsiameseclu.module.sparse_rows import SparseRows
from scsiameseclu.training.batches import Batches
from scsiameseclu.training.loader import Loader, placed

CPU = torch.device("cpu")
N_CELLS, N_GENES = 61, 30


@pytest.fixture
def matrix() -> sp.csr_matrix:
    """Counts with empty rows, the first and the last among them."""
    dense = np.random.default_rng(0).poisson(0.3, (N_CELLS, N_GENES)).astype(np.float32)
    dense[[0, 7, N_CELLS - 1]] = 0
    return sp.csr_matrix(dense)


@pytest.fixture
def data(matrix: sp.csr_matrix) -> CellData:
    """Cells whose every part tells them apart."""
    rng = np.random.default_rng(1)

    def table(width: int) -> torch.Tensor:
        return torch.from_numpy(rng.normal(size=(N_CELLS, width)).astype(np.float32))

    return CellData(
        *(SparseRows.of(matrix * 0.5), SparseRows.of(matrix), table(1).squeeze(1)),
        *(table(5), table(5), table(5), table(5)),
        *(torch.randint(N_CELLS, (N_CELLS, 4)), table(4)),
    )


def equal(one: Batch, other: Batch) -> bool:
    pairs = zip(vars(one).values(), vars(other).values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_a_batch_has_the_rows_of_its_cells(data: CellData) -> None:
    cells = np.array([2, 9, 33])
    batch = data.batch(cells)
    assert torch.equal(batch.cells, torch.from_numpy(cells))
    assert torch.equal(batch.components, data.components[cells])
    assert torch.equal(batch.counts, 2 * batch.expression)
    assert torch.equal(batch.weights, data.weights[cells])


def test_the_encoders_take_the_same_as_in_a_batch(data: CellData) -> None:
    loader = Loader(data, Batches(N_CELLS, 16, seed=0), CPU)
    expression, perturbed, diffused = loader.encoder_inputs(5, 40)
    batch = data.batch(np.arange(5, 40))
    rows = np.arange(35)
    assert torch.equal(expression.dense(rows, torch.from_numpy(rows)), batch.expression)
    assert torch.equal(perturbed, batch.perturbed)
    assert torch.equal(diffused, batch.diffused)


def test_prepared_ahead_is_the_same_over_epochs_and_after_a_restart(data: CellData) -> None:
    plain = Loader(data, Batches(N_CELLS, 16, seed=3), CPU)
    ahead = Loader(data, Batches(N_CELLS, 16, seed=3), CPU, ahead=True)
    for _ in range(8):
        assert equal(next(plain), next(ahead))
    state = ahead.batches.state_dict()
    expected = [next(plain).cells for _ in range(5)]
    for _ in range(2):  # going back, what was prepared is not what is wanted
        ahead.batches.load_state_dict(state)
        assert all(torch.equal(next(ahead).cells, cells) for cells in expected)


def test_new_views_hold_from_the_next_batch_on(data: CellData) -> None:
    views = GraphViews(*(np.full((N_CELLS, 5), value, dtype=np.float32) for value in (1, 2, 3)))
    for ahead in (False, True):
        loader = Loader(data, Batches(N_CELLS, 16, seed=0), CPU, ahead=ahead)
        next(loader)
        loader.show(data.with_views(views))
        batch = next(loader)
        assert (batch.perturbed == 1).all()
        assert (batch.diffused == 2).all()
        assert (batch.propagated == 3).all()


def test_peeking_takes_nothing() -> None:
    batches, others = Batches(50, 16, seed=0), Batches(50, 16, seed=0)
    for _ in range(10):
        coming = batches.peek()
        np.testing.assert_array_equal(coming, batches.peek())
        np.testing.assert_array_equal(coming, next(batches))
        np.testing.assert_array_equal(coming, next(others))


def test_size_counts_every_part(data: CellData, matrix: sp.csr_matrix) -> None:
    sparse = 2 * (8 * (N_CELLS + 1) + 8 * matrix.nnz)
    assert data.n_bytes == sparse + N_CELLS * (4 + 4 * 5 * 4 + 4 * 8 + 4 * 4)
    assert placed(data, CPU) is data
    assert data.n_cells == N_CELLS


def test_all_parts_go_to_another_device(data: CellData) -> None:
    moved = data.to(torch.device("meta"))
    parts = [getattr(moved, part.name) for part in fields(moved)]
    tensors = [part.values if isinstance(part, SparseRows) else part for part in parts]
    assert {tensor.device.type for tensor in tensors} == {"meta"}
    batch = data.batch(np.array([3, 1])).to(torch.device("meta"))
    assert {getattr(batch, part.name).device.type for part in fields(batch)} == {"meta"}


@pytest.mark.gpu
def test_on_a_gpu_resident_and_streamed_agree(data: CellData) -> None:
    if not torch.cuda.is_available():
        pytest.skip("there is no GPU")
    device = torch.device("cuda")
    resident = Loader(placed(data, device), Batches(N_CELLS, 16, seed=0), device)
    streamed = Loader(data, Batches(N_CELLS, 16, seed=0), device)
    for _ in range(5):
        assert equal(next(resident), next(streamed))
