"""The objective as it is assembled: weights, needs, and what each term pulls on."""

import numpy as np
import pytest
import torch
from torch.nn.functional import one_hot

from scsiameseclu.module.build import build_network, build_objective
from scsiameseclu.module.cells import Batch, CellData
from scsiameseclu.module.decoders import GraphDecoder
from scsiameseclu.module.network import Latents
from scsiameseclu.module.propagation import smooth_batch
from scsiameseclu.module.terms import (
    BANK,
    GROUPS,
    PROPAGATED,
    GraphReconstruction,
    PropagationRegularisation,
    Step,
    Term,
)
from scsiameseclu.settings import ModelSettings

SIZE = 4
REFINED = {"cell_refinement_expression": 0.01, "cell_refinement_graph": 0.01}
EVERY = {**REFINED, "latent_refinement": 0.1, "propagation": 0.3, "graph_reconstruction": 0.1}
SHORT = {"hidden_size": 16, "latent_size": SIZE}
CELLS = np.arange(5, 25)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def step_of(
    batch: Batch, latents: Latents, data: CellData, bank: torch.Tensor | None = None
) -> Step:
    bank = normal(data.n_cells, SIZE, seed=5) if bank is None else bank
    membership = one_hot(batch.cells % 3, 3).float()
    return Step(batch, latents, torch.Generator().manual_seed(0), bank, membership)


def some_latents(n_cells: int) -> Latents:
    views = [normal(n_cells, SIZE, seed=seed).requires_grad_() for seed in range(5)]
    return Latents((views[0], views[1]), (views[2], views[3]), views[4])


