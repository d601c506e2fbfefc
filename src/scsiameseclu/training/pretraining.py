"""The first phase, by default the only one: the latents take shape."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from scsiameseclu.settings import ModelSettings
from scsiameseclu.training.phase import Phase
from scsiameseclu.training.trainer import Trainer

PEAK = 2.0
"""Largest step size, as a multiple of the learning rate."""


class Pretraining(Phase):
    """Trains on the objective alone, with one cycle of step sizes.

    The step size warms up to twice the learning rate and is then annealed (Smith and Topin 2019).
    """

    name = "pretrain"

    def __init__(self, settings: ModelSettings) -> None:
        self.n_steps, self.rate = settings.pretrain_steps, settings.learning_rate

    def end(self, trainer: Trainer) -> None:
        trainer.encode()
        trainer.centre()

    def optimiser(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.Adam(parameters, lr=self.rate, fused=True)

    def schedule(self, optimiser: torch.optim.Optimizer) -> torch.optim.lr_scheduler.OneCycleLR:
        return torch.optim.lr_scheduler.OneCycleLR(
            optimiser, max_lr=PEAK * self.rate, total_steps=self.n_steps
        )

    def stopped(self, n_steps: int) -> str:
        return f"{n_steps} steps of representation training"
