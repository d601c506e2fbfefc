"""What a phase of the training decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from scsiameseclu.module.terms import Objective

if TYPE_CHECKING:
    from scsiameseclu.training.trainer import Trainer


class Phase:
    """A part of the training with an optimiser of its own.

    Attributes
    ----------
    name
        Of the phase, in the history and the checkpoint.
    n_steps
        Mini-batches at most.
    """

    name: str
    n_steps: int

    def begin(self, trainer: Trainer) -> None:
        """Prepare the first step."""

    def end(self, trainer: Trainer) -> None:
        """Finish after the last step."""

    def objective(self, trainer: Trainer) -> Objective:
        """The terms of the phase."""
        return trainer.objective

    def optimiser(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """A new optimiser."""
        raise NotImplementedError

    def schedule(
        self, optimiser: torch.optim.Optimizer
    ) -> torch.optim.lr_scheduler.LRScheduler | None:
        """A new schedule of the step size, if it is not constant."""
        return None

    def after_step(self, trainer: Trainer, n_done: int) -> bool:
        """Update what the next step needs; True ends the phase."""
        return False

    def stopped(self, n_steps: int) -> str:
        """Why the phase ended, as a sentence; ``n_steps`` counts all steps of the network."""
        raise NotImplementedError

    def state_dict(self) -> dict[str, Any]:
        """What the phase itself needs to resume, beside the trainer's state."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any], trainer: Trainer) -> None:
        """Resume from a state of :meth:`state_dict`."""
