"""One fit from an AnnData to a fitted model: prepare, start, train, keep."""

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from scsiameseclu.clusters.assignment import order_by_size
from scsiameseclu.clusters.number import Evidence, evidence_for_k
from scsiameseclu.clusters.start import grow_hierarchies, initial_partition
from scsiameseclu.errors import UserError
from scsiameseclu.graph import normalised_adjacency
from scsiameseclu.model.device import choose_device
from scsiameseclu.model.fitted import FittedModel
from scsiameseclu.model.network import SiameseNetwork
from scsiameseclu.model.preparation import Prepared, prepare
from scsiameseclu.model.reference import Reference, sample_reference
from scsiameseclu.model.training import Trainer
from scsiameseclu.model.views import (
    CellData,
    graph_views,
    neighbour_table,
    scaled_expression,
    unit_components,
)
from scsiameseclu.settings import ExpressionSettings, GraphSettings, ModelSettings

if TYPE_CHECKING:
    import anndata as ad
    import pandas as pd

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fit:
    """A fitted model, the fitted cells' embedding (n_cells, n_dimensions), and the loss curve."""

    model: FittedModel
    embedding: np.ndarray
    history: "pd.DataFrame"


def fit_model(
    adata: "ad.AnnData",
    *,
    n_clusters: int | None,
    seed: int,
    device: str,
    settings: ModelSettings,
    expression_settings: ExpressionSettings,
    graph_settings: GraphSettings,
) -> Fit:
    """Fit; see :meth:`scsiameseclu.model.estimator.ScSiameseClu.fit` for the parameters."""
    import pandas as pd

    if n_clusters is not None and n_clusters >= adata.n_obs:
        raise UserError(
            f"n_clusters is {n_clusters}, but there are {adata.n_obs} cells; ask for fewer clusters"
        )
    where, device_note = choose_device(device)
    log.info("%s", device_note)
    prepared = prepare(adata, expression_settings, graph_settings, seed)
    evidence, start = _start(prepared, n_clusters, settings, seed)
    data, deviation = cell_data(prepared, settings)
    n_genes, n_pcs = len(prepared.scaling.genes), prepared.components.shape[1]
    with torch.random.fork_rng(devices=[]):  # the caller's random state is the caller's
        torch.manual_seed(seed)
        network = SiameseNetwork(n_genes, n_pcs, settings, int(start.max()) + 1).to(where)
    trainer = Trainer(network, data, prepared.adjacency, start, settings, seed, where)
    trainer.run()
    _order_clusters(trainer)
    embedding = trainer.embedding().cpu().numpy()
    model = FittedModel(
        network=network.cpu().eval(),
        scaling=prepared.scaling,
        component_deviation=deviation,
        reference=_reference(trainer, prepared, seed),
        settings=settings,
        summary=_summary(trainer, evidence, n_clusters, device_note),
    )
    return Fit(model, embedding, pd.DataFrame(trainer.history))


def _start(
    prepared: Prepared, n_clusters: int | None, settings: ModelSettings, seed: int
) -> tuple[Evidence, np.ndarray]:
    hierarchies = grow_hierarchies(prepared.components, seed)
    evidence = evidence_for_k(hierarchies, prepared.adjacency, settings.max_clusters)
    wanted = n_clusters or evidence.best
    start = initial_partition(hierarchies, prepared.components, prepared.adjacency, wanted, seed)
    log.info("start: %d clusters (%s)", wanted, "given" if n_clusters else evidence.criterion)
    return evidence, start


def cell_data(prepared: Prepared, settings: ModelSettings) -> tuple[CellData, float]:
    """Training's inputs, and the deviation that the components were divided by."""
    components, deviation = unit_components(prepared.components)
    neighbours, weights = neighbour_table(prepared.adjacency)
    totals = np.asarray(prepared.counts.sum(axis=1)).ravel()
    data = CellData(
        expression=scaled_expression(prepared.expression, prepared.scaling.deviation),
        counts=prepared.counts,
        size_factor=totals.astype(np.float32),
        components=components,
        views=graph_views(components, prepared.adjacency, settings),
        neighbours=neighbours,
        weights=weights,
    )
    return data, deviation


@torch.no_grad()
def _order_clusters(trainer: Trainer) -> None:
    """Number the clusters by size, largest first."""
    network = trainer.network
    order = torch.from_numpy(order_by_size(trainer.targets.cpu().numpy())).to(trainer.device)
    for tensor in (network.centres, network.prototypes, network.proportions, network.potential):
        tensor.copy_(tensor[order].clone())


def _reference(trainer: Trainer, prepared: Prepared, seed: int) -> Reference:
    kept = sample_reference(trainer.data.n_cells, seed)
    once = normalised_adjacency(prepared.adjacency) @ trainer.data.components
    return Reference(
        components=trainer.data.components[kept],
        once=np.asarray(once[kept], dtype=np.float32),
        diffused=trainer.data.views.diffused[kept],
        fused=trainer.bank.cpu().numpy()[kept],
    )


def _summary(
    trainer: Trainer, evidence: Evidence, n_clusters: int | None, device_note: str
) -> dict[str, Any]:
    return {
        "n_clusters_given": n_clusters is not None,
        "seed": trainer.seed,
        "device": trainer.device.type,
        "device_note": device_note,
        "n_steps": trainer.step,
        "stopped": trainer.stopped,
        "evidence": {
            "k": [int(k) for k in evidence.k],
            "score": [float(score) for score in evidence.score],
            "criterion": evidence.criterion,
        },
        "params": {"n_clusters": n_clusters, "seed": trainer.seed, **trainer.settings.to_dict()},
    }
