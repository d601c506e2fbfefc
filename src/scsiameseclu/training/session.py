"""Training of all networks of a fit, beside each other, with one checkpoint and one progress."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

import pandas as pd
from torch import Tensor

from scsiameseclu.module.joint_space import LatentSpace, join
from scsiameseclu.one_thread import threads_like_this
from scsiameseclu.training.checkpoint import Checkpoint
from scsiameseclu.training.phase import Phase
from scsiameseclu.training.progress import Progress
from scsiameseclu.training.trainer import Trainer

log = logging.getLogger(__name__)

TURN = 5
"""Mini-batches that a network trains before another one takes its core."""


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

    def run(self, phases: Sequence[Phase], n_steps: int, n_at_once: int = 1) -> None:
        """Train each network through its phase.

        Parameters
        ----------
        phases
            One for each network.
        n_steps
            Mini-batches of all networks and phases at most, for the progress.
        n_at_once
            Networks that train at the same time. They share nothing but the data, which they only
            read, so that the result does not depend on it.
        """
        done = sum(trainer.step for trainer in self.trainers)
        size = self.trainers[0].batches.size
        with self.checkpoint.on_sigterm(), Progress(n_steps, size, done) as progress:
            for trainer in self.trainers:
                trainer.progress = progress
            if n_at_once == 1:
                self._one_by_one(phases)
            else:
                self._in_turns(phases, n_at_once)

    def _one_by_one(self, phases: Sequence[Phase]) -> None:
        for trainer, phase in zip(self.trainers, phases, strict=True):
            while not trainer.advance(phase, TURN):
                self._offer()
            self._offer(now=True)

    def _in_turns(self, phases: Sequence[Phase], n_at_once: int) -> None:
        """Threads take the networks in turn, so that all end at about the same time."""
        waiting = deque(zip(self.trainers, phases, strict=True))
        running: dict[Future[bool], tuple[Trainer, Phase]] = {}
        with threads_like_this(n_at_once, "network") as pool:
            while waiting or running:
                # The state is consistent only while no network trains.
                while waiting and len(running) < n_at_once and not self.checkpoint.due:
                    trainer, phase = waiting.popleft()
                    running[pool.submit(trainer.advance, phase, TURN)] = (trainer, phase)
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    pair = running.pop(future)
                    if not future.result():
                        waiting.append(pair)
                if not running:
                    self._offer()
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
