"""The paper's second phase: latents and clusters are trained jointly, on transport targets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor, nn
from torch.nn.functional import one_hot

from scsiameseclu.clustering.members import Proportions
from scsiameseclu.clustering.transport import log_student_t, sinkhorn_targets, transported
from scsiameseclu.module.graph_views import perturbed_view
from scsiameseclu.module.joint_space import LatentSpace, join
from scsiameseclu.module.losses import clustering_divergence
from scsiameseclu.module.terms import Objective, Step, Term
from scsiameseclu.settings import ModelSettings
from scsiameseclu.training.phase import Phase
from scsiameseclu.training.trainer import Trainer

PROPORTION_MOMENTUM = 0.5


class SoftClusters(nn.Module):
    """Clusters in the joint space, which cells belong to by Student's t kernel.

    Attributes
    ----------
    centres
        (n_clusters, n_dimensions).
    proportions
        Shares of the cells, (n_clusters,).
    scale
        The squared distance that counts as 1.
    """

    proportions: Tensor
    scale: Tensor

    def __init__(self, centres: Tensor, proportions: Tensor, scale: Tensor) -> None:
        super().__init__()
        self.centres = nn.Parameter(centres.clone())
        self.register_buffer("proportions", proportions.clone())
        self.register_buffer("scale", scale.clone())

    @classmethod
    def of(cls, embedding: Tensor, membership: Tensor) -> SoftClusters:
        """The clusters of a partition, with the mean squared distance to the centres as scale.

        Parameters
        ----------
        embedding
            All cells in the joint space, (n_cells, n_dimensions).
        membership
            One-hot clusters, (n_cells, n_clusters).
        """
        centres = cluster_means(embedding, membership)
        squared = (embedding - membership @ centres).pow(2).sum(dim=1)
        return cls(centres, membership.mean(dim=0), squared.mean().clamp(min=1e-6))

    def log_assignment(self, embedding: Tensor) -> Tensor:
        """Log soft assignment Q of cells (n_cells, n_dimensions), (n_cells, n_clusters)."""
        return log_student_t(embedding, self.centres, self.scale)

    @torch.no_grad()
    def targets(self, embedding: Tensor, kind: Proportions, sharpness: float) -> Tensor:
        """Targets P for all cells, (n_cells, n_clusters): by transport, or sharpened Q alone.

        Learned proportions move towards those of the assignment, for the next targets.
        """
        log_assignment = self.log_assignment(embedding)
        if kind is Proportions.IGNORED:
            return transported(log_assignment, torch.zeros_like(self.proportions), sharpness)
        targets, _ = sinkhorn_targets(log_assignment, self.proportions, sharpness)
        if kind is Proportions.LEARNED:
            prior = self.proportions.clamp(min=1e-6).log()
            free = transported(log_assignment, prior, sharpness).mean(dim=0)
            self.proportions.lerp_(free, PROPORTION_MOMENTUM)
        return targets


def cluster_means(values: Tensor, membership: Tensor) -> Tensor:
    """Means of cells' values (n_cells, d) over one-hot clusters (n_cells, n_clusters)."""
    share = membership / membership.sum(dim=0, keepdim=True).clamp(min=1.0)
    return share.T @ values


class ClusteringTerm(Term):
    """KL(P || Q): cells should belong to clusters as their targets say."""

    name = "clustering"

    def __init__(self, weight: float, phase: JointPhase, trainer: Trainer) -> None:
        super().__init__(weight)
        self.clusters = phase.clusters
        self.needs = trainer.readout.needs
        self._phase, self._trainer = phase, trainer

    def loss(self, step: Step) -> Tensor:
        phase, trainer, cells = self._phase, self._trainer, step.batch.cells
        latent = trainer.network.block(trainer.readout.of_step(step))
        embedding = join([*(block[cells] for block in phase.shared), latent])
        return clustering_divergence(self.clusters.log_assignment(embedding), phase.targets[cells])


