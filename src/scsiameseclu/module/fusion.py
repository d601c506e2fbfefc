"""Adaptive fusion of the expression and the graph latent."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class PrototypeAttention(nn.Module):
    """Attention of cells to cluster prototypes, added with a learned weight.

    The paper's self-attention over all pairs of cells becomes attention over the k prototypes,
    which is linear in cells. Its weight starts at 0, as published; the prototypes must not, or
    neither would ever get a gradient.

    Parameters
    ----------
    prototypes
        Where the prototypes start, (n_clusters, latent_size).
    """

    def __init__(self, prototypes: Tensor) -> None:
        super().__init__()
        self.prototypes = nn.Parameter(prototypes.detach().clone())
        self.weight = nn.Parameter(torch.zeros((), device=prototypes.device))

    def forward(self, fused: Tensor) -> Tensor:
        """Fused latents with attention, both (n_cells, latent_size)."""
        scores = fused @ self.prototypes.T / fused.shape[1] ** 0.5
        return fused + self.weight * (torch.softmax(scores, dim=1) @ self.prototypes)


class Fusion(nn.Module):
    """Two latents of a cell to one.

    Parameters
    ----------
    latent_size
        Dimensions of each latent.
    """

    def __init__(self, latent_size: int) -> None:
        super().__init__()

    def attend(self, prototypes: Tensor) -> None:
        """Attend to prototypes (n_clusters, latent_size) from now on, if the fusion can."""

    def forward(self, expression: Tensor, graph: Tensor) -> Tensor:
        """Fuse two (n_cells, latent_size) tensors."""
        raise NotImplementedError


class AdaptiveFusion(Fusion):
    """``z = a * z_expression + b * z_graph``, and attention to prototypes once there are any.

    The paper learns ``a`` and ``b`` for every training cell; here a small gate computes them from
    the two latents, so that a new cell gets its own.
    """

    attention: nn.Module

    def __init__(self, latent_size: int) -> None:
        super().__init__(latent_size)
        self.gate = nn.Linear(2 * latent_size, 2 * latent_size)
        nn.init.zeros_(self.gate.weight)
        nn.init.zeros_(self.gate.bias)
        self.attention = nn.Identity()

    def attend(self, prototypes: Tensor) -> None:
        self.attention = PrototypeAttention(prototypes)

    def forward(self, expression: Tensor, graph: Tensor) -> Tensor:
        weights = torch.sigmoid(self.gate(torch.cat([expression, graph], dim=1)))
        a, b = weights.chunk(2, dim=1)
        fused: Tensor = self.attention(a * expression + b * graph)
        return fused


class MeanFusion(Fusion):
    """The mean of the two latents: fusion without anything to learn, attention included."""

    def forward(self, expression: Tensor, graph: Tensor) -> Tensor:
        return (expression + graph) / 2
