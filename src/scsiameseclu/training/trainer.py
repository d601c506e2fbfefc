"""Training of one network: a loop over mini-batches, phase by phase."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from scsiameseclu.module.cells import CellData
from scsiameseclu.module.network import SiameseNetwork
from scsiameseclu.module.readout import Readout
from scsiameseclu.module.terms import BANK, Objective, Step
from scsiameseclu.training.batches import Batches
from scsiameseclu.training.loader import Loader
from scsiameseclu.training.phase import Phase
from scsiameseclu.training.progress import Progress

ENCODE_CELLS = 2048
LOG_EVERY = 5
MAX_GRADIENT = 5.0
"""Largest norm of the gradient of all parameters; larger ones are scaled down to it."""


@dataclass
class Trainer:
    """Training of one network.

    Parameters
    ----------
    network, objective
        The network and the terms that train it, on ``device``.
    data
        All cells.
    readout
        Which latents are clustered.
    groups
        One-hot groups of cells, (n_cells, n_groups); (n_cells, 0) unless a term needs them.
    batch_size, seed, device
        Cells in a mini-batch, seed of the mini-batches and the augmentation, where to compute.
    label
        Name of the network in progress reports.
    progress
        Receives progress updates.
    after_step
        Called after every mini-batch, to look at the state while it trains.

    Attributes
    ----------
    latents
        Fused latents of all cells as last encoded, (n_cells, latent_size).
    history
        One record (step, epoch, phase, loss, terms) every few mini-batches.
    step
        Mini-batches so far.
    ended
        Names of the phases that have ended.
    stopped
        Why the last of them ended, as a sentence.
    """

    network: SiameseNetwork
    objective: Objective
    data: CellData
    readout: Readout
    groups: Tensor
    batch_size: int
    seed: int
    device: torch.device
    label: str = "network"
    progress: Progress | None = None
    after_step: Callable[[], None] = field(default=lambda: None)
    history: list[dict[str, float | int | str]] = field(default_factory=list)
    step: int = 0
    ended: list[str] = field(default_factory=list)
    stopped: str = ""

    def __post_init__(self) -> None:
        self.generator = torch.Generator(device=self.device).manual_seed(self.seed)
        self.batches = Batches(self.data.n_cells, self.batch_size, self.seed)
        self.loader = Loader(self.data, self.batches, self.device)
        self.membership = self.groups
        self.latents = torch.zeros(0, self.network.latent_size, device=self.device)
        if BANK in self.objective.needs:
            self.encode()
        self.phase: Phase | None = None
        self.phase_step = 0
        self._resumed: dict[str, Any] | None = None
        self._reported = 0

    def run(self, phase: Phase) -> None:
        """Train until the phase ends, from the loaded state if there is one."""
        self.advance(phase, phase.n_steps)

    def advance(self, phase: Phase, n_steps: int) -> bool:
        """Train for some mini-batches of a phase, or to its end.

        Parameters
        ----------
        phase
            Begins now unless it is under way or was loaded.
        n_steps
            Mini-batches at most.

        Returns
        -------
        bool
            Whether the phase has ended.
        """
        if phase.name in self.ended:
            return True
        if self.phase is None:
            self._begin(phase)
        for _ in range(min(n_steps, phase.n_steps - self.phase_step)):
            self._train_step(phase.name)
            self.phase_step += 1
            if phase.after_step(self, self.phase_step):
                break
            self.after_step()
        else:
            if self.phase_step < phase.n_steps:
                return False
        phase.end(self)
        self.stopped = phase.stopped(self.step)
        self.ended.append(phase.name)
        self.phase = None
        return True

    def _begin(self, phase: Phase) -> None:
        state, self._resumed = self._resumed, None
        if state is None:
            phase.begin(self)
        else:
            phase.load_state_dict(state["phase"], self)
        self.terms = phase.objective(self)
        modules = (self.network, self.terms)
        self.parameters = [p for module in modules for p in module.parameters()]
        self.optimiser = phase.optimiser(self.parameters)
        self.schedule = phase.schedule(self.optimiser)
        self.phase_step = 0
        if state is not None:
            self.optimiser.load_state_dict(state["optimiser"])
            if self.schedule is not None:
                self.schedule.load_state_dict(state["schedule"])
            self.phase_step = state["step"]
        self.phase = phase

    def _train_step(self, phase: str) -> None:
        batch = next(self.loader)
        latents = self.network(batch, self.generator)
        membership = self.membership[batch.cells]
        losses = self.terms(Step(batch, latents, self.generator, self.latents, membership))
        self._update(losses)
        if BANK in self.terms.needs:
            self.latents[batch.cells] = latents.fused.detach().to(self.latents.dtype)
        self.step += 1
        if self.step % LOG_EVERY == 0 or self.step == 1:
            self._record(phase, losses)

    def _update(self, losses: dict[str, Tensor]) -> None:
        loss = torch.stack(list(losses.values())).sum()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.parameters, MAX_GRADIENT)
        self.optimiser.step()
        if self.schedule is not None:
            self.schedule.step()

    def _record(self, phase: str, losses: dict[str, Tensor]) -> None:
        parts = {name: float(value.detach()) for name, value in losses.items()}
        loss = float(torch.stack([value.detach() for value in losses.values()]).sum())
        if not np.isfinite(loss):
            raise FloatingPointError(f"the loss is {loss} at step {self.step}")
        epoch = self.step * self.batch_size // self.data.n_cells
        self.history.append(
            {"step": self.step, "epoch": epoch, "phase": phase, "loss": loss, **parts}
        )
        if self.progress is not None:
            where = f"{self.label} ({phase})"
            self.progress.advance(self.step - self._reported, loss, where)
        self._reported = self.step

    # -- state ------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """All that training needs to resume, bit for bit on the CPU: tensors and plain values."""
        state = {
            "step": self.step,
            "ended": list(self.ended),
            "stopped": self.stopped,
            "history": self.history,
            "network": self.network.state_dict(),
            "objective": self.objective.state_dict(),
            "latents": self.latents,
            "batches": self.batches.state_dict(),
            "generator": self.generator.get_state(),
        }
        if self._resumed is not None:  # loaded, and its phase not yet run
            return {**state, "running": self._resumed}
        if self.phase is None:
            return state
        running = {
            "step": self.phase_step,
            "phase": self.phase.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        if self.schedule is not None:
            running["schedule"] = self.schedule.state_dict()
        return {**state, "running": running}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Resume from a state of :meth:`state_dict`, on this device."""
        self.network.restore(state["network"])
        self.objective.load_state_dict(state["objective"])
        self.latents = state["latents"].to(self.device)
        self.batches.load_state_dict(state["batches"])
        if state["generator"].numel() == self.generator.get_state().numel():  # same kind of device
            self.generator.set_state(state["generator"])
        self.step, self.stopped = state["step"], state["stopped"]
        self.ended, self.history = list(state["ended"]), list(state["history"])
        self._reported = self.step
        self._resumed = state.get("running")

    # -- all cells --------------------------------------------------------------------------

    @torch.no_grad()
    def encode(self) -> None:
        """Set the fused latents of all cells, without augmentation."""
        n_cells = self.data.n_cells
        latents = []
        for first in range(0, n_cells, ENCODE_CELLS):
            inputs = self.loader.encoder_inputs(first, min(first + ENCODE_CELLS, n_cells))
            latents.append(self.network.encode(*inputs))
        self.latents = torch.cat(latents)

    @torch.no_grad()
    def read_out(self) -> Tensor:
        """Latents of all cells as they are clustered, from those last encoded."""
        return self.readout.of_all(self.latents, self.data)

    @torch.no_grad()
    def block(self) -> Tensor:
        """All cells' block of the joint space, from the latents last encoded; unit rows."""
        return self.network.block(self.read_out())

    @torch.no_grad()
    def centre(self) -> None:
        """Centre the block of the joint space on the latents last encoded."""
        self.network.latent_centre.copy_(self.read_out().mean(dim=0))

    def show(self, data: CellData) -> None:
        """Continue with other views of the same cells."""
        self.data = data
        self.loader.show(data)
