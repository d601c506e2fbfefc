"""Which latents are clustered: a network's own, or those propagated over the graph."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from scsiameseclu.module.cells import CellData
from scsiameseclu.module.propagation import smooth_all
from scsiameseclu.module.terms import BANK, Step


class Readout:
    """The fused latents as they are.

    Attributes
    ----------
    needs
        As of a :class:`~scsiameseclu.module.terms.Term`.
    """

    needs: frozenset[str] = frozenset()

    def of_step(self, step: Step) -> Tensor:
        """Latents of a mini-batch, (n_cells, latent_size)."""
        return step.latents.fused

    def of_all(self, latents: Tensor, data: CellData) -> Tensor:
        """Latents of all cells from their fused latents, both (n_cells, latent_size)."""
        return latents

    def kept(self, latents: list[Tensor], cells: np.ndarray) -> np.ndarray | None:
        """The latents of landmarks that reading out new cells needs; None if it needs none."""
        return None


class SmoothedReadout(Readout):
    """The fused latents propagated over the graph once."""

    needs = frozenset({BANK})

    def of_step(self, step: Step) -> Tensor:
        return step.smoothed

    def of_all(self, latents: Tensor, data: CellData) -> Tensor:
        return smooth_all(latents, data)

    def kept(self, latents: list[Tensor], cells: np.ndarray) -> np.ndarray:
        return np.stack([of_network.cpu().numpy()[cells] for of_network in latents])
