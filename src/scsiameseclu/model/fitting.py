"""One fit from an AnnData to a fitted model: prepare, train the networks, agree on clusters."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from scsiameseclu.cluster_number import ClusterNumber
from scsiameseclu.clustering.clusters import Clustering, cluster_ensemble
from scsiameseclu.clustering.ensemble import NetworkSpace
from scsiameseclu.clustering.members import Proportions
from scsiameseclu.errors import UserError
from scsiameseclu.model.fitted import FittedModel
from scsiameseclu.model.inputs import TrainingInputs, training_inputs
from scsiameseclu.model.integration import Integration, moved_latents
from scsiameseclu.model.preparation import Prepared
from scsiameseclu.model.trained import FirstSearch, TrainedNetworks
from scsiameseclu.module.build import (
    build_network,
    build_objective,
    choose_readout,
    fit_space,
    layout_of,
)
from scsiameseclu.module.joint_space import EmbeddingLayout, join
from scsiameseclu.module.network import SiameseNetwork
from scsiameseclu.module.readout import Readout
from scsiameseclu.module.terms import Objective
from scsiameseclu.preprocess.integration.alignment import Aligned
from scsiameseclu.settings import ModelSettings
from scsiameseclu.training.checkpoint import Checkpoint, fingerprint
from scsiameseclu.training.device import Place, choose_device, choose_place, steady
from scsiameseclu.training.joint import JointPhase
from scsiameseclu.training.loader import placed
from scsiameseclu.training.pretraining import Pretraining
from scsiameseclu.training.session import Session
from scsiameseclu.training.trainer import Trainer

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Training:
    """What training gives.

    Attributes
    ----------
    networks
        Everything that embeds cells.
    embedding
        Embedding of the training cells, float32 (n_cells, n_dimensions).
    history
        Losses every few mini-batches: ``step``, ``epoch``, ``phase``, ``network``, ``loss`` and
        a column for each term.
    """

    networks: TrainedNetworks
    embedding: np.ndarray
    history: pd.DataFrame


@dataclass(frozen=True)
class Fit:
    """A fitted model, the fitted cells' embedding (n_cells, n_dimensions), clusters, loss curve."""

    model: FittedModel
    embedding: np.ndarray
    clustering: Clustering
    history: pd.DataFrame


def fit_model(
    prepared: Prepared,
    *,
    number: ClusterNumber,
    seed: int,
    device: str,
    settings: ModelSettings,
    checkpoint: Path | None = None,
) -> Fit:
    """Train the networks and cluster the cells; parameters as of :func:`train_networks`."""
    training = train_networks(
        prepared,
        number=number,
        seed=seed,
        device=device,
        settings=settings,
        checkpoint=checkpoint,
    )
    networks, embedding = training.networks, training.embedding
    clustering = cluster_cells(networks, embedding, number, seed)
    return Fit(FittedModel.of(networks, clustering), embedding, clustering, training.history)


def train_networks(
    prepared: Prepared,
    *,
    number: ClusterNumber,
    seed: int,
    device: str,
    settings: ModelSettings,
    checkpoint: Path | None = None,
) -> Training:
    """Train the networks up to the embedding.

    Parameters
    ----------
    prepared
        Inputs of all cells.
    number
        Number of clusters asked for. Only joint training depends on it.
    seed
        Seed of all random choices.
    device
        ``auto``, ``cpu`` or ``cuda``.
    settings
        Networks, training and clustering.
    checkpoint
        File for the state of the training; a later call with the same inputs resumes from it.

    Raises
    ------
    UserError
        More clusters than cells are asked for, or ``device`` is ``cuda`` and there is no GPU.
    """
    check_number(number, prepared.n_cells)
    place = choose_place(device, settings.networks)
    log.info("%s", place.note)
    with steady(place.device):
        return _train(prepared, number, seed, settings, checkpoint, place)


def _train(
    prepared: Prepared,
    number: ClusterNumber,
    seed: int,
    settings: ModelSettings,
    checkpoint: Path | None,
    place: Place,
) -> Training:
    """As :func:`train_networks`, with the device chosen."""
    where = place.device
    modules = _modules(prepared, settings, seed, where)
    inputs = training_inputs(prepared, settings, modules[0][1].needs, seed, where)
    space, readout = fit_space(inputs.components, settings), choose_readout(settings)
    trainers = _trainers(modules, inputs, readout, settings, seed, where)
    kept = Checkpoint(checkpoint, _fingerprint(prepared, settings, number, seed))
    session = Session(trainers, space, inputs.components, kept)
    session.resume()
    session.run([Pretraining(settings) for _ in trainers], _n_steps(settings), place.n_at_once)
    first_search, layout = None, layout_of(space, settings)
    if settings.cluster_steps:
        first, _ = _aligned(session.start_of_joint_training(), layout, prepared)
        clustering = _cluster(first, layout, number, settings, seed)
        first_search = FirstSearch(str(number), clustering.n_clusters, clustering.evidence)
        phases = [
            JointPhase(settings, prepared.adjacency, space, inputs.components, clustering.labels)
            for _ in trainers
        ]
        session.run(phases, _n_steps(settings), place.n_at_once)
    embedding, carried = _aligned(session.embedding(), layout, prepared)
    integration = None
    if prepared.alignment is not None:
        integration = Integration.of(prepared.alignment, carried)
    latents = readout.kept([trainer.latents for trainer in trainers], inputs.kept)
    trained = TrainedNetworks(
        networks=[trainer.network.cpu().eval() for trainer in trainers],
        space=space.to("cpu"),
        scaling=prepared.scaling,
        landmarks=replace(inputs.landmarks, latents=latents),
        settings=settings,
        expression_settings=prepared.expression_settings,
        graph_settings=prepared.graph_settings,
        device=place.asked,
        first_search=first_search,
        summary={
            "seed": seed,
            "device": where.type,
            "device_note": place.note,
            "n_steps": session.n_steps,
            "stopped": session.stopped,
            "params": {"seed": seed, **settings.to_dict()},
        },
        integration=integration,
    )
    return Training(trained, embedding.cpu().numpy(), session.history())


