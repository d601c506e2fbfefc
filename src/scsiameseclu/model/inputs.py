"""From the prepared matrices to what the networks are trained on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from scsiameseclu.clustering.start import component_blocks, grow_hierarchy
from scsiameseclu.model.landmarks import Landmarks, choose_landmarks
from scsiameseclu.model.preparation import Prepared
from scsiameseclu.module.cells import CellData
from scsiameseclu.module.graph_views import (
    diffused_view,
    neighbour_table,
    normalised_adjacency,
    perturbed_view,
    propagate,
)
from scsiameseclu.module.sparse_rows import SparseRows
from scsiameseclu.module.terms import GROUPS, PROPAGATED
from scsiameseclu.settings import ModelSettings

N_GROUPS = 15
"""Groups of cells that the latent-level refinement averages over before there are clusters."""


@dataclass(frozen=True)
class TrainingInputs:
    """All cells as the networks see them.

    Attributes
    ----------
    data
        Inputs of the encoders and of the terms, in the machine's memory.
    components
        Components over their overall deviation, (n_cells, n_pcs), on the device.
    groups
        One-hot groups of cells, (n_cells, n_groups); (n_cells, 0) unless needed.
    landmarks, kept
        A sample of the cells, without latents, and which cells they are.
    """

    data: CellData
    components: Tensor
    groups: Tensor
    landmarks: Landmarks
    kept: np.ndarray


def training_inputs(
    prepared: Prepared,
    settings: ModelSettings,
    needs: frozenset[str],
    seed: int,
    device: torch.device,
) -> TrainingInputs:
    """Compute the views of the graph on the device and gather all inputs.

    Parameters
    ----------
    prepared
        Matrices of all cells.
    settings
        Of the augmentation of the graph.
    needs
        What the terms of the objective need, see :class:`scsiameseclu.module.terms.Term`.
    seed
        Seed of the landmarks and groups.
    device
        Where to propagate over the graph.
    """
    components = prepared.scaling.unit(prepared.components)
    on_device = torch.from_numpy(components).to(device)
    operator = normalised_adjacency(prepared.adjacency)
    neighbours, weights = neighbour_table(operator)
    totals = np.asarray(prepared.counts.sum(axis=1)).ravel()
    diffused = diffused_view(operator, on_device, settings.restart).cpu()
    if settings.edge_drop or settings.diffusion:
        perturbed = perturbed_view(prepared.adjacency, on_device, components, settings.edge_drop)
    else:
        perturbed = diffused
    propagated = propagate(operator, on_device) if PROPAGATED in needs else on_device[:, :0]
    data = CellData(
        expression=SparseRows.of(prepared.scaling.scaled(prepared.expression)),
        counts=SparseRows.of(prepared.counts),
        size_factor=torch.from_numpy(totals.astype(np.float32)),
        perturbed=perturbed.cpu(),
        diffused=diffused,
        propagated=propagated.cpu(),
        neighbours=torch.from_numpy(neighbours),
        weights=torch.from_numpy(weights),
    )
    kept = choose_landmarks(prepared.n_cells, seed)
    landmarks = Landmarks(
        components=components[kept],
        once=np.asarray(operator[kept] @ components, dtype=np.float32),
        diffused=diffused.numpy()[kept] if settings.diffusion else None,
    )
    groups = torch.zeros(prepared.n_cells, 0, device=device)
    if GROUPS in needs:
        groups = _groups(prepared.components, seed).to(device)
    return TrainingInputs(data, on_device, groups, landmarks, kept)


def _groups(components: np.ndarray, seed: int) -> Tensor:
    """One-hot groups of cells, (n_cells, n_groups)."""
    labels = grow_hierarchy(component_blocks(components), components, seed).cut(N_GROUPS)
    return one_hot(torch.from_numpy(labels).long()).float()
