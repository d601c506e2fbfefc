"""The Siamese network: two encoders with shared weights over two views, fused, and decoded."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from scsiameseclu.clustering.transport import log_student_t
from scsiameseclu.module.augment import add_noise, swap_genes
from scsiameseclu.module.cells import Batch
from scsiameseclu.module.encoders import CountDecoder, ExpressionEncoder, GraphDecoder, GraphEncoder
from scsiameseclu.module.fusion import AdaptiveFusion, PlainFusion
from scsiameseclu.module.joint_space import JointSpace
from scsiameseclu.module.likelihood import count_loss
from scsiameseclu.module.losses import (
    adjacency_reconstruction,
    cell_refinement,
    latent_refinement,
    propagation_regularisation,
)
from scsiameseclu.module.sparse_rows import SparseRows
from scsiameseclu.settings import ModelSettings


@dataclass
class Latents:
    """What the encoders make of a mini-batch; each (n_cells, latent_size).

    ``expression`` and ``graph`` hold one tensor a view; ``fused`` is their fusion and ``smoothed``
    its propagation over the graph.
    """

    expression: tuple[Tensor, Tensor]
    graph: tuple[Tensor, Tensor]
    fused: Tensor
    smoothed: Tensor


class SiameseNetwork(nn.Module):
    """Encoders, fusion, decoders, and the cluster centres.

    Parameters
    ----------
    n_genes, n_components
        Sizes of the two inputs.
    settings
        Sizes of the layers, and which modules there are.
    n_clusters
        Number of centres.
    """

    proportions: Tensor
    scale: Tensor

    def __init__(
        self, n_genes: int, n_components: int, settings: ModelSettings, n_clusters: int
    ) -> None:
        super().__init__()
        hidden, latent = settings.hidden_size, settings.latent_size
        self.settings = settings
        self.expression_encoder = ExpressionEncoder(n_genes, hidden, latent)
        self.graph_encoder = GraphEncoder(n_components, hidden, latent)
        self.fusion = AdaptiveFusion(latent) if settings.fusion else PlainFusion()
        self.count_decoder = CountDecoder(n_genes, hidden, latent, settings.likelihood == "zinb")
        self.graph_decoder = GraphDecoder(n_components, hidden, latent)
        self.joint = JointSpace(n_components, latent, settings.space == "joint")
        self.centres = nn.Parameter(torch.zeros(n_clusters, self.joint.n_dimensions))
        self.prototypes = nn.Parameter(torch.zeros(n_clusters, latent))
        self.register_buffer("proportions", torch.full((n_clusters,), 1.0 / n_clusters))
        self.register_buffer("scale", torch.ones(()))

    @torch.no_grad()
    def place_clusters(self, centres: Tensor, prototypes: Tensor, proportions: Tensor) -> None:
        """New clusters, as many as rows: centres in the joint space, prototypes in the latent."""
        self.centres = nn.Parameter(centres.clone())
        self.prototypes = nn.Parameter(prototypes.clone())
        self.proportions = proportions.clone()

    def encode(
        self, expression: Tensor | SparseRows, perturbed: Tensor, diffused: Tensor
    ) -> Tensor:
        """Fused latents without augmentation, before smoothing; (n_cells, latent_size)."""
        graph = (self.graph_encoder(perturbed) + self.graph_encoder(diffused)) / 2
        return self.fusion(self.expression_encoder(expression), graph, self.prototypes)

    def log_assignment(self, embedding: Tensor) -> Tensor:
        """Log soft assignment of cells in the joint space to the centres, (n_cells, n_clusters).

        Of the joint training; what a fit reports comes from the ensemble.
        """
        return log_student_t(embedding, self.centres, self.scale)

    def forward(self, batch: Batch, bank: Tensor, generator: torch.Generator) -> Latents:
        """Both augmented views of a mini-batch through the shared encoders.

        ``bank`` holds the latest fused latents of all cells, (n_all_cells, latent_size): the
        propagation of this mini-batch over the graph takes its neighbours from there.
        """
        options = self.settings
        expression, graph = [], []
        for components in (batch.perturbed, batch.diffused):
            view = swap_genes(batch.expression, options.expression_swap, generator)
            view = add_noise(view, options.expression_noise, generator)
            expression.append(self.expression_encoder(view))
            noisy = add_noise(components, options.expression_noise, generator)
            graph.append(self.graph_encoder(noisy))
        fused = self.fusion(
            (expression[0] + expression[1]) / 2, (graph[0] + graph[1]) / 2, self.prototypes
        )
        smoothed = smooth(fused, batch, bank)
        return Latents((expression[0], expression[1]), (graph[0], graph[1]), fused, smoothed)


def smooth(fused: Tensor, batch: Batch, bank: Tensor) -> Tensor:
    """Propagate latents over the graph: own ones with gradient, the neighbours' from the bank."""
    own = batch.neighbours == batch.cells.unsqueeze(1)
    from_bank = (batch.weights * ~own).unsqueeze(2) * bank[batch.neighbours]
    return from_bank.sum(dim=1) + (batch.weights * own).sum(dim=1, keepdim=True) * fused


