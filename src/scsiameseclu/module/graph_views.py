"""The graph of cells: its normalised adjacency, and the two views that the networks see of it."""

from __future__ import annotations

import warnings

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

N_NEIGHBOURS = 24
N_PROPAGATIONS = 2
N_DIFFUSIONS = 10
EDGES = 1_000_000
"""Edges whose similarity is computed at once."""


def perturbed_view(
    adjacency: sp.csr_matrix, components: Tensor, features: np.ndarray, share: float
) -> Tensor:
    """View 1: components propagated twice over the graph without its least similar edges.

    Parameters
    ----------
    adjacency
        Symmetric connectivities, (n_cells, n_cells) sparse.
    components
        (n_cells, n_pcs); the product is computed where they are.
    features
        What similarity is measured in, (n_cells, n_features).
    share
        Share of the edges to drop.
    """
    thinned = drop_dissimilar_edges(adjacency, features, share)
    return propagate(normalised_adjacency(thinned), components)


def diffused_view(operator: sp.csr_matrix, components: Tensor, alpha: float | None) -> Tensor:
    """View 2: personalised PageRank of components; propagated twice where ``alpha`` is None.

    ``alpha (I - (1 - alpha) A)^-1 X`` by its power series (Gasteiger et al. 2019). The error is at
    most ``(1 - alpha)^10`` of the components' norm.

    Parameters
    ----------
    operator
        Normalised adjacency, (n_cells, n_cells) sparse.
    components
        (n_cells, n_pcs); the product is computed where they are.
    alpha
        Restart probability.
    """
    if alpha is None:
        return propagate(operator, components)
    return propagate(operator, components, N_DIFFUSIONS, alpha)


def propagate(
    operator: sp.csr_matrix,
    components: Tensor,
    n_steps: int = N_PROPAGATIONS,
    alpha: float = 0.0,
) -> Tensor:
    """Propagate components over the graph, ``x <- (1 - alpha) A x + alpha x_0``, n_steps times.

    Only sparse products, so time and memory are linear in cells.

    Parameters
    ----------
    operator
        Normalised adjacency, (n_cells, n_cells) sparse.
    components
        (n_cells, n_pcs); the product is computed where they are.
    n_steps
        Number of propagations.
    alpha
        Restart probability; with 0 these are plain powers of the operator (as in SGC).
    """
    from torch_geometric.nn import APPNP  # takes a second to import, and only training needs it

    layer = APPNP(n_steps, alpha, add_self_loops=False, normalize=False)
    propagated: Tensor = layer(components, csr_tensor(operator).to(components.device))
    return propagated


def csr_tensor(matrix: sp.csr_matrix) -> Tensor:
    """A torch CSR tensor that shares the arrays of a scipy matrix."""
    rows, columns, values = map(torch.from_numpy, (matrix.indptr, matrix.indices, matrix.data))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(
            rows, columns, values, size=matrix.shape, check_invariants=False
        )


def neighbour_table(operator: sp.csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    """The largest entries of each row of the normalised adjacency, padded to a rectangle.

    Returns
    -------
    Indices (n_cells, width) int64 and weights (n_cells, width) float32 whose rows sum to 1; the
    cell itself is among them. Padding has weight 0. The width is at most 24.
    """
    degrees = np.diff(operator.indptr)
    width = int(min(N_NEIGHBOURS, degrees.max()))
    n_cells = operator.shape[0]
    rows = np.repeat(np.arange(n_cells), degrees)
    order = np.arange(rows.size)
    long = np.flatnonzero(degrees[rows] > width)
    order[long] = long[np.lexsort((-operator.data[long], rows[long]))]  # heaviest first in each row
    place = np.arange(rows.size) - operator.indptr[rows]
    kept = place < width
    rows, place, order = rows[kept], place[kept], order[kept]
    indices = np.repeat(np.arange(n_cells)[:, None], width, axis=1)
    weights = np.zeros((n_cells, width), dtype=np.float32)
    indices[rows, place] = operator.indices[order]
    weights[rows, place] = operator.data[order]
    return indices, weights / weights.sum(axis=1, keepdims=True)


def normalised_adjacency(adjacency: sp.csr_matrix) -> sp.csr_matrix:
    """Symmetric normalisation with self loops, ``D^-1/2 (A + I) D^-1/2`` (Kipf & Welling 2017)."""
    looped = sp.csr_matrix(adjacency, dtype=np.float64) + sp.identity(adjacency.shape[0])
    scale = sp.diags(1.0 / np.sqrt(np.asarray(looped.sum(axis=1)).ravel()))
    return sp.csr_matrix(scale @ looped @ scale, dtype=np.float32)


def drop_dissimilar_edges(
    adjacency: sp.csr_matrix, features: np.ndarray, share: float
) -> sp.csr_matrix:
    """Edge perturbation: remove the ``share`` of edges whose ends are least similar.

    Parameters
    ----------
    adjacency
        Symmetric, (n_cells, n_cells).
    features
        (n_cells, n_features); similarity is the cosine between two cells' features.
    share
        Between 0 (none) and 1.
    """
    upper = sp.triu(adjacency, k=1).tocoo()
    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    similarity = np.empty(upper.nnz, dtype=unit.dtype)
    for first in range(0, upper.nnz, EDGES):
        part = slice(first, first + EDGES)
        ends = unit[upper.row[part]], unit[upper.col[part]]
        similarity[part] = np.einsum("ij,ij->i", *ends)
    n_dropped = int(share * similarity.size)
    if n_dropped == 0:
        return sp.csr_matrix(adjacency)
    kept = np.ones(similarity.size, dtype=bool)
    kept[np.argpartition(similarity, n_dropped - 1)[:n_dropped]] = False
    half = sp.coo_matrix(
        (upper.data[kept], (upper.row[kept], upper.col[kept])), shape=adjacency.shape
    ).tocsr()
    return half + half.T
