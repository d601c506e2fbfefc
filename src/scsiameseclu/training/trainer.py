"""Training: representation first, then clusters on transport targets, until they stand still."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from scsiameseclu.clustering.transport import sinkhorn_targets, transported
from scsiameseclu.module.cells import Batch, CellData
from scsiameseclu.module.graph_views import graph_views
from scsiameseclu.module.joint_space import join
from scsiameseclu.module.losses import clustering_divergence
from scsiameseclu.module.network import SiameseNetwork, representation_losses
from scsiameseclu.settings import ModelSettings
from scsiameseclu.training.batches import Batches
from scsiameseclu.training.loader import Loader
from scsiameseclu.training.progress import Progress

ENCODE_CELLS = 2048
LOG_EVERY = 5
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
    progress
        Where to tell how far it is.
    after_step
        Called after every mini-batch: a place to keep the state.

    Attributes
    ----------
    history
        One record (step, epoch, phase, loss, parts) every few mini-batches.
    phase
        ``new``, ``pretrain``, ``pretrained``, ``cluster`` or ``clustered``.
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
    progress: Progress | None = None
    after_step: Callable[[], None] = field(default=lambda: None)
    history: list[dict[str, float | int | str]] = field(default_factory=list)
    phase: str = "new"
    stopped: str = ""

    def __post_init__(self) -> None:
        self.generator = torch.Generator(device=self.device).manual_seed(self.seed)
        self.batches = Batches(self.data.n_cells, self.settings.batch_size, self.seed)
        self.loader = Loader(self.data, self.batches, self.device)
        self.membership = self._one_hot(self.groups)
        self.bank = self._first_bank()
        self.step = 0
        self.phase_step = 0
        self.changed = 1.0
        self._told = 0

    def pretrain(self) -> None:
        """Shape the latent; then fit the joint space to it. Goes on where a state was loaded."""
        if self.phase == "new":
            self._begin("pretrain")
        if self.phase != "pretrain":
            return
        while self.phase_step < self.settings.pretrain_steps:
            batch, latents, losses = self._losses()
            self._update(losses)
            self.schedule.step()
            self.bank[batch.cells] = latents.detach().to(self.bank.dtype)
            self._end_step()
        self._fit_space()
        self.stopped = f"{self.step} steps of representation training"
        self.phase = "pretrained"

    def cluster(self, start: np.ndarray) -> None:
        """Train on transport targets from a partition (n_cells,) on, until clusters stand still."""
        if self.phase == "pretrained":
            self._begin_clustering(start)
        if self.phase != "cluster":
            return
        self._cluster()
        self.network.joint.fit(self._components(), self.latent())
        self.phase = "clustered"

    # -- where it stands --------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """All that training needs to go on, bit for bit on the CPU: tensors and plain values."""
        if self.phase == "new":
            return {"phase": "new"}
        state = {
            "phase": self.phase,
            "step": self.step,
            "phase_step": self.phase_step,
            "stopped": self.stopped,
            "history": self.history,
            "network": self.network.state_dict(),
            "bank": self.bank,
            "batches": self.batches.state_dict(),
            "generator": self.generator.get_state(),
            "optimiser": self.optimiser.state_dict(),
        }
        if self.phase in ("cluster", "clustered"):
            own = {"targets": self.targets, "perturbed_by": self.perturbed_by}
            return state | own | {"changed": self.changed}
        return state | {"schedule": self.schedule.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up a state from :meth:`state_dict`, on this device."""
        if state["phase"] == "new":
            return
        clusters = "targets" in state
        if clusters:
            self._perturb_edges(state["perturbed_by"].to(self.device))
            self.targets = state["targets"].to(self.device)
            self.membership, self.changed = self.targets, state["changed"]
            n_clusters = self.targets.shape[1]
            kept = state["network"]
            self.network.place_clusters(
                kept["centres"].to(self.device),
                kept["prototypes"].to(self.device),
                torch.zeros(n_clusters, device=self.device),
            )
        self.network.load_state_dict(state["network"])
        self._begin("cluster" if clusters else "pretrain")
        if not clusters:
            self.schedule.load_state_dict(state["schedule"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.bank = state["bank"].to(self.device)
        self.batches.load_state_dict(state["batches"])
        if state["generator"].numel() == self.generator.get_state().numel():  # same kind of device
            self.generator.set_state(state["generator"])
        self.step, self.phase_step = state["step"], state["phase_step"]
        self._told = self.step
        self.history, self.stopped = list(state["history"]), state["stopped"]
        self.phase = state["phase"]

    # -- the two phases ---------------------------------------------------------------------

    def _begin(self, phase: str) -> None:
        """An optimiser of the phase's own."""
        self.phase, self.phase_step = phase, 0
        rate = self.settings.learning_rate
        if phase == "cluster":
            rate *= self.settings.clustering_rate
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=rate, fused=True)
        if phase == "pretrain":
            # warm up to twice the rate, then anneal (Smith & Topin 2019)
            self.schedule = torch.optim.lr_scheduler.OneCycleLR(
                self.optimiser, max_lr=PEAK * rate, total_steps=self.settings.pretrain_steps
            )

    def _end_step(self) -> None:
        self.phase_step += 1
        self.after_step()

    def _perturb_edges(self, latent: Tensor) -> None:
        """From now on drop the edges whose ends are least alike in this latent."""
        self.perturbed_by = latent
        components = self.data.components.cpu().numpy()
        views = graph_views(
            components, self.adjacency, self.settings, latent.cpu().numpy(), self.device
        )
        self.data = self.data.with_views(views)
        self.loader.show(self.data)

    @torch.no_grad()
    def _fit_space(self) -> None:
        self.bank = self.encode_all()
        self.network.joint.fit(self._components(), self.latent())

    @torch.no_grad()
    def _begin_clustering(self, start: np.ndarray) -> None:
        """Perturb edges by the latent from now on; put the centres at the start's means."""
        self._perturb_edges(self.latent().clone())
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
        self._begin("cluster")

    def _cluster(self) -> None:
        while self.phase_step < self.settings.cluster_steps:
            batch, latents, losses = self._losses(with_clusters=True)
            self._update(losses)
            self.bank[batch.cells] = latents.detach().to(self.bank.dtype)
            done = self.phase_step + 1
            if done % self.settings.refresh_every and done < self.settings.cluster_steps:
                self._end_step()
                continue
            labels = self.targets.argmax(dim=1)
            self.refresh_targets()
            self.changed = float((self.targets.argmax(dim=1) != labels).float().mean())
            if self.changed < self.settings.tolerance:
                self.stopped = (
                    f"converged after {self.step} steps: {self.changed:.2%} of the cells changed "
                    f"cluster between two targets"
                )
                return
            self._end_step()
        self.stopped = (
            f"stopped after {self.step} steps, the most allowed: {self.changed:.2%} of the cells "
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
        batch = next(self.loader)
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

    def _update(self, losses: dict[str, Tensor]) -> None:
        loss = torch.stack(list(losses.values())).sum()
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        self.step += 1
        if self.step % LOG_EVERY == 0 or self.step == 1:
            self._record(float(loss.detach()), losses)

    def _record(self, loss: float, losses: dict[str, Tensor]) -> None:
        if not np.isfinite(loss):
            raise FloatingPointError(f"the loss is {loss} at step {self.step}")
        epoch = self.step * self.settings.batch_size // self.data.n_cells
        parts = {name: float(value.detach()) for name, value in losses.items()}
        self.history.append(
            {"step": self.step, "epoch": epoch, "phase": self.phase, "loss": loss, **parts}
        )
        if self.progress is not None:
            where = f"network {self.number + 1} of {self.settings.networks} ({self.phase})"
            self.progress.advance(self.step - self._told, loss, where)
        self._told = self.step

    # -- all cells --------------------------------------------------------------------------

    @torch.no_grad()
    def encode_all(self) -> Tensor:
        """Fused latents of all cells without augmentation, (n_cells, latent_size)."""
        n_cells = self.data.n_cells
        latents = []
        for first in range(0, n_cells, ENCODE_CELLS):
            inputs = self.loader.encoder_inputs(first, min(first + ENCODE_CELLS, n_cells))
            latents.append(self.network.encode(*inputs))
        return torch.cat(latents)

    def _first_bank(self) -> Tensor:
        """Latents of the network as it is, if training looks at a cell's neighbours; else zeros."""
        if self.settings.looks_at_neighbours:
            return self.encode_all()
        return torch.zeros(self.data.n_cells, self.settings.latent_size, device=self.device)

    @torch.no_grad()
    def latent(self) -> Tensor:
        """Latents of all cells as last encoded, propagated if asked for; (n_cells, latent_size)."""
        if not self.settings.propagate_latent:
            return self.bank
        out = []
        for first in range(0, self.data.n_cells, ENCODE_CELLS):
            part = slice(first, first + ENCODE_CELLS)
            indices = self.data.neighbours[part].to(self.device)
            weights = self.data.weights[part].to(self.device)
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
        return self.data.components.to(self.device)

    def _one_hot(self, labels: np.ndarray) -> Tensor:
        return torch.nn.functional.one_hot(torch.from_numpy(labels).long()).float().to(self.device)
