"""The space in which cells are clustered: what the network learned beside what PCA already knew.

A short training learns much and forgets some; the components know the rest. Each block is centred,
each cell's part of it scaled to length 1 (so that distances are cosine distances), and the blocks
weigh the same. Clustering losses reach the network through its own block.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

N_FIRST = 20


class JointSpace(nn.Module):
    """Joins the leading components, all components and the latent, (n_cells, n_dimensions)."""

    component_centre: Tensor
    latent_centre: Tensor

    def __init__(self, n_components: int, latent_size: int) -> None:
        super().__init__()
        self.register_buffer("component_centre", torch.zeros(n_components))
        self.register_buffer("latent_centre", torch.zeros(latent_size))
        self.n_first = min(N_FIRST, n_components)
        self.n_dimensions = self.n_first + n_components + latent_size

    @torch.no_grad()
    def fit(self, components: Tensor, latent: Tensor) -> None:
        """Take the centres of both inputs from all cells."""
        self.component_centre.copy_(components.mean(dim=0))
        self.latent_centre.copy_(latent.mean(dim=0))

    def forward(self, components: Tensor, latent: Tensor) -> Tensor:
        """Join (n_cells, n_components) and (n_cells, latent_size); rows have length 1."""
        centred = components - self.component_centre
        blocks = [centred[:, : self.n_first], centred, latent - self.latent_centre]
        return torch.cat([normalize(block, dim=1) for block in blocks], dim=1) / 3.0**0.5
