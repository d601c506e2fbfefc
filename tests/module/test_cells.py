"""Mini-batches hold the rows of their cells, dense as scipy makes them."""

from dataclasses import fields

import numpy as np
import torch
from small_cells import N_CELLS

from scsiameseclu.module.cells import CellData
from scsiameseclu.module.sparse_rows import SparseRows


def test_a_batch_has_the_rows_of_its_cells(data: CellData) -> None:
    cells = np.array([2, 9, 33])
    batch = data.batch(cells)
    assert torch.equal(batch.cells, torch.from_numpy(cells))
    assert torch.equal(batch.counts, 2 * batch.expression)
    for name in ("size_factor", "perturbed", "diffused", "propagated", "neighbours", "weights"):
        assert torch.equal(getattr(batch, name), getattr(data, name)[cells]), name


def test_the_encoders_take_the_same_as_in_a_batch(data: CellData) -> None:
    expression, perturbed, diffused = data.encoder_inputs(5, 40)
    batch = data.batch(np.arange(5, 40))
    rows = np.arange(35)
    assert torch.equal(expression.dense(rows, torch.from_numpy(rows)), batch.expression)
    assert torch.equal(perturbed, batch.perturbed)
    assert torch.equal(diffused, batch.diffused)


def test_another_first_view_changes_nothing_else(data: CellData) -> None:
    other = data.with_perturbed(torch.ones_like(data.perturbed))
    cells = np.array([4, 5])
    batch, before = other.batch(cells), data.batch(cells)
    assert bool((batch.perturbed == 1).all())
    assert not bool((before.perturbed == 1).any())
    for name in ("expression", "counts", "diffused", "propagated", "neighbours", "weights"):
        assert torch.equal(getattr(batch, name), getattr(before, name)), name


def test_size_counts_every_part(data: CellData) -> None:
    sparse = (data.expression, data.counts)
    parts = [t for part in sparse for t in (part.pointers, part.indices, part.values)]
    parts += [value for value in vars(data).values() if isinstance(value, torch.Tensor)]
    assert len(parts) == 12
    assert data.n_bytes == sum(part.numel() * part.element_size() for part in parts)
    assert data.n_cells == N_CELLS


def test_all_parts_go_to_another_device(data: CellData) -> None:
    moved = data.to(torch.device("meta"))
    parts = [getattr(moved, part.name) for part in fields(moved)]
    tensors = [part.values if isinstance(part, SparseRows) else part for part in parts]
    assert {tensor.device.type for tensor in tensors} == {"meta"}
    batch = data.batch(np.array([3, 1])).to(torch.device("meta"))
    assert {getattr(batch, part.name).device.type for part in fields(batch)} == {"meta"}
