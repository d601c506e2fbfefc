"""One fit from an AnnData to a fitted model: prepare, train the networks, agree on clusters."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from scsiameseclu.cluster_number import ClusterNumber
from scsiameseclu.clustering.ensemble import Clustering, NetworkSpace, cluster_ensemble
from scsiameseclu.clustering.members import Proportions
from scsiameseclu.clustering.start import component_blocks, grow_hierarchy
from scsiameseclu.errors import UserError
from scsiameseclu.model.fitted import FittedModel
from scsiameseclu.model.landmarks import Reference, sample_reference
from scsiameseclu.model.preparation import Prepared
from scsiameseclu.model.trained import FirstSearch, TrainedNetworks
from scsiameseclu.module.cells import CellData
from scsiameseclu.module.graph_views import (
    CPU,
    graph_views,
    neighbour_table,
    normalised_adjacency,
    scaled_expression,
    unit_components,
)
from scsiameseclu.module.joint_space import join, split
from scsiameseclu.module.network import SiameseNetwork
from scsiameseclu.module.sparse_rows import SparseRows
from scsiameseclu.settings import ModelSettings
from scsiameseclu.training.checkpoint import Checkpoint, fingerprint
from scsiameseclu.training.device import choose_device
from scsiameseclu.training.loader import placed
from scsiameseclu.training.progress import Progress
from scsiameseclu.training.trainer import Trainer

log = logging.getLogger(__name__)

N_GROUPS = 15  # of the latent-level readout


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
    where, device_note = choose_device(device)
    log.info("%s", device_note)
    trainers = _trainers(prepared, settings, seed, where)
    kept = Checkpoint(checkpoint, _inputs(prepared, settings, number, seed))
    before = _resume(trainers, kept)

    def keep(now: bool = False) -> None:
        def state() -> dict[str, Any]:
            networks = [trainer.state_dict() for trainer in trainers]
            return {"networks": networks, "embedding": before}

        kept.offer(state, now)

    with kept.on_sigterm(), _progress(trainers):
        for trainer in trainers:
            trainer.after_step = keep
            trainer.pretrain()
            keep(now=True)
    embedding = _embedding(trainers) if before is None else before
    first_search = None
    if settings.cluster_steps:
        first = _clusters(embedding, trainers, number, seed)
        first_search = FirstSearch(str(number), first.n_clusters, first.evidence)
        before = embedding  # what the joint training starts from, while it changes the networks
        with kept.on_sigterm(), _progress(trainers):
            for trainer in trainers:
                trainer.cluster(first.labels)
                keep(now=True)
        embedding = _embedding(trainers)
    trained = TrainedNetworks(
        networks=[trainer.network.cpu().eval() for trainer in trainers],
        scaling=prepared.scaling,
        component_deviation=unit_components(prepared.components)[1],
        reference=_reference(trainers, prepared, seed),
        settings=settings,
        expression_settings=prepared.expression_settings,
        graph_settings=prepared.graph_settings,
        device=device,
        first_search=first_search,
        summary=_summary(trainers, seed, device_note),
    )
    history = pd.concat(
        [pd.DataFrame(t.history).assign(network=n) for n, t in enumerate(trainers)],
        ignore_index=True,
    )
    return Training(trained, embedding.cpu().numpy(), history)


def cluster_cells(
    trained: TrainedNetworks, embedding: np.ndarray, number: ClusterNumber, seed: int
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

    Raises
    ------
    UserError
        More clusters than cells are asked for.
    """
    check_number(number, embedding.shape[0])
    tensor = torch.from_numpy(np.asarray(embedding, dtype=np.float32))
    tensor = tensor.to(choose_device(trained.device)[0])
    first = trained.first_search
    if first is None or first.asked != str(number):
        return _of_blocks(trained.blocks(tensor), number, trained.settings, seed)
    found = ClusterNumber(first.n_clusters, first.n_clusters)
    clustering = _of_blocks(trained.blocks(tensor), found, trained.settings, seed)
    return clustering.answering(number, first.evidence)


def check_number(number: ClusterNumber, n_cells: int) -> None:
    """Refuse as many clusters as cells."""
    if number.largest is not None and number.largest >= n_cells:
        raise UserError(
            f"n_clusters is {number}, but there are {n_cells} cells; ask for fewer clusters"
        )


def _inputs(prepared: Prepared, settings: ModelSettings, number: ClusterNumber, seed: int) -> str:
    """What a checkpoint must share with the fit that takes it up."""
    counts = prepared.counts
    return fingerprint(
        *(counts.shape, counts.data, counts.indices, counts.indptr, prepared.components),
        *(settings.to_dict(), str(number), seed, torch.__version__),
    )


def _resume(trainers: list[Trainer], kept: Checkpoint) -> Tensor | None:
    """Take up what was kept; the embedding from before joint training, if that had begun."""
    state = kept.load()
    if state is None:
        return None
    for trainer, own in zip(trainers, state["networks"], strict=True):
        trainer.load_state_dict(own)
        if trainer.step:
            log.info("network %d goes on from step %d", trainer.number + 1, trainer.step)
    embedding: Tensor | None = state["embedding"]
    return None if embedding is None else embedding.to(trainers[0].device)


