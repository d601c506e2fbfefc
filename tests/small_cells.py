"""A few cells for tests of the networks: sparse counts, a graph, and consistent views of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from scsiameseclu.module.cells import CellData
from scsiameseclu.module.graph_views import (
    diffused_view,
    neighbour_table,
    normalised_adjacency,
    perturbed_view,
    propagate,
)
from scsiameseclu.module.sparse_rows import SparseRows

N_CELLS, N_GENES, N_PCS = 61, 30, 5


@dataclass(frozen=True)
class SmallCells:
    """Cells with counts, components (n_cells, n_pcs) and a graph."""

    data: CellData
    adjacency: sp.csr_matrix
    components: Tensor


def counts() -> sp.csr_matrix:
    """Counts with empty rows, the first and the last among them."""
    dense = np.random.default_rng(0).poisson(0.3, (N_CELLS, N_GENES)).astype(np.float32)
    dense[[0, 7, N_CELLS - 1]] = 0
    return sp.csr_matrix(dense)


def small_cells() -> SmallCells:
    """The same each time."""
    rng = np.random.default_rng(1)
    upper = sp.triu(sp.random(N_CELLS, N_CELLS, 0.1, random_state=rng), k=1)
    graph = sp.csr_matrix(upper + upper.T)
    components = rng.normal(size=(N_CELLS, N_PCS)).astype(np.float32)
    operator, tensor = normalised_adjacency(graph), torch.from_numpy(components)
    neighbours, weights = neighbour_table(operator)
    matrix = counts()
    totals = np.asarray(matrix.sum(axis=1)).ravel()
    data = CellData(
        expression=SparseRows.of(matrix * 0.5),
        counts=SparseRows.of(matrix),
        size_factor=torch.from_numpy(totals.astype(np.float32)),
        perturbed=perturbed_view(graph, tensor, components, 0.1),
        diffused=diffused_view(operator, tensor, 0.2),
        propagated=propagate(operator, tensor),
        neighbours=torch.from_numpy(neighbours),
        weights=torch.from_numpy(weights),
    )
    return SmallCells(data, graph, tensor)
