"""What training needs to know of each cell, prepared once and sparse, and cut into mini-batches."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from scsiameseclu.graph import diffuse, drop_dissimilar_edges, normalised_adjacency
from scsiameseclu.settings import ModelSettings

N_NEIGHBOURS = 24
N_PROPAGATIONS = 2
CLIP = 10.0


@dataclass
class GraphViews:
    """The two views of the graph, as components propagated over each of them.

    Attributes
    ----------
    perturbed
        View 1: two propagations over the graph less its least similar edges, (n_cells, n_pcs).
    diffused
        View 2: personalised PageRank over the whole graph, (n_cells, n_pcs).
    propagated
        Two propagations over the whole graph: what the graph decoder rebuilds, (n_cells, n_pcs).
    """

    perturbed: np.ndarray
    diffused: np.ndarray
    propagated: np.ndarray


def unit_components(components: np.ndarray) -> tuple[np.ndarray, float]:
    """Components over their overall standard deviation, and that deviation.

    One number for all: the components keep their relative sizes.
    """
    deviation = float(np.sqrt(np.mean(components.astype(np.float64) ** 2))) or 1.0
    return (components / deviation).astype(np.float32), deviation


def graph_views(
    components: np.ndarray,
    adjacency: sp.csr_matrix,
    settings: ModelSettings,
    latent: np.ndarray | None = None,
) -> GraphViews:
    """Propagate components over both augmented graphs.

    Parameters
    ----------
    components
        (n_cells, n_pcs), as :func:`unit_components` gives them.
    adjacency
        kNN connectivities, (n_cells, n_cells) sparse.
    settings
        ``edge_drop``, ``diffusion`` and ``diffusion_alpha``.
    latent
        What the edge perturbation measures likeness in; the components until there is a latent.
    """
    whole = normalised_adjacency(adjacency)
    likeness = components if latent is None else latent
    thinned = drop_dissimilar_edges(adjacency, likeness, settings.edge_drop)
    operator = normalised_adjacency(thinned)
    perturbed, propagated = components, components
    for _ in range(N_PROPAGATIONS):
        perturbed, propagated = operator @ perturbed, whole @ propagated
    diffused = diffuse(whole, components, settings.diffusion_alpha) if settings.diffusion else None
    return GraphViews(
        np.asarray(perturbed, dtype=np.float32),
        np.asarray(propagated if diffused is None else diffused, dtype=np.float32),
        np.asarray(propagated, dtype=np.float32),
    )


def neighbour_table(adjacency: sp.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    """The heaviest entries of each row of the normalised adjacency, padded to a rectangle.

    Returns
    -------
    Indices (n_cells, width) int64 and weights (n_cells, width) float32 that sum to 1 a row; the
    cell itself is among them. Padding has weight 0. The width is at most 24.
    """
    operator = normalised_adjacency(adjacency)
    degrees = np.diff(operator.indptr)
    width = int(min(N_NEIGHBOURS, degrees.max()))
    n_cells = operator.shape[0]
    rows = np.repeat(np.arange(n_cells), degrees)
    order = np.lexsort((-operator.data, rows))  # heaviest first in each row
    place = np.arange(order.size) - operator.indptr[rows]
    kept = place < width
    rows, place, order = rows[kept], place[kept], order[kept]
    indices = np.repeat(np.arange(n_cells)[:, None], width, axis=1)
    weights = np.zeros((n_cells, width), dtype=np.float32)
    indices[rows, place] = operator.indices[order]
    weights[rows, place] = operator.data[order]
    return indices, weights / weights.sum(axis=1, keepdims=True)


@dataclass
class Batch:
    """A mini-batch of cells as tensors on the device; names as in :class:`CellData`."""

    cells: Tensor
    expression: Tensor
    counts: Tensor
    size_factor: Tensor
    components: Tensor
    perturbed: Tensor
    diffused: Tensor
    propagated: Tensor
    neighbours: Tensor
    weights: Tensor


@dataclass
class CellData:
    """All cells, sparse where genes are concerned.

    Attributes
    ----------
    expression, counts
        Scaled log-normalised values and raw counts of the variable genes, CSR (n_cells, n_genes).
    size_factor
        Total counts among the variable genes, (n_cells,).
    components
        Principal components as :func:`unit_components` gives them, (n_cells, n_pcs).
    views
        The components propagated over the augmented graphs.
    neighbours, weights
        See :func:`neighbour_table`.
    """

    expression: sp.csr_matrix
    counts: sp.csr_matrix
    size_factor: np.ndarray
    components: np.ndarray
    views: GraphViews
    neighbours: np.ndarray
    weights: np.ndarray

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return int(self.expression.shape[0])

    def batch(self, cells: np.ndarray, device: torch.device) -> Batch:
        """The mini-batch of the given cells; the only place where genes become dense."""

        def move(array: np.ndarray) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(array)).to(device)

        return Batch(
            cells=move(cells),
            expression=move(self.expression[cells].toarray()),
            counts=move(self.counts[cells].toarray()),
            size_factor=move(self.size_factor[cells]),
            components=move(self.components[cells]),
            perturbed=move(self.views.perturbed[cells]),
            diffused=move(self.views.diffused[cells]),
            propagated=move(self.views.propagated[cells]),
            neighbours=move(self.neighbours[cells]),
            weights=move(self.weights[cells]),
        )


def scaled_expression(matrix: sp.csr_matrix, deviation: np.ndarray) -> sp.csr_matrix:
    """Log-normalised values over each gene's standard deviation, at most 10; zeros stay zero."""
    scaled = sp.csr_matrix(matrix, dtype=np.float32, copy=True)
    scaled.data = np.minimum(scaled.data / deviation[scaled.indices], CLIP).astype(np.float32)
    return scaled
