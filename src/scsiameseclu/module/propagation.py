"""Latents as they are, or propagated over the graph before they are clustered."""

from __future__ import annotations

import torch
from torch import Tensor

from scsiameseclu.module.cells import Batch, CellData

BLOCK = 2048


def smooth_batch(fused: Tensor, batch: Batch, bank: Tensor) -> Tensor:
    """Propagate a mini-batch's latents over the graph, (n_cells, latent_size).

    A cell's own latent keeps its gradient; those of its neighbours come from the ``bank`` of all
    cells, (n_all_cells, latent_size).
    """
    is_self = batch.neighbours == batch.cells.unsqueeze(1)
    from_bank = (batch.weights * ~is_self).unsqueeze(2) * bank[batch.neighbours]
    return from_bank.sum(dim=1) + (batch.weights * is_self).sum(dim=1, keepdim=True) * fused


def smooth_all(latents: Tensor, data: CellData) -> Tensor:
    """Propagate the latents of all cells over the graph, (n_cells, latent_size), in blocks."""
    out = []
    for first in range(0, latents.shape[0], BLOCK):
        part = slice(first, first + BLOCK)
        indices = data.neighbours[part].to(latents.device)
        weights = data.weights[part].to(latents.device)
        out.append((weights.unsqueeze(2) * latents[indices]).sum(dim=1))
    return torch.cat(out)
