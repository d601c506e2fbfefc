"""Propagated latents are products with the table of neighbours, own gradients included."""

import numpy as np
import torch

from scsiameseclu.module.cells import CellData
from scsiameseclu.module.propagation import smooth_all, smooth_batch


def dense_operator(data: CellData) -> torch.Tensor:
    operator = torch.zeros(data.n_cells, data.n_cells)
    return operator.scatter_add(1, data.neighbours, data.weights)


def test_all_cells(data: CellData) -> None:
    latents = torch.randn(data.n_cells, 3, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(smooth_all(latents, data), dense_operator(data) @ latents)


def test_a_mini_batch_takes_its_neighbours_from_the_bank(data: CellData) -> None:
    generator = torch.Generator().manual_seed(0)
    cells = np.array([3, 8, 20])
    bank = torch.randn(data.n_cells, 3, generator=generator)
    fused = torch.randn(3, 3, generator=generator).requires_grad_()
    smoothed = smooth_batch(fused, data.batch(cells), bank)
    operator = dense_operator(data)[cells]
    own = operator[np.arange(3), cells]
    assert float(own.min()) > 0
    without = operator.clone()
    without[np.arange(3), cells] = 0
    torch.testing.assert_close(smoothed, without @ bank + own.unsqueeze(1) * fused)
    smoothed.sum().backward()
    torch.testing.assert_close(fused.grad, own.unsqueeze(1).expand(3, 3))