def _trainers(
    prepared: Prepared, settings: ModelSettings, seed: int, device: torch.device
) -> list[Trainer]:
    data = placed(cell_data(prepared, settings, device), device)
    components = prepared.components
    groups = np.zeros(prepared.n_cells, dtype=np.int64)
    if settings.reads_groups:
        groups = grow_hierarchy(component_blocks(components), components, seed).cut(N_GROUPS)
    n_genes, n_pcs = len(prepared.scaling.genes), components.shape[1]
    trainers = []
    for number in range(settings.networks):
        own_seed = seed * settings.networks + number
        with torch.random.fork_rng(devices=[]):  # the caller's random state is the caller's
            torch.manual_seed(own_seed)
            network = SiameseNetwork(n_genes, n_pcs, settings, int(groups.max()) + 1).to(device)
        trainers.append(
            Trainer(
                network,
                data,
                prepared.adjacency,
                groups,
                settings,
                own_seed,
                device,
                number,
            )
        )
    return trainers


def _progress(trainers: list[Trainer]) -> Progress:
    """One count of mini-batches for all networks, from where they stand."""
    settings = trainers[0].settings
    steps = settings.pretrain_steps + settings.cluster_steps
    done = sum(trainer.step for trainer in trainers)
    size = trainers[0].batches.size
    progress = Progress(len(trainers) * steps, size, done)
    for trainer in trainers:
        trainer.progress = progress
    return progress


def _embedding(trainers: list[Trainer]) -> Tensor:
    """The components, if they are in the space, once, and the latent of every network."""
    return join(trainers[0].blocks()[:-1] + [trainer.blocks()[-1] for trainer in trainers])


def _clusters(
    embedding: Tensor, trainers: list[Trainer], number: ClusterNumber, seed: int
) -> Clustering:
    settings = trainers[0].settings
    n_shared = trainers[0].network.joint.n_dimensions - settings.latent_size
    blocks = split(embedding, n_shared, settings.latent_size)
    return _of_blocks(blocks, number, settings, seed)


def _of_blocks(
    blocks: list[list[Tensor]], number: ClusterNumber, settings: ModelSettings, seed: int
) -> Clustering:
    return cluster_ensemble(
        [NetworkSpace(own) for own in blocks],
        number,
        proportions=_proportions(settings),
        temperature=settings.temperature,
        max_clusters=settings.max_clusters,
        seed=seed,
    )


def _proportions(settings: ModelSettings) -> Proportions:
    if not settings.transport:
        return Proportions.IGNORED
    return Proportions.LEARNED if settings.learn_proportions else Proportions.FIXED


def cell_data(prepared: Prepared, settings: ModelSettings, device: torch.device = CPU) -> CellData:
    """Training's inputs in the machine's memory; the device propagates over the graph."""
    components, _ = unit_components(prepared.components)
    neighbours, weights = neighbour_table(prepared.adjacency)
    totals = np.asarray(prepared.counts.sum(axis=1)).ravel()
    views = graph_views(components, prepared.adjacency, settings, device=device)
    return CellData(
        expression=SparseRows.of(
            scaled_expression(prepared.expression, prepared.scaling.deviation)
        ),
        counts=SparseRows.of(prepared.counts),
        size_factor=torch.from_numpy(totals.astype(np.float32)),
        components=torch.from_numpy(components),
        perturbed=torch.from_numpy(views.perturbed),
        diffused=torch.from_numpy(views.diffused),
        propagated=torch.from_numpy(views.propagated),
        neighbours=torch.from_numpy(neighbours),
        weights=torch.from_numpy(weights),
    )


def _reference(trainers: list[Trainer], prepared: Prepared, seed: int) -> Reference:
    data = trainers[0].data
    kept = sample_reference(data.n_cells, seed)
    components = data.components.cpu().numpy()
    once = normalised_adjacency(prepared.adjacency)[kept] @ components
    return Reference(
        components=components[kept],
        once=np.asarray(once, dtype=np.float32),
        diffused=data.diffused.cpu().numpy()[kept],
        fused=np.stack([trainer.bank.cpu().numpy()[kept] for trainer in trainers]),
    )


def _summary(trainers: list[Trainer], seed: int, device_note: str) -> dict[str, Any]:
    return {
        "seed": seed,
        "device": trainers[0].device.type,
        "device_note": device_note,
        "n_steps": sum(trainer.step for trainer in trainers),
        "stopped": _stopped(trainers),
        "params": {"seed": seed, **trainers[0].settings.to_dict()},
    }


def _stopped(trainers: list[Trainer]) -> str:
    if len(trainers) == 1:
        return trainers[0].stopped
    return "; ".join(f"network {t.number + 1}: {t.stopped}" for t in trainers)
