"""Training: representation first, then clusters on transport targets, until they stand still."""

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from scsiameseclu.clusters.transport import sinkhorn_targets, transported
from scsiameseclu.model.losses import clustering_divergence
from scsiameseclu.model.network import SiameseNetwork, representation_losses
from scsiameseclu.model.representation import join
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
    groups
        Groups of cells that the latent-level refinement averages over while there are no clusters,
        integers 0 … n_groups - 1, (n_cells,).
    settings, device
        As the user gave them.
    seed
        Of this network.
    number
        Of this network in the ensemble, from 0.

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
    groups: np.ndarray
    settings: ModelSettings
    seed: int
    device: torch.device
    number: int = 0
    history: list[dict[str, float | int | str]] = field(default_factory=list)
    stopped: str = ""

    def __post_init__(self) -> None:
        self.generator = torch.Generator(device=self.device).manual_seed(self.seed)
        self.batches = self._batches(np.random.default_rng(self.seed))
        self.membership = self._one_hot(self.groups)
        self.bank = self.encode_all()
        self.step = 0
        self._last_line = time.monotonic()

    def pretrain(self) -> None:
        """Shape the latent; then fit the joint space to it."""
        rate, n_steps = self.settings.learning_rate, self.settings.pretrain_steps
        optimiser = torch.optim.Adam(self.network.parameters(), lr=rate)
        # warm up to twice the rate, then anneal (Smith & Topin 2019)
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimiser, max_lr=PEAK * rate, total_steps=n_steps
        )
        for _ in range(n_steps):
            batch, latents, losses = self._losses()
            self._update(optimiser, losses, "pretrain")
            schedule.step()
            self.bank[batch.cells] = latents.detach()
        self._fit_space()
        self.stopped = f"{self.step} steps of representation training"

    def cluster(self, start: np.ndarray) -> None:
        """Train on transport targets from a partition (n_cells,) on, until clusters stand still."""
        self._begin_clustering(start)
        self._cluster()
        self.network.joint.fit(self._components(), self.latent())

    # -- the two phases ---------------------------------------------------------------------

    @torch.no_grad()
    def _fit_space(self) -> None:
        self.bank = self.encode_all()
        self.network.joint.fit(self._components(), self.latent())

    @torch.no_grad()
    def _begin_clustering(self, start: np.ndarray) -> None:
        """Perturb edges by the latent from now on; put the centres at the start's means."""
        latent = self.latent()
        self.data.views = graph_views(
            self.data.components, self.adjacency, self.settings, latent.cpu().numpy()
        )
        self._fit_space()
        self.membership = self._one_hot(start)
        embedding = self.embedding()
        share = self.membership / self.membership.sum(dim=0, keepdim=True).clamp(min=1.0)
        self.network.place_clusters(
            share.T @ embedding, share.T @ self.bank, self.membership.mean(dim=0)
        )
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
            targets, _ = sinkhorn_targets(log_assignment, proportions, sharpness)
        else:
            targets = transported(log_assignment, torch.zeros_like(proportions), sharpness)
        if self.settings.learn_proportions:
            prior = proportions.clamp(min=1e-6).log()
            free = transported(log_assignment, prior, sharpness).mean(dim=0)
            proportions.lerp_(free, PROPORTION_MOMENTUM)
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
            latent = latents.smoothed if self.settings.propagate_latent else latents.fused
            embedding = self.network.joint(batch.components, latent)
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
            log.info(
                "network %d of %d, step %d of at most %d (%s): loss %.4f",
                self.number + 1,
                self.settings.networks,
                self.step,
                total,
                phase,
                loss,
            )

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
    def latent(self) -> Tensor:
        """Latents of all cells as last encoded, propagated if asked for; (n_cells, latent_size)."""
        if not self.settings.propagate_latent:
            return self.bank
        out = []
        for first in range(0, self.data.n_cells, ENCODE_CELLS):
            part = slice(first, first + ENCODE_CELLS)
            indices = torch.from_numpy(self.data.neighbours[part]).to(self.device)
            weights = torch.from_numpy(self.data.weights[part]).to(self.device)
            out.append((weights.unsqueeze(2) * self.bank[indices]).sum(dim=1))
        return torch.cat(out)

    @torch.no_grad()
    def blocks(self) -> list[Tensor]:
        """All cells' blocks of the joint space, from the latents last encoded."""
        return self.network.joint.blocks(self._components(), self.latent())

    def embedding(self) -> Tensor:
        """All cells in the joint space, (n_cells, n_dimensions); rows have length 1."""
        return join(self.blocks())

    def _components(self) -> Tensor:
        return torch.from_numpy(self.data.components).to(self.device)

    def _one_hot(self, labels: np.ndarray) -> Tensor:
        return torch.nn.functional.one_hot(torch.from_numpy(labels).long()).float().to(self.device)