class JointPhase(Phase):
    """Trains on the objective and on clusters, whose targets are renewed now and then.

    From its start on, edges are perturbed by the latent in place of the components, and the
    fusion attends to the clusters' prototypes.

    Parameters
    ----------
    settings
        Steps, weight and step size of the phase, and how targets are made.
    adjacency
        kNN connectivities, (n_cells, n_cells) sparse.
    space, components
        The joint space, and the components of all cells (n_cells, n_pcs) on the device.
    start
        Clusters to start from, integers (n_cells,).

    Attributes
    ----------
    clusters
        The clusters that are trained.
    targets
        (n_cells, n_clusters).
    perturbed_by
        The latents that edges are perturbed by, (n_cells, latent_size).
    changed
        Share of the cells that changed cluster with the last targets.
    """

    name = "cluster"
    clusters: SoftClusters
    targets: Tensor
    perturbed_by: Tensor

    def __init__(
        self,
        settings: ModelSettings,
        adjacency: sp.csr_matrix,
        space: LatentSpace,
        components: Tensor,
        start: np.ndarray,
    ) -> None:
        self.settings, self.adjacency = settings, adjacency
        self.components, self.start = components, start
        self.n_steps = settings.cluster_steps
        self.proportions = Proportions(settings.proportions)
        self.shared = space.shared(components)
        self.changed = 1.0

    def begin(self, trainer: Trainer) -> None:
        self._perturb(trainer, trainer.read_out().clone())
        trainer.encode()
        trainer.centre()
        membership = one_hot(torch.from_numpy(self.start).long()).float().to(trainer.device)
        self.clusters = SoftClusters.of(self._embedding(trainer), membership)
        trainer.network.fusion.attend(cluster_means(trainer.latents, membership))
        self._renew_targets(trainer)

    def objective(self, trainer: Trainer) -> Objective:
        term = ClusteringTerm(self.settings.clustering, self, trainer)
        return Objective([*trainer.objective, term])

    def optimiser(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        rate = self.settings.learning_rate * self.settings.clustering_rate
        return torch.optim.Adam(parameters, lr=rate, fused=True)

    def after_step(self, trainer: Trainer, n_done: int) -> bool:
        if n_done % self.settings.refresh_every and n_done < self.n_steps:
            return False
        labels = self.targets.argmax(dim=1)
        self._renew_targets(trainer)
        self.changed = float((self.targets.argmax(dim=1) != labels).float().mean())
        return self.changed < self.settings.tolerance

    def end(self, trainer: Trainer) -> None:
        trainer.centre()

    def stopped(self, n_steps: int) -> str:
        if self.changed < self.settings.tolerance:
            return (
                f"converged after {n_steps} steps: {self.changed:.2%} of the cells changed cluster "
                "between two targets"
            )
        return (
            f"stopped after {n_steps} steps, the most allowed: {self.changed:.2%} of the cells "
            "still changed cluster between two targets"
        )

    def state_dict(self) -> dict[str, Any]:
        return {
            "clusters": self.clusters.state_dict(),
            "targets": self.targets,
            "perturbed_by": self.perturbed_by,
            "changed": self.changed,
        }

    def load_state_dict(self, state: Mapping[str, Any], trainer: Trainer) -> None:
        device = trainer.device
        self._perturb(trainer, state["perturbed_by"].to(device))
        self.clusters = SoftClusters(**state["clusters"]).to(device)
        self._use(state["targets"].to(device), trainer)
        self.changed = state["changed"]

    def _perturb(self, trainer: Trainer, latents: Tensor) -> None:
        """Drop the edges whose cells are least similar in these latents."""
        self.perturbed_by = latents
        features = latents.cpu().numpy()
        share = self.settings.edge_drop
        perturbed = perturbed_view(self.adjacency, self.components, features, share)
        trainer.show(trainer.data.with_perturbed(perturbed))

    def _embedding(self, trainer: Trainer) -> Tensor:
        return join([*self.shared, trainer.block()])

    @torch.no_grad()
    def _renew_targets(self, trainer: Trainer) -> None:
        trainer.encode()
        embedding = self._embedding(trainer)
        targets = self.clusters.targets(embedding, self.proportions, self.settings.sharpness)
        self._use(targets, trainer)

    def _use(self, targets: Tensor, trainer: Trainer) -> None:
        """New targets, which are also the groups that terms average over."""
        self.targets = trainer.membership = targets
