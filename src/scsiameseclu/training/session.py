"""Training of all networks of a fit, one after the other, with one checkpoint and one progress."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import pandas as pd
from torch import Tensor

from scsiameseclu.module.joint_space import LatentSpace, join
from scsiameseclu.training.checkpoint import Checkpoint
from scsiameseclu.training.phase import Phase
from scsiameseclu.training.progress import Progress
from scsiameseclu.training.trainer import Trainer

log = logging.getLogger(__name__)


class Session:
    """All networks in training.

    Parameters
    ----------
    trainers
        One for each network; they share the data.
    space, components
        The joint space, and the components of all cells (n_cells, n_pcs) on the device.
    checkpoint
        Keeps the state of all trainers.

    Attributes
    ----------
    before
        The embedding that joint training starts from, while it changes the networks; None before.
    """

    def __init__(
        self,
        trainers: Sequence[Trainer],
        space: LatentSpace,
        components: Tensor,
        checkpoint: Checkpoint,
    ) -> None:
        self.trainers, self.checkpoint = list(trainers), checkpoint
        self.shared = space.shared(components)
        self.before: Tensor | None = None

    def resume(self) -> None:
        """Restore what the checkpoint holds, if it holds anything."""
        state = self.checkpoint.load()
        if state is None:
            return
        for trainer, of_network in zip(self.trainers, state["networks"], strict=True):
            trainer.load_state_dict(of_network)
            if trainer.step:
                log.info("%s resumes from step %d", trainer.label, trainer.step)
        before = state["before"]
        self.before = None if before is None else before.to(self.trainers[0].device)

    def run(self, phases: Sequence[Phase], n_steps: int) -> None:
        """Train each network through its phase.

        Parameters
        ----------
        phases
            One for each network.
        n_steps
            Mini-batches of all networks and phases at most, for the progress.
        """
        done = sum(trainer.step for trainer in self.trainers)
        size = self.trainers[0].batches.size
        with self.checkpoint.on_sigterm(), Progress(n_steps, size, done) as progress:
            for trainer, phase in zip(self.trainers, phases, strict=True):
                trainer.progress, trainer.after_step = progress, self._offer
                trainer.run(phase)
                self._offer(now=True)

    def _offer(self, now: bool = False) -> None:
        def state() -> dict[str, Any]:
            networks = [trainer.state_dict() for trainer in self.trainers]
            return {"networks": networks, "before": self.before}

        self.checkpoint.offer(state, now)

    def start_of_joint_training(self) -> Tensor:
        """The embedding after the first phase, (n_cells, n_dimensions).

        Joint training changes the networks, so the checkpoint keeps it.
        """
        if self.before is None:
            self.before = self.embedding()
        return self.before

    def embedding(self) -> Tensor:
        """All cells: the shared block, if any, and every network's; (n_cells, n_dimensions)."""
        return join([*self.shared, *(trainer.block() for trainer in self.trainers)])

    @property
    def n_steps(self) -> int:
        """Mini-batches of all networks so far."""
        return sum(trainer.step for trainer in self.trainers)

    @property
    def stopped(self) -> str:
        """Why training ended, as a sentence."""
        if len(self.trainers) == 1:
            return self.trainers[0].stopped
        return "; ".join(
            f"network {number}: {trainer.stopped}"
            for number, trainer in enumerate(self.trainers, start=1)
        )

    def history(self) -> pd.DataFrame:
        """The records of all networks."""
        return pd.concat(
            [pd.DataFrame(t.history).assign(network=n) for n, t in enumerate(self.trainers)],
            ignore_index=True,
        )
