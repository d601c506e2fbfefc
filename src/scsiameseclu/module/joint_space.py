"""The space in which cells are clustered: what a network learned beside what PCA already knew.

A short training learns much and forgets some; the components know the rest. Each block is centred,
each cell's part of it scaled to length 1 (so that distances are cosine distances), and the blocks
weigh the same. Clustering losses reach the network through its own block.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

FEW_COMPONENTS = 20
NOISE_SHARE = 0.1


def signal_weights(components: np.ndarray) -> np.ndarray:
    """How much of each principal component's deviation is signal, (n_components,) in [0, 1].

    ``sqrt(max(0, 1 - noise / variance))``, where the noise is the mean variance of the last tenth
    of the components. With fewer than 20 components all weights are 1: the last are not noise.
    """
    n_components = components.shape[1]
    if n_components < FEW_COMPONENTS:
        return np.ones(n_components, dtype=np.float32)
    variance = np.maximum(components.var(axis=0, dtype=np.float64), 1e-12)
    noise = np.sort(variance)[: int(NOISE_SHARE * n_components)].mean()
    return np.sqrt(np.maximum(0.0, 1.0 - noise / variance)).astype(np.float32)


class JointSpace(nn.Module):
    """Joins the weighted components and the latent, or takes the latent alone.

    Parameters
    ----------
    n_components, latent_size
        Sizes of the two blocks.
    with_components
        False for the latent alone.
    """

    weights: Tensor
    component_centre: Tensor
    latent_centre: Tensor

    def __init__(self, n_components: int, latent_size: int, with_components: bool) -> None:
        super().__init__()
        self.register_buffer("weights", torch.ones(n_components))
        self.register_buffer("component_centre", torch.zeros(n_components))
        self.register_buffer("latent_centre", torch.zeros(latent_size))
        self.with_components = with_components
        self.n_dimensions = latent_size + (n_components if with_components else 0)

    @torch.no_grad()
    def fit(self, components: Tensor, latent: Tensor) -> None:
        """Take centres and weights from all cells."""
        weights = signal_weights(components.cpu().numpy())
        self.weights.copy_(torch.from_numpy(weights))
        self.component_centre.copy_(components.mean(dim=0))
        self.latent_centre.copy_(latent.mean(dim=0))

    def blocks(self, components: Tensor, latent: Tensor) -> list[Tensor]:
        """The blocks with rows of length 1: components, if they are in, then latent."""
        learned = normalize(latent - self.latent_centre, dim=1)
        if not self.with_components:
            return [learned]
        return [normalize((components - self.component_centre) * self.weights, dim=1), learned]

    def forward(self, components: Tensor, latent: Tensor) -> Tensor:
        """Join (n_cells, n_components) and (n_cells, latent_size); rows have length 1."""
        return join(self.blocks(components, latent))


def join(blocks: list[Tensor]) -> Tensor:
    """Blocks of unit rows side by side, scaled so that rows have length 1 again."""
    joined: Tensor = torch.cat(blocks, dim=1) / len(blocks) ** 0.5
    return joined


def parts(embedding: np.ndarray, n_shared: int, latent_size: int) -> list[np.ndarray]:
    """The blocks of an embedding, each (n_cells, size): components, if any, then latents.

    Parameters
    ----------
    embedding, n_shared, latent_size
        As for :func:`split`.
    """
    tensor = torch.from_numpy(np.asarray(embedding, dtype=np.float32))
    first, *others = split(tensor, n_shared, latent_size)
    return [block.numpy() for block in (*first, *(blocks[-1] for blocks in others))]


def split(embedding: Tensor, n_shared: int, latent_size: int) -> list[list[Tensor]]:
    """The blocks of unit rows of each network, from the embedding that joins them all.

    Parameters
    ----------
    embedding
        The shared components, if any, then the latents of the networks, (n_cells, n_dimensions).
    n_shared
        Dimensions of the components, 0 for none.
    latent_size
        Dimensions of each latent.
    """
    common = [normalize(embedding[:, :n_shared], dim=1)] if n_shared else []
    latents = torch.split(embedding[:, n_shared:], latent_size, dim=1)
    return [[*common, normalize(latent, dim=1)] for latent in latents]
