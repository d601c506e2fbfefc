"""The parts of a model that its settings choose."""

from __future__ import annotations

from torch import Tensor

from scsiameseclu.module.decoders import CountDecoder, GraphDecoder
from scsiameseclu.module.fusion import AdaptiveFusion, MeanFusion
from scsiameseclu.module.joint_space import EmbeddingLayout, JointSpace, LatentSpace
from scsiameseclu.module.likelihood import LIKELIHOODS
from scsiameseclu.module.network import SiameseNetwork
from scsiameseclu.module.readout import Readout, SmoothedReadout
from scsiameseclu.module.terms import (
    ExpressionRefinement,
    GraphReconstruction,
    GraphRefinement,
    LatentRefinement,
    Objective,
    PropagationRegularisation,
    Reconstruction,
    Term,
)
from scsiameseclu.settings import ModelSettings


def build_network(n_genes: int, n_components: int, settings: ModelSettings) -> SiameseNetwork:
    """A network with random weights."""
    return SiameseNetwork(
        n_genes,
        n_components,
        hidden_size=settings.hidden_size,
        latent_size=settings.latent_size,
        fusion=AdaptiveFusion if settings.fusion else MeanFusion,
        noise=settings.expression_noise,
        swap=settings.expression_swap,
    )


def build_objective(n_genes: int, n_components: int, settings: ModelSettings) -> Objective:
    """The terms that shape the latents; one whose weight is 0 is left out with its parameters."""
    sizes = settings.hidden_size, settings.latent_size
    decoder = CountDecoder(n_genes, *sizes, LIKELIHOODS[settings.likelihood])
    terms: list[Term] = [Reconstruction(decoder)]
    for weight, kind in (
        (settings.cell_refinement_expression, ExpressionRefinement),
        (settings.cell_refinement_graph, GraphRefinement),
        (settings.latent_refinement, LatentRefinement),
        (settings.propagation, PropagationRegularisation),
    ):
        if weight:
            terms.append(kind(weight))
    if settings.graph_reconstruction:
        graph_decoder = GraphDecoder(n_components, *sizes)
        terms.append(GraphReconstruction(settings.graph_reconstruction, graph_decoder))
    return Objective(terms)


def choose_readout(settings: ModelSettings) -> Readout:
    """Which latents are clustered."""
    return SmoothedReadout() if settings.propagate_latent else Readout()


def fit_space(components: Tensor, settings: ModelSettings) -> LatentSpace:
    """The space to cluster in, fitted to the components of all cells (n_cells, n_components)."""
    return JointSpace.fit(components) if settings.space == "joint" else LatentSpace()


def load_space(tensors: dict[str, Tensor]) -> LatentSpace:
    """The space with these tensors, see :meth:`LatentSpace.tensors`."""
    return JointSpace(**tensors) if tensors else LatentSpace()


def layout_of(space: LatentSpace, settings: ModelSettings) -> EmbeddingLayout:
    """Layout of an embedding by all networks."""
    return EmbeddingLayout(space.n_shared, settings.latent_size, settings.networks)
