"""The Siamese network: two encoders with shared weights over two views, and their fusion."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from scsiameseclu.module.augment import add_noise, swap_genes
from scsiameseclu.module.cells import Batch
from scsiameseclu.module.encoders import ExpressionEncoder, GraphEncoder
from scsiameseclu.module.fusion import Fusion
from scsiameseclu.module.joint_space import unit_rows
from scsiameseclu.module.sparse_rows import SparseRows

PROTOTYPES = "fusion.attention.prototypes"


@dataclass(frozen=True)
class Latents:
    """Latents of a mini-batch, each (n_cells, latent_size).

    ``expression`` and ``graph`` hold one tensor per view; ``fused`` is their fusion.
    """

    expression: tuple[Tensor, Tensor]
    graph: tuple[Tensor, Tensor]
    fused: Tensor


class SiameseNetwork(nn.Module):
    """Encoders and fusion: everything that turns a cell into its latent.

    Parameters
    ----------
    n_genes, n_components
        Sizes of the two inputs.
    hidden_size, latent_size
        Sizes of the layers.
    fusion
        Class that makes one latent of the two.
    noise, swap
        Strength of the expression augmentation, see :mod:`scsiameseclu.module.augment`.
    """

    latent_centre: Tensor

    def __init__(
        self,
        n_genes: int,
        n_components: int,
        *,
        hidden_size: int,
        latent_size: int,
        fusion: type[Fusion],
        noise: float,
        swap: float,
    ) -> None:
        super().__init__()
        self.latent_size, self.noise, self.swap = latent_size, noise, swap
        self.expression_encoder = ExpressionEncoder(n_genes, hidden_size, latent_size)
        self.graph_encoder = GraphEncoder(n_components, hidden_size, latent_size)
        self.fusion = fusion(latent_size)
        self.register_buffer("latent_centre", torch.zeros(latent_size))

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take a saved state, with the attention to prototypes if it has one."""
        if PROTOTYPES in state:
            self.fusion.attend(state[PROTOTYPES].to(self.latent_centre.device))
        self.load_state_dict(state)

    def encode(
        self, expression: Tensor | SparseRows, perturbed: Tensor, diffused: Tensor
    ) -> Tensor:
        """Fused latents without augmentation, (n_cells, latent_size)."""
        graph = (self.graph_encoder(perturbed) + self.graph_encoder(diffused)) / 2
        fused: Tensor = self.fusion(self.expression_encoder(expression), graph)
        return fused

    def block(self, latent: Tensor) -> Tensor:
        """The latent's block of the joint space: centred, unit rows."""
        return unit_rows(latent, self.latent_centre)

    def forward(self, batch: Batch, generator: torch.Generator) -> Latents:
        """Both augmented views of a mini-batch through the shared encoders."""
        expression, graph = [], []
        for components in (batch.perturbed, batch.diffused):
            view = swap_genes(batch.expression, self.swap, generator)
            view = add_noise(view, self.noise, generator)
            expression.append(self.expression_encoder(view))
            graph.append(self.graph_encoder(add_noise(components, self.noise, generator)))
        fused = self.fusion((expression[0] + expression[1]) / 2, (graph[0] + graph[1]) / 2)
        return Latents((expression[0], expression[1]), (graph[0], graph[1]), fused)
