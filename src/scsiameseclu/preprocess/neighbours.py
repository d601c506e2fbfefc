"""The sparse kNN graph of cells."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import anndata as ad

from scsiameseclu.limits import MAX_EXACT_CELLS
from scsiameseclu.settings import GraphSettings

if TYPE_CHECKING:
    from scsiameseclu.preprocess.torch_neighbours import TorchNeighbours


def build_graph(adata: ad.AnnData, settings: GraphSettings, seed: int) -> None:
    """Build the kNN graph in the space of ``obsm["X_pca"]``; see :func:`find_neighbours`."""
    find_neighbours(adata, "X_pca", settings.n_neighbors, settings.metric, seed)


def find_neighbours(
    adata: ad.AnnData, use_rep: str, n_neighbors: int, metric: str, seed: int
) -> None:
    """Run ``scanpy.pp.neighbors``, with exact search up to 50,000 cells.

    Above 50,000 cells, search is exact on a GPU if one is available, and by nearest-neighbour
    descent otherwise. Below, exact search is no slower than compiling and running the descent.

    Returns
    -------
    None. Sets the following fields:

    ``adata.obsp["distances"]``, ``adata.obsp["connectivities"]``
        The graph, (n_cells, n_cells).
    ``adata.uns["neighbors"]``
        Its parameters.
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


def _search(n_cells: int, n_neighbors: int, metric: str) -> str | TorchNeighbours:
    """The ``transformer`` for scanpy that searches for neighbours."""
    if n_cells <= MAX_EXACT_CELLS:
        return "sklearn"
    import torch

    from scsiameseclu.preprocess.torch_neighbours import METRICS, TorchNeighbours

    if torch.cuda.is_available() and metric in METRICS:
        return TorchNeighbours(n_neighbors, metric)
    return "pynndescent"
