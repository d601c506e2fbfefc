"""Adaptive fusion of the expression and the graph embedding."""

import torch
from torch import Tensor, nn


class AdaptiveFusion(nn.Module):
    """``z = a * z_expression + b * z_graph``, plus attention to the cluster centres.

    The paper learns ``a`` and ``b`` for every training cell; here a small gate computes them from
    the two embeddings, so that a cell never seen gets its own. The paper's self-attention over all
    pairs of cells becomes attention over the k centres, which is linear in cells; its weight is
    learned and starts at 0, as published.
    """

    def __init__(self, latent_size: int) -> None:
        super().__init__()
        self.gate = nn.Linear(2 * latent_size, 2 * latent_size)
        nn.init.zeros_(self.gate.weight)
        nn.init.zeros_(self.gate.bias)
        self.attention = nn.Parameter(torch.zeros(()))

    def forward(self, expression: Tensor, graph: Tensor, centres: Tensor | None = None) -> Tensor:
        """Fuse two (n_cells, latent_size) tensors; ``centres`` is (n_clusters, latent_size)."""
        weights = torch.sigmoid(self.gate(torch.cat([expression, graph], dim=1)))
        a, b = weights.chunk(2, dim=1)
        fused = a * expression + b * graph
        if centres is None:
            return fused
        scores = fused @ centres.T / fused.shape[1] ** 0.5
        return fused + self.attention * (torch.softmax(scores, dim=1) @ centres)


class PlainFusion(nn.Module):
    """The mean of the two embeddings: what is left when adaptive fusion is switched off."""

    def forward(self, expression: Tensor, graph: Tensor, centres: Tensor | None = None) -> Tensor:
        return (expression + graph) / 2
