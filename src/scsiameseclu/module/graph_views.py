"""What the networks see of each cell, prepared once and sparse."""

from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np
import scipy.sparse as sp
import torch

from scsiameseclu.module.sparse_rows import SparseRows
from scsiameseclu.settings import ModelSettings

CPU = torch.device("cpu")
N_NEIGHBOURS = 24
N_PROPAGATIONS = 2
CLIP = 10.0

Features = TypeVar("Features")


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
    device: torch.device = CPU,
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
    device
        Where the products are computed.
    """
    whole = normalised_adjacency(adjacency)
    likeness = components if latent is None else latent
    thinned = drop_dissimilar_edges(adjacency, likeness, settings.edge_drop)
    thin, full = (
        SparseRows.of(operator).to(device) for operator in (normalised_adjacency(thinned), whole)
    )
    start = torch.from_numpy(components).to(device)
    perturbed, propagated = start, start
    for _ in range(N_PROPAGATIONS):
        perturbed, propagated = thin @ perturbed, full @ propagated
    diffused = diffuse(full, start, settings.diffusion_alpha) if settings.diffusion else propagated
    return GraphViews(*(view.cpu().numpy() for view in (perturbed, diffused, propagated)))


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


def scaled_expression(matrix: sp.csr_matrix, deviation: np.ndarray) -> sp.csr_matrix:
    """Log-normalised values over each gene's standard deviation, at most 10; zeros stay zero."""
    scaled = sp.csr_matrix(matrix, dtype=np.float32, copy=True)
    scaled.data = np.minimum(scaled.data / deviation[scaled.indices], CLIP).astype(np.float32)
    return scaled


def normalised_adjacency(adjacency: sp.csr_matrix) -> sp.csr_matrix:
    """Symmetric normalisation with self loops, ``D^-1/2 (A + I) D^-1/2`` (Kipf & Welling 2017)."""
    looped = sp.csr_matrix(adjacency, dtype=np.float64) + sp.identity(adjacency.shape[0])
    scale = sp.diags(1.0 / np.sqrt(np.asarray(looped.sum(axis=1)).ravel()))
    return sp.csr_matrix(scale @ looped @ scale, dtype=np.float32)


def drop_dissimilar_edges(
    adjacency: sp.csr_matrix, features: np.ndarray, share: float
) -> sp.csr_matrix:
    """Edge perturbation: remove the ``share`` of edges whose ends are least alike.

    Parameters
    ----------
    adjacency
        Symmetric, (n_cells, n_cells).
    features
        (n_cells, n_features); likeness is the cosine between two cells' features.
    share
        Between 0 (none) and 1.
    """
    upper = sp.triu(adjacency, k=1).tocoo()
    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-12)
    likeness = np.einsum("ij,ij->i", unit[upper.row], unit[upper.col])
    n_dropped = int(share * likeness.size)
    if n_dropped == 0:
        return sp.csr_matrix(adjacency)
    kept = np.ones(likeness.size, dtype=bool)
    kept[np.argpartition(likeness, n_dropped - 1)[:n_dropped]] = False
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