def gradient(settings: ModelSettings, data: CellData, name: str) -> torch.Tensor:
    """Gradient of one term with respect to all weights of the network."""
    torch.manual_seed(0)
    sizes = data.expression.n_columns, data.perturbed.shape[1]
    network, objective = build_network(*sizes, settings), build_objective(*sizes, settings)
    batch = data.batch(CELLS)
    losses = objective(step_of(batch, network(batch, torch.Generator().manual_seed(1)), data))
    network.zero_grad()
    losses[name].backward()
    return torch.cat([p.grad.ravel() for p in network.parameters() if p.grad is not None])


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ("cell_refinement_expression", "cell_refinement_expression"),
        ("cell_refinement_graph", "cell_refinement_graph"),
        ("latent_refinement", "latent_refinement"),
        ("propagation", "propagation"),
        ("graph_reconstruction", "graph"),
    ],
)
def test_a_weight_scales_the_gradient_of_its_term(setting: str, name: str, data: CellData) -> None:
    one, three = (
        gradient(ModelSettings(**SHORT, **{setting: weight}), data, name) for weight in (0.5, 1.5)
    )
    assert float(one.abs().max()) > 0
    torch.testing.assert_close(three, 3 * one, rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("options", [{}, {**EVERY, "fusion": True}, {"likelihood": "zinb"}])
def test_every_parameter_gets_a_gradient(options: dict[str, object], data: CellData) -> None:
    settings = ModelSettings(**SHORT, **options)
    torch.manual_seed(0)
    sizes = data.expression.n_columns, data.perturbed.shape[1]
    network, objective = build_network(*sizes, settings), build_objective(*sizes, settings)
    batch = data.batch(np.arange(1, 60))
    latents = network(batch, torch.Generator().manual_seed(1))
    losses = objective(step_of(batch, latents, data))
    torch.stack(list(losses.values())).sum().backward()
    for module in (network, objective):
        for parameter_name, parameter in module.named_parameters():
            assert parameter.grad is not None, parameter_name
            assert float(parameter.grad.abs().sum()) > 0, parameter_name


def similarity_gradient(term: Term, data: CellData, similarity: torch.Tensor) -> torch.Tensor:
    """Gradient of a refinement with respect to the cosines of all pairs, (n_cells, n_cells).

    With unit vectors as first views, the second view of cell j is a column of the cosines, filled
    up to length 1 by one more dimension.
    """
    n_cells = len(CELLS)
    first = torch.eye(n_cells, n_cells + 1)
    cosines = similarity.clone().requires_grad_()
    rest = (1 - cosines.pow(2).sum(dim=0)).sqrt()
    second = torch.cat([cosines, rest.unsqueeze(0)]).T
    latents = Latents((first, second), (first, second), first)
    term(step_of(data.batch(CELLS), latents, data)).backward()
    assert cosines.grad is not None
    return cosines.grad


@pytest.mark.parametrize("name", ["cell_refinement_expression", "cell_refinement_graph"])
def test_neighbours_are_not_pushed_apart(name: str, data: CellData) -> None:
    """In the objective as it is built a cell's views attract, strangers repel, neighbours don't."""
    terms = build_objective(30, 5, ModelSettings(**SHORT, **REFINED))
    (term,) = [term for term in terms if term.name == name]
    linked = torch.zeros(data.n_cells, data.n_cells, dtype=torch.bool)
    linked.scatter_(1, data.neighbours, data.weights > 0)
    linked = linked[CELLS][:, CELLS].T  # of a column's cell
    own = torch.eye(len(CELLS), dtype=torch.bool)
    pull = similarity_gradient(term, data, torch.full((len(CELLS), len(CELLS)), 0.1))
    assert bool((linked & ~own).any())
    assert float(pull[linked & ~own].abs().max()) == pytest.approx(0, abs=1e-8)
    assert float(pull[~linked & ~own].min()) > 0
    assert float(pull[own].max()) < 0


def test_the_graph_decoder_rebuilds_the_propagation_over_the_whole_graph(data: CellData) -> None:
    torch.manual_seed(0)
    term = GraphReconstruction(1.0, GraphDecoder(5, 16, SIZE))
    batch, latents = data.batch(CELLS), some_latents(len(CELLS))
    rebuilt = term.decoder((latents.graph[0] + latents.graph[1]) / 2)
    same = torch.ones(data.n_cells, SIZE)  # of all pairs the cosine with the bank is 1
    latents = Latents(latents.expression, latents.graph, torch.ones(len(CELLS), SIZE))
    loss = term(step_of(batch, latents, data, same))
    expected = (rebuilt - batch.propagated).pow(2).mean() + 1.0  # strangers' cosines should be 0
    torch.testing.assert_close(loss, expected)
    for other in (batch.perturbed, batch.diffused):
        assert not torch.allclose(loss, (rebuilt - other).pow(2).mean() + 1.0)


def test_linked_pairs_are_neighbours_and_strangers_are_any_cells(
    data: CellData, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[tuple[int, int]] = []

    def look(fused: torch.Tensor, linked: torch.Tensor, strangers: torch.Tensor) -> torch.Tensor:
        drawn.extend(zip(linked[:, 0].int().tolist(), strangers[:, 0].int().tolist(), strict=True))
        return fused.sum()

    monkeypatch.setattr("scsiameseclu.module.terms.adjacency_reconstruction", look)
    term, cell, n_draws = GraphReconstruction(1.0, GraphDecoder(5, 16, SIZE)), 11, 20_000
    numbers = torch.arange(data.n_cells).float().unsqueeze(1).expand(-1, SIZE)
    batch = data.batch(np.full(n_draws, cell))
    term(step_of(batch, some_latents(n_draws), data, numbers))
    linked, strangers = np.array(drawn).T
    weights = torch.zeros(data.n_cells).scatter_add(0, data.neighbours[cell], data.weights[cell])
    shares = np.bincount(linked, minlength=data.n_cells) / n_draws
    np.testing.assert_allclose(shares, weights, atol=0.02)
    shares = np.bincount(strangers, minlength=data.n_cells) / n_draws
    np.testing.assert_allclose(shares, 1 / data.n_cells, atol=0.01)


def test_propagation_compares_with_the_propagated_latents(data: CellData) -> None:
    batch, latents = data.batch(CELLS), some_latents(len(CELLS))
    step = step_of(batch, latents, data)
    torch.testing.assert_close(step.smoothed, smooth_batch(latents.fused, batch, step.bank))
    term = PropagationRegularisation(1.0)
    same = Latents(latents.expression, latents.graph, torch.ones(len(CELLS), SIZE))
    assert float(term(step_of(batch, same, data, torch.ones(data.n_cells, SIZE))).detach()) < 1e-6
    assert float(term(step).detach()) > 0.01


def test_refinements_compare_the_two_views_of_their_encoder(data: CellData) -> None:
    terms = {t.name: t for t in build_objective(30, 5, ModelSettings(**SHORT, **EVERY))}
    latents = some_latents(len(CELLS))
    pulled = {
        "cell_refinement_expression": latents.expression,
        "cell_refinement_graph": latents.graph,
        "latent_refinement": (*latents.expression, *latents.graph),
        "propagation": (latents.fused,),
    }
    every = (*latents.expression, *latents.graph, latents.fused)
    for name, expected in pulled.items():
        loss = terms[name](step_of(data.batch(CELLS), latents, data))
        gradients = torch.autograd.grad(loss, every, allow_unused=True)
        moved = [x for x, g in zip(every, gradients, strict=True) if g is not None and g.any()]
        assert {id(x) for x in moved} == {id(x) for x in expected}, name


def test_terms_are_named_and_say_what_they_need() -> None:
    def built(**options: object) -> tuple[list[str], frozenset[str]]:
        objective = build_objective(30, 5, ModelSettings(**SHORT, **options))
        return [term.name for term in objective], objective.needs

    assert built() == (["reconstruction"], frozenset())
    assert built(**REFINED) == (["reconstruction", *REFINED], frozenset())
    names = ["reconstruction", *REFINED, "latent_refinement", "propagation", "graph"]
    assert built(**EVERY) == (names, {BANK, GROUPS, PROPAGATED})
    assert built(propagation=0.3)[1] == {BANK}
    assert built(latent_refinement=0.1)[1] == {GROUPS}
