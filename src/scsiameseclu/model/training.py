"""Training: representation first, then clusters on transport targets, until they stand still."""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from scsiameseclu.model.losses import clustering_divergence
from scsiameseclu.model.network import SiameseNetwork, representation_losses
from scsiameseclu.model.transport import sinkhorn_targets, transported
from scsiameseclu.model.views import Batch, CellData, graph_views
from scsiameseclu.settings import ModelSettings

log = logging.getLogger(__name__)

ENCODE_CELLS = 2048
LOG_EVERY = 5
SECONDS_BETWEEN_LINES = 10.0
PROPORTION_MOMENTUM = 0.5
PEAK = 2.0


@dataclass
class Trainer:
    """One training run.

    Parameters
    ----------
    network
        On ``device``.
    data
        All cells.
    adjacency
        The kNN graph, for the edge perturbation in latent space.
    start
        The partition that training starts from, integers (n_cells,).
    settings, seed, device
        As the user gave them.

    Attributes
    ----------
    history
        One record (step, epoch, phase, loss, parts) every few mini-batches.
    stopped
        Why training ended, as a sentence.
    """

    network: SiameseNetwork
    data: CellData
    adjacency: sp.csr_matrix
    start: np.ndarray
    settings: ModelSettings
    seed: int
    device: torch.device
    history: list[dict[str, float | int | str]] = field(default_factory=list)
    stopped: str = ""

    def __post_init__(self) -> None:
        self.generator = torch.Generator(device=self.device).manual_seed(self.seed)
        self.batches = self._batches(np.random.default_rng(self.seed))
        self.membership = torch.nn.functional.one_hot(
            torch.from_numpy(self.start).long().to(self.device), self.network.centres.shape[0]
        ).float()
        self.network.proportions.copy_(self.membership.mean(dim=0))
        self.bank = self.encode_all()
        self.step = 0
        self._last_line = time.monotonic()

    def run(self) -> None:
        """Pretrain, then cluster."""
        self._pretrain()
        if self.settings.transport and self.settings.cluster_steps:
            self._cluster()
        else:
            self.stopped = "stopped after pretraining: training on transport targets is off"
        log.info("%s", self.stopped)

    # -- the two phases ---------------------------------------------------------------------

    def _pretrain(self) -> None:
        rate, n_steps = self.settings.learning_rate, self.settings.pretrain_steps
        optimiser = torch.optim.Adam(self.network.parameters(), lr=rate)
        # warm up to twice the rate, then anneal (Smith & Topin 2019)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, max_lr=PEAK * rate, total_steps=n_steps
        )
        for _ in range(self.settings.pretrain_steps):
            batch, latents, losses = self._losses()
            self._update(optimiser, losses, "pretrain")
            schedule.step()
            self.bank[batch.cells] = latents.detach()
        self._begin_clustering()

    @torch.no_grad()
    def _begin_clustering(self) -> None:
        """Perturb edges by the latent from now on; put the centres at the start's means."""
        self.bank = self.encode_all()
        latent = self.smooth_all(self.bank)
        self.data.views = graph_views(
            self.data.components, self.adjacency, self.settings, latent.cpu().numpy()
        )
        self.bank = self.encode_all()
        latent = self.smooth_all(self.bank)
        components = torch.from_numpy(self.data.components).to(self.device)
        self.network.joint.fit(components, latent)
        embedding = self.network.joint(components, latent)
        share = self.membership / self.membership.sum(dim=0, keepdim=True)
        self.network.centres.copy_(share.T @ embedding)
        self.network.prototypes.copy_(share.T @ self.bank)
        own = (embedding - self.membership @ self.network.centres).pow(2).sum(dim=1)
        self.network.scale.copy_(own.mean().clamp(min=1e-6))
        self.refresh_targets()

    def _cluster(self) -> None:
        rate = self.settings.learning_rate * self.settings.clustering_rate
        optimiser = torch.optim.Adam(self.network.parameters(), lr=rate)
        labels = self.targets.argmax(dim=1)
        for done in range(1, self.settings.cluster_steps + 1):
            batch, latents, losses = self._losses(with_clusters=True)
            self._update(optimiser, losses, "cluster")
            self.bank[batch.cells] = latents.detach()
            if done % self.settings.refresh_every and done < self.settings.cluster_steps:
                continue
            self.refresh_targets()
            previous, labels = labels, self.targets.argmax(dim=1)
            changed = float((labels != previous).float().mean())
            if changed < self.settings.tolerance:
                self.stopped = (
                    f"converged after {self.step} steps: {changed:.2%} of the cells changed "
                    f"cluster between two targets"
                )
                return
        self.stopped = (
            f"stopped after {self.step} steps, the most allowed: {changed:.2%} of the cells "
            f"still changed cluster between two targets"
        )

    @torch.no_grad()
    def refresh_targets(self) -> None:
        """New targets for all cells: by transport, or where that is off by the assignment alone."""
        self.bank = self.encode_all()
        log_assignment = self.network.log_assignment(self.embedding())
        proportions = self.network.proportions
        sharpness = self.settings.sharpness
        if self.settings.transport:
            targets, potential = sinkhorn_targets(log_assignment, proportions, sharpness)
        else:
            potential = torch.zeros_like(self.network.potential)
            targets = transported(log_assignment, potential, sharpness)
        if self.settings.learn_proportions:
            prior = proportions.clamp(min=1e-6).log()
            free = transported(log_assignment, prior, sharpness).mean(dim=0)
            proportions.lerp_(free, PROPORTION_MOMENTUM)
        self.network.potential.copy_(potential)
        self.targets = targets
        self.membership = targets

    # -- one step ---------------------------------------------------------------------------

    def _losses(self, with_clusters: bool = False) -> tuple[Batch, Tensor, dict[str, Tensor]]:
        batch = self.data.batch(next(self.batches), self.device)
        latents = self.network(batch, self.bank, self.generator)
        losses = representation_losses(
            self.network, batch, latents, self.bank, self.membership[batch.cells], self.generator
        )
        if with_clusters:
            embedding = self.network.joint(batch.components, latents.smoothed)
            divergence = clustering_divergence(
                self.network.log_assignment(embedding), self.targets[batch.cells]
            )
            losses["clustering"] = self.settings.clustering * divergence
        return batch, latents.fused, losses

    def _update(
        self, optimiser: torch.optim.Optimizer, losses: dict[str, Tensor], phase: str
    ) -> None:
        loss = torch.stack(list(losses.values())).sum()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        optimiser.step()
        self.step += 1
        if self.step % LOG_EVERY == 0 or self.step == 1:
            self._record(phase, float(loss.detach()), losses)

    def _record(self, phase: str, loss: float, losses: dict[str, Tensor]) -> None:
        if not np.isfinite(loss):
            raise FloatingPointError(f"the loss is {loss} at step {self.step}")
        epoch = self.step * self.settings.batch_size // self.data.n_cells
        parts = {name: float(value.detach()) for name, value in losses.items()}
        self.history.append(
            {"step": self.step, "epoch": epoch, "phase": phase, "loss": loss, **parts}
        )
        if time.monotonic() - self._last_line > SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            total = self.settings.pretrain_steps + self.settings.cluster_steps
            log.info("step %d of at most %d (%s): loss %.4f", self.step, total, phase, loss)

    def _batches(self, rng: np.random.Generator) -> Iterator[np.ndarray]:
        """Endless mini-batches: every epoch a new order; a last, short one is left out."""
        n_cells = self.data.n_cells
        size = min(self.settings.batch_size, n_cells)
        while True:
            order = rng.permutation(n_cells)
            for first in range(0, n_cells - size + 1, size):
                yield np.sort(order[first : first + size])

    # -- all cells --------------------------------------------------------------------------

    @torch.no_grad()
    def encode_all(self) -> Tensor:
        """Fused latents of all cells without augmentation, (n_cells, latent_size)."""
        n_cells = self.data.n_cells
        blocks = [
            np.arange(first, min(first + ENCODE_CELLS, n_cells))
            for first in range(0, n_cells, ENCODE_CELLS)
        ]
        return torch.cat([self.network.encode(self.data.batch(b, self.device)) for b in blocks])

    @torch.no_grad()
    def smooth_all(self, fused: Tensor) -> Tensor:
        """Propagate latents of all cells over the graph, in blocks; (n_cells, latent_size)."""
        out = []
        for first in range(0, self.data.n_cells, ENCODE_CELLS):
            part = slice(first, first + ENCODE_CELLS)
            indices = torch.from_numpy(self.data.neighbours[part]).to(self.device)
            weights = torch.from_numpy(self.data.weights[part]).to(self.device)
            out.append((weights.unsqueeze(2) * fused[indices]).sum(dim=1))
        return torch.cat(out)

    @torch.no_grad()
    def embedding(self) -> Tensor:
        """All cells in the joint space, from the latents last encoded; (n_cells, n_dimensions)."""
        components = torch.from_numpy(self.data.components).to(self.device)
        return self.network.joint(components, self.smooth_all(self.bank))
