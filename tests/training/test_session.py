"""All networks of a fit: one embedding, one history, one checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from small_cells import N_CELLS, N_GENES, N_PCS, SmallCells, small_cells

from scsiameseclu.module.build import (
    build_network,
    build_objective,
    choose_readout,
    fit_space,
    layout_of,
)
from scsiameseclu.settings import ModelSettings
from scsiameseclu.training.checkpoint import Checkpoint
from scsiameseclu.training.pretraining import Pretraining
from scsiameseclu.training.session import Session
from scsiameseclu.training.trainer import Trainer

CPU = torch.device("cpu")
SHORT = {"hidden_size": 16, "latent_size": 4, "pretrain_steps": 6}


@pytest.fixture
def cells() -> SmallCells:
    return small_cells()


def session_of(
    cells: SmallCells, settings: ModelSettings, checkpoint: Path | None = None
) -> Session:
    trainers = []
    for number in range(settings.networks):
        torch.manual_seed(number)
        network = build_network(N_GENES, N_PCS, settings)
        objective = build_objective(N_GENES, N_PCS, settings)
        groups, readout = torch.zeros(N_CELLS, 0), choose_readout(settings)
        label = f"network {number + 1}"
        trainers.append(
            Trainer(network, objective, cells.data, readout, groups, 16, number, CPU, label)
        )
    space = fit_space(cells.components, settings)
    return Session(trainers, space, cells.components, Checkpoint(checkpoint, "inputs"))


def run(session: Session, settings: ModelSettings, n_at_once: int = 1) -> None:
    session.run([Pretraining(settings) for _ in session.trainers], 100, n_at_once)


@pytest.mark.parametrize("space", ["joint", "latent"])
def test_the_embedding_holds_the_shared_block_once_and_each_latent(
    space: str, cells: SmallCells
) -> None:
    settings = ModelSettings(**SHORT, networks=3, space=space)
    session = session_of(cells, settings)
    run(session, settings)
    shared = fit_space(cells.components, settings)
    layout = layout_of(shared, settings)
    embedding = session.embedding()
    assert embedding.shape == (N_CELLS, layout.n_dimensions)
    torch.testing.assert_close(embedding.norm(dim=1), torch.ones(N_CELLS))
    expected = [*shared.shared(cells.components), *(t.block() for t in session.trainers)]
    for part, block in zip(layout.parts(embedding), expected, strict=True):
        torch.testing.assert_close(part, block)


def test_steps_sentences_and_history_are_of_all_networks(cells: SmallCells) -> None:
    settings = ModelSettings(**SHORT, networks=2)
    session = session_of(cells, settings)
    run(session, settings)
    assert session.n_steps == 12
    sentence = "6 steps of representation training"
    assert session.stopped == f"network 1: {sentence}; network 2: {sentence}"
    assert session.history()[["network", "step"]].to_numpy().tolist() == [
        *([0, 1], [0, 5]),
        *([1, 1], [1, 5]),
    ]
    one = ModelSettings(**SHORT, networks=1)
    single = session_of(cells, one)
    run(single, one)
    assert single.stopped == sentence


def test_a_finished_session_resumes_without_a_step(cells: SmallCells, tmp_path: Path) -> None:
    settings = ModelSettings(**SHORT, networks=2)
    first = session_of(cells, settings, tmp_path / "checkpoint")
    run(first, settings)
    second = session_of(cells, settings, tmp_path / "checkpoint")
    second.resume()
    assert second.n_steps == 12
    run(second, settings)
    assert second.n_steps == 12
    assert torch.equal(second.embedding(), first.embedding())
    assert second.history().equals(first.history())


def test_the_start_of_joint_training_outlives_the_networks_change(
    cells: SmallCells, tmp_path: Path
) -> None:
    settings = ModelSettings(**SHORT, networks=2)
    session = session_of(cells, settings, tmp_path / "checkpoint")
    run(session, settings)
    before = session.start_of_joint_training().clone()
    session.trainers[0].latents += 1.0
    assert torch.equal(session.start_of_joint_training(), before)
    session._offer(now=True)
    resumed = session_of(cells, settings, tmp_path / "checkpoint")
    resumed.resume()
    assert torch.equal(resumed.start_of_joint_training(), before)


@pytest.mark.parametrize("n_at_once", [2, 3, 5])
def test_networks_that_train_beside_each_other_end_as_alone(
    n_at_once: int, cells: SmallCells
) -> None:
    settings = ModelSettings(**SHORT | {"pretrain_steps": 13}, networks=4)
    alone, beside = (session_of(cells, settings) for _ in range(2))
    run(alone, settings)
    run(beside, settings, n_at_once)
    assert torch.equal(beside.embedding(), alone.embedding())
    assert beside.history().equals(alone.history())
    assert beside.stopped == alone.stopped


def test_networks_stopped_beside_each_other_resume(cells: SmallCells, tmp_path: Path) -> None:
    settings = ModelSettings(**SHORT | {"pretrain_steps": 23}, networks=3)
    whole = session_of(cells, settings)
    run(whole, settings)
    stopped = session_of(cells, settings, tmp_path / "checkpoint")
    third = stopped.trainers[2]
    at_eight = iter(range(8))

    def ask() -> None:
        if next(at_eight, None) is None:
            stopped.checkpoint.stop_asked = True

    third.after_step = ask
    with pytest.raises(SystemExit, match="143"):
        run(stopped, settings, 2)
    assert all(0 < trainer.step < 23 for trainer in stopped.trainers)
    resumed = session_of(cells, settings, tmp_path / "checkpoint")
    resumed.resume()
    assert [t.step for t in resumed.trainers] == [t.step for t in stopped.trainers]
    run(resumed, settings, 3)
    assert torch.equal(resumed.embedding(), whole.embedding())
    assert resumed.history().equals(whole.history())


def test_an_error_of_one_network_ends_all(cells: SmallCells) -> None:
    settings = ModelSettings(**SHORT, networks=3)
    session = session_of(cells, settings)

    def fail() -> None:
        raise FloatingPointError("the loss is nan")

    session.trainers[1].after_step = fail
    with pytest.raises(FloatingPointError, match="nan"):
        run(session, settings, 2)
