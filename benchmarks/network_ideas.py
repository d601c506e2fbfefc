"""Ideas for the network that are not in the product: what each changes in the full model.

Each is a method of ``methods.py``; ``summary.py`` compares it with the full model.

- *views predicted*: instead of the cell-level refinement, a small network predicts each view's
  latent from the other view's, and the expression latent from the graph latent; gradients flow
  into the predicting side only (Grill et al. 2020; Chen and He 2021).
- *consensus as a target*: after the first phase, all networks train for 100 more steps on the
  consensus of the ensemble, mixed with the transport targets of a teacher whose weights follow the
  network's slowly (Tarvainen and Valpola 2017).
- *stopped by held-out counts*: training goes on, at a constant step size, until the likelihood of
  the counts of a tenth of the cells, which are left out, has not improved for 60 steps (at most
  960), and the parameters of the best step are taken.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity

from scsiameseclu.model import fitting
from scsiameseclu.module.terms import Objective, Step, Term
from scsiameseclu.settings import ModelSettings
from scsiameseclu.training.batches import Batches
from scsiameseclu.training.joint import JointPhase
from scsiameseclu.training.loader import Loader
from scsiameseclu.training.pretraining import Pretraining
from scsiameseclu.training.trainer import Trainer

# the full model of methods.py: five modules of the paper that the default leaves out
FULL: dict[str, object] = {
    "expression_noise": 0.1,
    "edge_drop": 0.1,
    "diffusion": True,
    "fusion": True,
    "cell_refinement_expression": 0.01,
    "cell_refinement_graph": 0.01,
}
WITHOUT_REFINEMENT = {"cell_refinement_expression": 0.0, "cell_refinement_graph": 0.0}
OPTIONS: dict[str, dict[str, object]] = {
    "views predicted": {**FULL, **WITHOUT_REFINEMENT},
    "consensus as a target": {**FULL, "cluster_steps": 100},
    "stopped by held-out counts": {**FULL, "pretrain_steps": 960},
}


class Prediction(Term):
    """One minus the cosine of a latent and its prediction from another view."""

    name = "prediction"

    def __init__(self, weight: float, latent_size: int) -> None:
        super().__init__(weight)
        self.predictors = nn.ModuleList(
            nn.Sequential(nn.Linear(latent_size, 64), nn.LeakyReLU(0.1), nn.Linear(64, latent_size))
            for _ in range(3)
        )

    def loss(self, step: Step) -> Tensor:
        (x1, x2), (g1, g2) = step.latents.expression, step.latents.graph
        of_expression, of_graph, across = self.predictors
        pairs = [
            (of_expression(x1), x2),
            (of_expression(x2), x1),
            (of_graph(g1), g2),
            (of_graph(g2), g1),
            (across(g1), x2),
            (across(g2), x1),
        ]
        gaps = [1.0 - cosine_similarity(p, z.detach(), dim=1).mean() for p, z in pairs]
        return torch.stack(gaps).mean()


class ConsensusPhase(JointPhase):
    """Targets: the mean of the ensemble's consensus and of the transport by a slow teacher."""

    consensus: Tensor
    momentum = 0.98

    def begin(self, trainer: Trainer) -> None:
        self.teacher = deepcopy(trainer.network)
        self.agreed = self.consensus.to(trainer.device)
        super().begin(trainer)

    def after_step(self, trainer: Trainer, n_done: int) -> bool:
        with torch.no_grad():
            own = dict(trainer.network.named_parameters())
            for name, value in self.teacher.named_parameters():
                if name in own:
                    value.lerp_(own[name], 1.0 - self.momentum)
        return super().after_step(trainer, n_done)

    @torch.no_grad()
    def _renew_targets(self, trainer: Trainer) -> None:
        student, trainer.network = trainer.network, self.teacher
        trainer.encode()
        embedding = self._embedding(trainer)
        trainer.network = student
        moved = self.clusters.targets(embedding, self.proportions, self.settings.sharpness)
        self._use((moved + self.agreed) / 2, trainer)
        trainer.encode()


class HeldOut:
    """Mini-batches of some of the cells."""

    def __init__(self, cells: np.ndarray, size: int, seed: int) -> None:
        self.cells, self._batches = cells, Batches(cells.size, size, seed)
        self.size, self.n_cells = self._batches.size, cells.size

    def __iter__(self) -> HeldOut:
        return self

    def __next__(self) -> np.ndarray:
        return self.cells[next(self._batches)]

    def peek(self) -> np.ndarray:
        """The next mini-batch, without advancing."""
        return self.cells[self._batches.peek()]


class EarlyStopping(Pretraining):
    """Ends when held-out counts are no longer explained better."""

    every, patience, share = 20, 3, 0.1

    def begin(self, trainer: Trainer) -> None:
        order = np.random.default_rng(trainer.seed).permutation(trainer.data.n_cells)
        n_held = max(1, round(self.share * order.size))
        self.held, kept = np.sort(order[:n_held]), np.sort(order[n_held:])
        batches: Any = HeldOut(kept, trainer.batch_size, trainer.seed)
        trainer.loader = Loader(trainer.data, batches, trainer.device)
        self.best, self.best_step = np.inf, 0

    def schedule(self, optimiser: torch.optim.Optimizer) -> None:
        return None

    def after_step(self, trainer: Trainer, n_done: int) -> bool:
        if n_done % self.every:
            return False
        loss = self._loss(trainer)
        if loss < self.best:
            self.best, self.best_step = loss, n_done
            self.state = deepcopy(trainer.network.state_dict())
        return n_done - self.best_step >= self.every * self.patience

    @torch.no_grad()
    def _loss(self, trainer: Trainer) -> float:
        batch = trainer.data.batch(self.held)
        latent = trainer.network.encode(batch.expression, batch.perturbed, batch.diffused)
        decoder: Any = trainer.objective.terms[0].decoder
        return float(decoder(latent, batch))

    def end(self, trainer: Trainer) -> None:
        trainer.network.load_state_dict(self.state)
        print(f"best after {self.best_step} steps", flush=True)
        super().end(trainer)


@contextmanager
def changed(idea: str) -> Iterator[ModelSettings]:
    """The training with an idea, and its settings."""
    settings = ModelSettings(**OPTIONS[idea])
    kept = {
        n: getattr(fitting, n) for n in ("build_objective", "Pretraining", "JointPhase", "_cluster")
    }
    try:
        if idea == "views predicted":

            def objective(n_genes: int, n_components: int, own: ModelSettings) -> Objective:
                terms = kept["build_objective"](n_genes, n_components, own)
                return Objective([*terms, Prediction(0.1, own.latent_size)])

            fitting.build_objective = objective
        elif idea == "consensus as a target":

            def cluster(*arguments: Any) -> Any:
                found = kept["_cluster"](*arguments)
                ConsensusPhase.consensus = torch.from_numpy(found.probability)
                return found

            fitting._cluster, fitting.JointPhase = cluster, ConsensusPhase
        else:
            fitting.Pretraining = EarlyStopping
        yield settings
    finally:
        for name, value in kept.items():
            setattr(fitting, name, value)
