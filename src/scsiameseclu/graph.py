"""The kNN graph of cells and the sparse operators on it; nothing here is ever N x N dense."""

import warnings
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
import scipy.sparse as sp

from scsiameseclu.data.limits import EXACT_CELLS
from scsiameseclu.settings import GraphSettings

if TYPE_CHECKING:
    import anndata as ad

    from scsiameseclu.neighbours import TorchNeighbours

Features = TypeVar("Features")


def build_graph(adata: "ad.AnnData", settings: GraphSettings, seed: int) -> None:
    """Set ``obsp`` distances and connectivities and ``uns["neighbors"]`` from ``obsm["X_pca"]``."""
    find_neighbours(adata, "X_pca", settings.n_neighbors, settings.metric, seed)


def find_neighbours(
    adata: "ad.AnnData", use_rep: str, n_neighbors: int, metric: str, seed: int
) -> None:
    """``scanpy.pp.neighbors``, exact up to 50,000 cells and by nearest-neighbour descent above.

    Up to there exact search takes no longer than descent takes to compile and to run. Where there
    is a GPU, search is exact on it above 50,000 cells too.
    """
    import scanpy as sc

    n_neighbors = min(n_neighbors, adata.n_obs - 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sc.pp.neighbors(
            adata,
            n_neighbors=n_neighbors,
            use_rep=use_rep,
            metric=metric,
            transformer=_search(adata.n_obs, n_neighbors, metric),
            random_state=seed,
        )


def _search(n_cells: int, n_neighbors: int, metric: str) -> "str | TorchNeighbours":
    """How neighbours are found."""
    if n_cells <= EXACT_CELLS:
        return "sklearn"
    import torch

    from scsiameseclu.neighbours import METRICS, TorchNeighbours

    if torch.cuda.is_available() and metric in METRICS:
        return TorchNeighbours(n_neighbors, metric)
    return "pynndescent"


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


def vote(labels: np.ndarray, adjacency: sp.csr_matrix, n_rounds: int) -> np.ndarray:
    """Give each cell the label that weighs most among its neighbours and itself, in rounds.

    A cell counts for itself as much as its heaviest neighbour. Labels that would die out stay with
    the cells that had them.
    """
    n_cells, n_labels = labels.size, int(labels.max()) + 1
    heaviest = adjacency.max(axis=1).toarray().ravel()  # one number a cell
    weights = sp.csr_matrix(adjacency) + sp.diags(heaviest)
    current = labels
    for _ in range(n_rounds):
        member = sp.csr_matrix(
            (np.ones(n_cells), (np.arange(n_cells), current)), shape=(n_cells, n_labels)
        )
        tally = (weights @ member).toarray()  # (n_cells, n_labels)
        proposed = tally.argmax(axis=1)
        lost = np.setdiff1d(current, proposed)
        current = np.where(np.isin(current, lost), current, proposed)
    return current
