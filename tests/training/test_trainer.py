"""One loop for each phase: what it updates, keeps, clips and reports."""

from __future__ import annotations

import copy
from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pytest
import torch
from small_cells import N_GENES, N_PCS, SmallCells, small_cells
from torch import nn

from scsiameseclu.module.build import build_network, build_objective, choose_readout
from scsiameseclu.module.terms import BANK
from scsiameseclu.settings import ModelSettings
from scsiameseclu.training.phase import Phase
from scsiameseclu.training.pretraining import Pretraining
from scsiameseclu.training.progress import Progress
from scsiameseclu.training.trainer import LOG_EVERY, MAX_GRADIENT, Trainer

CPU = torch.device("cpu")
SHORT = {"hidden_size": 16, "latent_size": 4, "batch_size": 16, "pretrain_steps": 12}


@pytest.fixture
def cells() -> SmallCells:
    return small_cells()


def trainer_of(cells: SmallCells, **options: object) -> tuple[Trainer, ModelSettings]:
    settings = ModelSettings(**SHORT | options)
    torch.manual_seed(0)
    network = build_network(N_GENES, N_PCS, settings)
    objective = build_objective(N_GENES, N_PCS, settings)
    groups = torch.nn.functional.one_hot(torch.arange(cells.data.n_cells) % 3).float()
    readout = choose_readout(settings)
    trainer = Trainer(network, objective, cells.data, readout, groups, 16, 0, CPU)
    return trainer, settings


class Plain(Phase):
    """A phase of plain gradient steps."""

    name = "plain"

    def __init__(self, n_steps: int, rate: float, stop_after: int | None = None) -> None:
        self.n_steps, self.rate, self.stop_after = n_steps, rate, stop_after

    def optimiser(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, lr=self.rate)

    def after_step(self, trainer: Trainer, n_done: int) -> bool:
        return n_done == self.stop_after

    def stopped(self, n_steps: int) -> str:
        return f"{n_steps} steps"


def test_training_lowers_the_loss_and_ends_once(cells: SmallCells) -> None:
    trainer, settings = trainer_of(cells, pretrain_steps=200, expression_swap=0.0)
    trainer.run(Pretraining(settings))
    losses = [record["loss"] for record in trainer.history]
    assert np.mean(losses[-5:]) < np.mean(losses[:2])
    assert trainer.ended == ["pretrain"]
    assert trainer.stopped == "200 steps of representation training"
    trainer.run(Pretraining(settings))
    assert trainer.step == 200


def test_a_phase_may_end_early(cells: SmallCells) -> None:
    trainer, _ = trainer_of(cells)
    trainer.run(Plain(10, 0.01, stop_after=3))
    assert (trainer.step, trainer.stopped) == (3, "3 steps")


def test_gradients_are_clipped(cells: SmallCells) -> None:
    """However steep the loss, a step of plain descent is no longer than the bound."""
    trainer, _ = trainer_of(cells, cell_refinement_graph=1e4)
    before = [p.detach().clone() for p in trainer.network.parameters()]
    before += [p.detach().clone() for p in trainer.objective.parameters()]
    trainer.run(Plain(1, 1.0))
    after = [*trainer.network.parameters(), *trainer.objective.parameters()]
    moves = [(a.detach() - b).pow(2).sum() for a, b in zip(after, before, strict=True)]
    assert float(torch.stack(moves).sum().sqrt()) == pytest.approx(MAX_GRADIENT, rel=1e-3)


def test_the_loss_that_is_recorded_is_the_sum_of_its_terms(cells: SmallCells) -> None:
    trainer, settings = trainer_of(cells, latent_refinement=0.1, propagation=0.3)
    trainer.run(Pretraining(settings))
    assert [record["step"] for record in trainer.history] == [1, 5, 10]
    for record in trainer.history:
        parts = {k: v for k, v in record.items() if k not in ("step", "epoch", "phase", "loss")}
        assert set(parts) == {term.name for term in trainer.objective}
        assert sum(parts.values()) == pytest.approx(record["loss"], rel=1e-5)
        assert record["phase"] == "pretrain"
        assert record["epoch"] == record["step"] * 16 // 61


@pytest.mark.parametrize("option", [{}, {"propagation": 0.3}, {"graph_reconstruction": 0.1}])
def test_latents_of_all_cells_are_kept_where_a_term_needs_them(
    option: dict[str, object], cells: SmallCells
) -> None:
    trainer, settings = trainer_of(cells, **option)
    needed = BANK in trainer.objective.needs
    assert needed == bool(option)
    assert trainer.latents.shape == (61 if needed else 0, 4)
    seen = []

    def look() -> None:
        seen.append(trainer.latents.clone())

    trainer.after_step = look
    trainer.run(Pretraining(settings))
    changed = [(b != a).any(dim=1).sum() for a, b in pairwise(seen)]
    assert all(int(n) == (16 if needed else 0) for n in changed)
    assert trainer.latents.shape == (61, 4)


def test_the_end_of_training_encodes_and_centres_all_cells(cells: SmallCells) -> None:
    trainer, settings = trainer_of(cells, propagate_latent=True)
    trainer.run(Pretraining(settings))
    network = trainer.network
    with torch.no_grad():
        encoded = network.encode(*cells.data.encoder_inputs(0, 61))
    torch.testing.assert_close(trainer.latents, encoded)
    read = trainer.readout.of_all(encoded, cells.data)
    torch.testing.assert_close(network.latent_centre, read.mean(dim=0))
    torch.testing.assert_close(trainer.block(), network.block(read))


def test_a_loss_that_is_not_finite_ends_training(cells: SmallCells) -> None:
    trainer, _ = trainer_of(cells)
    with torch.no_grad():
        trainer.network.graph_encoder.layers[0].bias.fill_(float("nan"))
    with pytest.raises(FloatingPointError, match="loss is nan at step 1"):
        trainer.run(Plain(1, 0.1))


def test_a_loaded_state_survives_until_its_phase_runs(cells: SmallCells) -> None:
    """A checkpoint may be written for one network while another has only been loaded."""
    first, settings = trainer_of(cells)
    states = []
    first.after_step = lambda: states.append(copy.deepcopy(first.state_dict()))
    first.run(Pretraining(settings))
    expected = first.block()
    other, _ = trainer_of(cells)
    other.load_state_dict(states[4])
    third, _ = trainer_of(cells)
    third.load_state_dict(other.state_dict())  # nothing has run in between
    third.run(Pretraining(settings))
    assert third.step == settings.pretrain_steps
    assert torch.equal(third.block(), expected)


def test_the_schedule_moves_with_every_step(cells: SmallCells) -> None:
    trainer, settings = trainer_of(cells)
    rates = []
    trainer.after_step = lambda: rates.append(trainer.optimiser.param_groups[0]["lr"])
    trainer.run(Pretraining(settings))
    assert len(rates) == 12
    assert len(set(rates)) == 12
    assert max(rates) == pytest.approx(2 * settings.learning_rate, rel=0.05)
    assert rates[-1] < 0.1 * settings.learning_rate


def test_progress_counts_every_mini_batch_once(cells: SmallCells) -> None:
    trainer, _ = trainer_of(cells)
    trainer.progress = Progress(2 * LOG_EVERY, batch_size=16, bar=False)
    trainer.run(Plain(2 * LOG_EVERY, 0.01))
    assert trainer.progress.done == 2 * LOG_EVERY
