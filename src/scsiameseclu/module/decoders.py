"""The decoders, with which terms of the objective rebuild their inputs."""

from __future__ import annotations

from torch import Tensor, nn

from scsiameseclu.module.cells import Batch
from scsiameseclu.module.likelihood import Likelihood


class CountDecoder(nn.Module):
    """A fused latent to the distribution of the cell's counts.

    Parameters
    ----------
    n_genes, hidden_size, latent_size
        Sizes of the output, the hidden layer and the input.
    likelihood
        Class of the distribution; it brings the parameters that it needs beside the logits.
    """

    def __init__(
        self, n_genes: int, hidden_size: int, latent_size: int, likelihood: type[Likelihood]
    ) -> None:
        super().__init__()
        self.hidden = nn.Sequential(
            nn.Linear(latent_size, hidden_size), nn.LayerNorm(hidden_size), nn.LeakyReLU(0.1)
        )
        self.logits = nn.Linear(hidden_size, n_genes)
        self.likelihood = likelihood(n_genes, hidden_size)

    def forward(self, latent: Tensor, batch: Batch) -> Tensor:
        """Mean loss of the mini-batch given its fused latents (n_cells, latent_size), a scalar."""
        hidden = self.hidden(latent)
        loss: Tensor = self.likelihood(batch, self.logits(hidden), hidden)
        return loss


class GraphDecoder(nn.Module):
    """A graph latent (n_cells, latent_size) to propagated components (n_cells, n_components)."""

    def __init__(self, n_components: int, hidden_size: int, latent_size: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(latent_size, hidden_size), nn.Tanh(), nn.Linear(hidden_size, n_components)
        )

    def forward(self, latent: Tensor) -> Tensor:
        components: Tensor = self.layers(latent)
        return components
