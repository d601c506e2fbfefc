"""The sparse kNN graph of cells."""

from __future__ import annotations

import warnings

import anndata as ad
import numpy as np
import scipy.sparse as sp
from sklearn.neighbors import NearestNeighbors

from scsiameseclu.graph.fuzzy_graph import fuzzy_graph
from scsiameseclu.limits import MAX_EXACT_CELLS
from scsiameseclu.settings import GraphSettings


def build_graph(adata: ad.AnnData, settings: GraphSettings, seed: int) -> None:
    """Build the kNN graph in the space of ``obsm["X_pca"]``; see :func:`find_neighbours`."""
    find_neighbours(adata, "X_pca", settings.n_neighbors, settings.metric, seed)


def find_neighbours(
    adata: ad.AnnData, use_rep: str, n_neighbors: int, metric: str, seed: int
) -> None:
    """Do what ``scanpy.pp.neighbors`` does, with exact search up to 50,000 cells.

    :func:`~scsiameseclu.graph.fuzzy_graph.fuzzy_graph` computes the weights. Above 50,000
    cells, search is exact on a GPU if one is available, and by nearest-neighbour descent otherwise.
    Below, exact search is no slower than compiling and running the descent.

    Returns
    -------
    None. Sets the following fields:

    ``adata.obsp["distances"]``, ``adata.obsp["connectivities"]``
        The graph, (n_cells, n_cells).
    ``adata.uns["neighbors"]``
        Its parameters.
    """
    n_neighbors = min(n_neighbors, adata.n_obs - 1)
    points = np.asarray(adata.obsm[use_rep])
    distances = without_self(_search(points, n_neighbors, metric, seed))
    adata.obsp["distances"] = distances
    adata.obsp["connectivities"] = fuzzy_graph(distances)
    adata.uns["neighbors"] = {
        "connectivities_key": "connectivities",
        "distances_key": "distances",
        "params": {
            "n_neighbors": n_neighbors,
            "method": "umap",
            "random_state": seed,
            "metric": metric,
            "use_rep": use_rep,
        },
    }


def without_self(distances: sp.csr_matrix) -> sp.csr_matrix:
    """Drop each cell from its own neighbours, if the search returns it.

    Parameters
    ----------
    distances
        (n_cells, n_cells), the same number of stored distances in each row. Where some rows contain
        the cell itself and an approximate search missed it in others, these lose their farthest
        neighbour.
    """
    n_cells = distances.shape[0]
    indices, values = (x.reshape(n_cells, -1) for x in (distances.indices, distances.data))
    dropped = indices == np.arange(n_cells)[:, None]
    if not dropped.any():
        return distances
    missed = np.flatnonzero(~dropped.any(axis=1))
    dropped[missed, values[missed].argmax(axis=1)] = True
    n_others = values.shape[1] - 1
    indptr = np.arange(n_cells + 1, dtype=distances.indptr.dtype) * n_others
    return sp.csr_matrix((values[~dropped], indices[~dropped], indptr), distances.shape)


def _search(points: np.ndarray, n_neighbors: int, metric: str, seed: int) -> sp.csr_matrix:
    """Distances to nearest cells, among which the cell itself may be."""
    if points.shape[0] <= MAX_EXACT_CELLS:
        exact = NearestNeighbors(
            n_neighbors=max(n_neighbors - 1, 1), algorithm="brute", metric=metric
        )
        # asked without points, it leaves out the cell itself, even if others are at its place
        return exact.fit(points).kneighbors_graph(mode="distance")
    import torch

    from scsiameseclu.graph.torch_neighbours import METRICS, TorchNeighbours

    if torch.cuda.is_available() and metric in METRICS:
        return TorchNeighbours(n_neighbors, metric).fit(points).transform()
    from pynndescent import PyNNDescentTransformer

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # which adds the cell itself
        descent = PyNNDescentTransformer(
            n_neighbors=n_neighbors - 1, metric=metric, random_state=seed
        )
        return descent.fit_transform(points)
