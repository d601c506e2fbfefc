"""The graph of cells: its normalised adjacency, and the two views that the networks see of it."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import numpy as np
import scipy.sparse as sp
from torch import Tensor

from scsiameseclu.module.sparse_rows import SparseRows

N_NEIGHBOURS = 24
N_PROPAGATIONS = 2

Features = TypeVar("Features")


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
    return diffuse(SparseRows.of(operator).to(components.device), components, alpha)


def propagate(operator: sp.csr_matrix, components: Tensor) -> Tensor:
    """Components (n_cells, n_pcs) propagated twice by the normalised adjacency."""
    rows = SparseRows.of(operator).to(components.device)
    for _ in range(N_PROPAGATIONS):
        components = rows @ components
    return components


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
    similarity = np.einsum("ij,ij->i", unit[upper.row], unit[upper.col])
    n_dropped = int(share * similarity.size)
    if n_dropped == 0:
        return sp.csr_matrix(adjacency)
    kept = np.ones(similarity.size, dtype=bool)
    kept[np.argpartition(similarity, n_dropped - 1)[:n_dropped]] = False
    half = sp.coo_matrix(
        (upper.data[kept], (upper.row[kept], upper.col[kept])), shape=adjacency.shape
    ).tocsr()
    return half + half.T


def diffuse(operator: Any, features: Features, alpha: float, n_steps: int = 10) -> Features:
    """Personalised PageRank of features, ``alpha (I - (1 - alpha) A)^-1 X``.

    By its power series, ``x <- (1 - alpha) A x + alpha X`` (Gasteiger et al. 2019, APPNP): only
    sparse products, so time and memory are linear in cells. The error after ``n_steps`` is at most
    ``(1 - alpha)^n_steps`` of the features' norm.

    Parameters
    ----------
    operator
        Sparse (n_cells, n_cells); whatever multiplies the features from the left by ``@``.
    features
        (n_cells, n_features), an array or a tensor.
    alpha
        Restart probability.
    n_steps
        Terms of the series.
    """
    given: Any = features
    state = given
    for _ in range(n_steps):
        state = (1.0 - alpha) * (operator @ state) + alpha * given
    return cast(Features, state)
