"""The space in which cells are clustered: what a network learned beside what PCA already knew.

A short training learns much and forgets some; the components know the rest. Each block is centred,
each cell's part of it scaled to length 1 (so that distances are cosine distances), and the blocks
weigh the same. Clustering losses reach a network through its own block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import normalize

from scsiameseclu.preprocess.signal import signal_weights


def unit_rows(values: Tensor, centre: Tensor) -> Tensor:
    """Rows less a centre, scaled to length 1."""
    return normalize(values - centre, dim=1)


class LatentSpace:
    """The latents alone: networks share no block."""

    n_shared = 0

    def shared(self, components: Tensor) -> list[Tensor]:
        """The blocks that all networks share, each of unit rows (n_cells, n_dimensions)."""
        return []

    def tensors(self) -> dict[str, Tensor]:
        """What is saved of the space."""
        return {}

    def to(self, device: str) -> LatentSpace:
        """The same on another device."""
        return self


@dataclass(frozen=True)
class JointSpace(LatentSpace):
    """Components, weighted by their signal, beside the latents.

    Attributes
    ----------
    centre, weights
        Mean and signal weight of each component among the fitted cells, (n_components,).
    """

    centre: Tensor
    weights: Tensor

    @classmethod
    def fit(cls, components: Tensor) -> JointSpace:
        """Take centre and weights from the components of all cells, (n_cells, n_components)."""
        weights = torch.from_numpy(signal_weights(components.cpu().numpy()))
        return cls(components.mean(dim=0), weights.to(components.device))

    @property
    def n_shared(self) -> int:  # type: ignore[override]
        """Number of components."""
        return int(self.weights.shape[0])

    def shared(self, components: Tensor) -> list[Tensor]:
        """One block: the weighted components."""
        return [normalize((components - self.centre) * self.weights, dim=1)]

    def tensors(self) -> dict[str, Tensor]:
        """What is saved of the space."""
        return {"centre": self.centre, "weights": self.weights}

    def to(self, device: str) -> JointSpace:
        """The same on another device."""
        return JointSpace(self.centre.to(device), self.weights.to(device))


@dataclass(frozen=True)
class EmbeddingLayout:
    """Where the blocks of an embedding are: shared components, if any, then latents.

    Attributes
    ----------
    n_shared
        Dimensions of the shared components, 0 for none.
    latent_size
        Dimensions of each network's latent.
    n_networks
        Number of latents.
    """

    n_shared: int
    latent_size: int
    n_networks: int

    @property
    def n_dimensions(self) -> int:
        """Dimensions of the embedding."""
        return self.n_shared + self.n_networks * self.latent_size

    def split(self, embedding: Tensor) -> list[list[Tensor]]:
        """The blocks of unit rows that each network sees: shared components and its own latent."""
        common = [normalize(embedding[:, : self.n_shared], dim=1)] if self.n_shared else []
        latents = torch.split(embedding[:, self.n_shared :], self.latent_size, dim=1)
        return [[*common, normalize(latent, dim=1)] for latent in latents]

    def parts(self, embedding: Tensor) -> list[Tensor]:
        """All blocks once, each of unit rows: shared components, if any, then the latents."""
        first, *others = self.split(embedding)
        return [*first, *(blocks[-1] for blocks in others)]


def join(blocks: Sequence[Tensor]) -> Tensor:
    """Blocks of unit rows side by side, scaled so that rows have length 1 again."""
    joined: Tensor = torch.cat(list(blocks), dim=1) / len(blocks) ** 0.5
    return joined