def representation_losses(
    network: SiameseNetwork,
    batch: Batch,
    latents: Latents,
    bank: Tensor,
    membership: Tensor,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """The weighted terms of the objective that shape the latents, by name.

    ``membership`` (n_cells, n_clusters) is the mini-batch's assignment, for the readout.
    Terms with weight 0 are not computed.
    """
    options = network.settings
    losses = {"reconstruction": reconstruction_loss(network, batch, latents)}
    neighbours = (batch.neighbours.unsqueeze(2) == batch.cells.view(1, 1, -1)).any(dim=1)
    if options.cell_refinement_expression:
        value = cell_refinement(*latents.expression, neighbours=neighbours)
        losses["cell_refinement_expression"] = options.cell_refinement_expression * value
    if options.cell_refinement_graph:
        value = cell_refinement(*latents.graph, neighbours=neighbours)
        losses["cell_refinement_graph"] = options.cell_refinement_graph * value
    if options.latent_refinement:
        value = latent_refinement(*latents.expression, membership)
        value = value + latent_refinement(*latents.graph, membership)
        losses["latent_refinement"] = options.latent_refinement * value
    if options.propagation:
        value = propagation_regularisation(latents.fused, latents.smoothed)
        losses["propagation"] = options.propagation * value
    if options.graph_reconstruction:
        losses["graph"] = options.graph_reconstruction * graph_loss(
            network, batch, latents, bank, generator
        )
    return losses


def reconstruction_loss(network: SiameseNetwork, batch: Batch, latents: Latents) -> Tensor:
    """How badly the fused latent explains the counts (or, without likelihood, the expression)."""
    shares, log_dispersion, dropout = network.count_decoder(latents.fused)
    kind = network.settings.likelihood
    if kind == "none":
        return (shares - batch.expression).pow(2).mean()
    return count_loss(batch.counts, batch.size_factor, shares, log_dispersion, dropout, kind)


def graph_loss(
    network: SiameseNetwork,
    batch: Batch,
    latents: Latents,
    bank: Tensor,
    generator: torch.Generator,
) -> Tensor:
    """Graph decoder: propagated components; the adjacency on a linked and a random pair a cell."""
    latent = (latents.graph[0] + latents.graph[1]) / 2
    features = (network.graph_decoder(latent) - batch.propagated).pow(2).mean()
    linked = torch.multinomial(batch.weights, 1, generator=generator)
    neighbour = bank[batch.neighbours.gather(1, linked).squeeze(1)]
    strangers = torch.randint(
        bank.shape[0], (latent.shape[0],), generator=generator, device=latent.device
    )
    return features + adjacency_reconstruction(latents.fused, neighbour, bank[strangers])
