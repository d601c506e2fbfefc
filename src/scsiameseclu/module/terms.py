"""The objective: a sum of weighted terms, each of which brings the parameters that it trains."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import torch
from torch import Tensor, nn

from scsiameseclu.module.cells import Batch
from scsiameseclu.module.decoders import CountDecoder, GraphDecoder
from scsiameseclu.module.losses import (
    adjacency_reconstruction,
    cell_refinement,
    latent_refinement,
    propagation_regularisation,
)
from scsiameseclu.module.network import Latents
from scsiameseclu.module.propagation import smooth_batch

BANK, GROUPS, PROPAGATED = "bank", "groups", "propagated"
"""What a term may need beside the mini-batch and its latents."""


@dataclass(frozen=True)
class Step:
    """A mini-batch as the terms see it.

    Attributes
    ----------
    batch, latents
        The cells and their latents.
    generator
        Source of random numbers.
    bank
        Latest fused latents of all cells, (n_all_cells, latent_size); empty unless a term needs
        ``bank``.
    membership
        Assignment of the mini-batch's cells to groups, (n_cells, n_groups); empty unless a term
        needs ``groups``.
    """

    batch: Batch
    latents: Latents
    generator: torch.Generator
    bank: Tensor
    membership: Tensor

    @cached_property
    def linked(self) -> Tensor:
        """Which pairs of the mini-batch's cells are neighbours, bool (n_cells, n_cells)."""
        cells = self.batch.cells.view(1, 1, -1)
        return (self.batch.neighbours.unsqueeze(2) == cells).any(dim=1)

    @cached_property
    def smoothed(self) -> Tensor:
        """Fused latents propagated over the graph, (n_cells, latent_size)."""
        return smooth_batch(self.latents.fused, self.batch, self.bank)


class Term(nn.Module):
    """One term of the objective.

    Parameters
    ----------
    weight
        Factor of the loss.

    Attributes
    ----------
    name
        Column of the history that holds the weighted loss.
    needs
        Which of ``bank``, ``groups`` and ``propagated`` the loss reads.
    """

    name: str
    needs: frozenset[str] = frozenset()

    def __init__(self, weight: float = 1.0) -> None:
        super().__init__()
        self.weight = weight

    def forward(self, step: Step) -> Tensor:
        """The weighted loss, a scalar."""
        return self.weight * self.loss(step)

    def loss(self, step: Step) -> Tensor:
        """The loss before it is weighted, a scalar."""
        raise NotImplementedError


class Reconstruction(Term):
    """How badly the fused latents explain the counts."""

    name = "reconstruction"

    def __init__(self, decoder: CountDecoder) -> None:
        super().__init__()
        self.decoder = decoder

    def loss(self, step: Step) -> Tensor:
        return cast(Tensor, self.decoder(step.latents.fused, step.batch))


class ExpressionRefinement(Term):
    """Cell-level cross-correlation refinement of the expression encoder."""

    name = "cell_refinement_expression"

    def loss(self, step: Step) -> Tensor:
        return cell_refinement(*step.latents.expression, neighbours=step.linked)


class GraphRefinement(Term):
    """Cell-level cross-correlation refinement of the graph encoder."""

    name = "cell_refinement_graph"

    def loss(self, step: Step) -> Tensor:
        return cell_refinement(*step.latents.graph, neighbours=step.linked)


class LatentRefinement(Term):
    """Latent-level cross-correlation refinement of both encoders."""

    name = "latent_refinement"
    needs = frozenset({GROUPS})

    def loss(self, step: Step) -> Tensor:
        of_expression = latent_refinement(*step.latents.expression, step.membership)
        return of_expression + latent_refinement(*step.latents.graph, step.membership)


class PropagationRegularisation(Term):
    """Divergence of the fused latents from their propagation over the graph."""

    name = "propagation"
    needs = frozenset({BANK})

    def loss(self, step: Step) -> Tensor:
        return propagation_regularisation(step.latents.fused, step.smoothed)


class GraphReconstruction(Term):
    """How badly the graph latents explain the propagated components and the adjacency.

    The adjacency is sampled: one neighbour, drawn by its weight, and one random cell per cell.
    """

    name = "graph"
    needs = frozenset({BANK, PROPAGATED})

    def __init__(self, weight: float, decoder: GraphDecoder) -> None:
        super().__init__(weight)
        self.decoder = decoder

    def loss(self, step: Step) -> Tensor:
        batch, latents, bank = step.batch, step.latents, step.bank
        latent = (latents.graph[0] + latents.graph[1]) / 2
        features = (self.decoder(latent) - batch.propagated).pow(2).mean()
        drawn = torch.multinomial(batch.weights, 1, generator=step.generator)
        linked = batch.neighbours.gather(1, drawn).squeeze(1)
        strangers = torch.randint(
            bank.shape[0], (latent.shape[0],), generator=step.generator, device=latent.device
        )
        pairs = adjacency_reconstruction(latents.fused, bank[linked], bank[strangers])
        return cast(Tensor, features + pairs)


class Objective(nn.Module):
    """A sum of terms.

    Parameters
    ----------
    terms
        In the order in which they are computed.
    """

    def __init__(self, terms: Sequence[Term]) -> None:
        super().__init__()
        self.terms = nn.ModuleList(terms)

    def __iter__(self) -> Iterator[Term]:
        return iter(cast(Sequence[Term], self.terms))

    @property
    def needs(self) -> frozenset[str]:
        """What any of the terms needs."""
        return frozenset[str]().union(*(term.needs for term in self))

    def forward(self, step: Step) -> dict[str, Tensor]:
        """The weighted losses by the names of their terms; their sum is the loss."""
        return {term.name: term(step) for term in self}