def _aligned(
    embedding: Tensor, layout: EmbeddingLayout, prepared: Prepared
) -> tuple[Tensor, list[Aligned]]:
    """The embedding with the latents moved as the components were, and the moved latents."""
    alignment, carried = prepared.alignment, list[Aligned]()
    if alignment is None:
        return embedding, carried

    def move(values: np.ndarray, block: int) -> np.ndarray:
        moved = alignment.carry(values)
        carried.append(replace(moved, values=moved.values[:0]))  # only what the model keeps
        return moved.values

    blocks = [block.cpu().numpy() for block in layout.parts(embedding)]
    moved = [torch.from_numpy(block) for block in moved_latents(blocks, layout, move)]
    return join(moved).to(embedding.device), carried


def cluster_cells(
    trained: TrainedNetworks,
    embedding: np.ndarray,
    number: ClusterNumber,
    seed: int,
    *,
    prior: np.ndarray | None = None,
) -> Clustering:
    """Cluster embedded cells by the ensemble; nothing is trained.

    After joint training, which has its own search for the number of clusters, the same question
    gets that search's answer and evidence.

    Parameters
    ----------
    trained
        The networks that embedded the cells.
    embedding
        (n_cells, n_dimensions).
    number
        Number of clusters asked for.
    seed
        Seed of the starts and of the cells that represent all.
    prior
        A partition of the cells by prior knowledge, (n_cells,), which votes, too.

    Raises
    ------
    UserError
        More clusters than cells are asked for.
    """
    check_number(number, embedding.shape[0])
    tensor = torch.from_numpy(np.asarray(embedding, dtype=np.float32))
    where, _ = choose_device("cpu" if trained.device == "cpu" else "auto")
    tensor = tensor.to(where)
    layout, settings = trained.layout, trained.settings
    first = trained.first_search
    with steady(where):
        if first is None or first.asked != str(number):
            return _cluster(tensor, layout, number, settings, seed, prior)
        again = ClusterNumber(first.n_clusters, first.n_clusters)
        clustering = _cluster(tensor, layout, again, settings, seed, prior)
        return clustering.answering(number, first.evidence)


def _cluster(
    embedding: Tensor,
    layout: EmbeddingLayout,
    number: ClusterNumber,
    settings: ModelSettings,
    seed: int,
    prior: np.ndarray | None = None,
) -> Clustering:
    return cluster_ensemble(
        [NetworkSpace(blocks) for blocks in layout.split(embedding)],
        number,
        proportions=Proportions(settings.proportions),
        temperature=settings.temperature,
        max_clusters=settings.max_clusters,
        seed=seed,
        prior=prior,
    )


def check_number(number: ClusterNumber, n_cells: int) -> None:
    """Refuse as many clusters as cells."""
    if number.largest is not None and number.largest >= n_cells:
        raise UserError(
            f"n_clusters is {number}, but there are {n_cells} cells; ask for fewer clusters"
        )


def _fingerprint(
    prepared: Prepared, settings: ModelSettings, number: ClusterNumber, seed: int
) -> str:
    """Changes with anything that the training depends on."""
    counts = prepared.counts
    matrix = (counts.shape, counts.data, counts.indices, counts.indptr)
    asked = str(number) if settings.cluster_steps else ""
    return fingerprint(
        *matrix, prepared.components, settings.to_dict(), asked, seed, torch.__version__
    )


def _n_steps(settings: ModelSettings) -> int:
    """Mini-batches of all networks and phases, at most."""
    return settings.networks * (settings.pretrain_steps + settings.cluster_steps)


def _modules(
    prepared: Prepared, settings: ModelSettings, seed: int, device: torch.device
) -> list[tuple[SiameseNetwork, Objective]]:
    """Networks and objectives with random weights, each from a seed of its own."""
    sizes = len(prepared.scaling.genes), prepared.components.shape[1]
    modules = []
    for number in range(settings.networks):
        with torch.random.fork_rng(devices=[]):  # the caller's random state is left alone
            torch.manual_seed(_seed(seed, number, settings))
            network = build_network(*sizes, settings).to(device)
            objective = build_objective(*sizes, settings).to(device)
        modules.append((network, objective))
    return modules


def _seed(seed: int, number: int, settings: ModelSettings) -> int:
    """Seed of one network."""
    return seed * settings.networks + number


def _trainers(
    modules: list[tuple[SiameseNetwork, Objective]],
    inputs: TrainingInputs,
    readout: Readout,
    settings: ModelSettings,
    seed: int,
    device: torch.device,
) -> list[Trainer]:
    data = placed(inputs.data, device)
    return [
        Trainer(
            network,
            objective,
            data,
            readout,
            inputs.groups,
            batch_size=settings.batch_size,
            seed=_seed(seed, number, settings),
            device=device,
            label=f"network {number + 1} of {settings.networks}",
        )
        for number, (network, objective) in enumerate(modules)
    ]
