"""The kNN graph of cells, sparse throughout."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import anndata as ad

from scsiameseclu.limits import MAX_EXACT_CELLS
from scsiameseclu.settings import GraphSettings

if TYPE_CHECKING:
    from scsiameseclu.preprocess.torch_neighbours import TorchNeighbours


def build_graph(adata: ad.AnnData, settings: GraphSettings, seed: int) -> None:
    """Set ``obsp`` distances and connectivities and ``uns["neighbors"]`` from ``obsm["X_pca"]``."""
    find_neighbours(adata, "X_pca", settings.n_neighbors, settings.metric, seed)


def find_neighbours(
    adata: ad.AnnData, use_rep: str, n_neighbors: int, metric: str, seed: int
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


def _search(n_cells: int, n_neighbors: int, metric: str) -> str | TorchNeighbours:
    """How neighbours are found."""
    if n_cells <= MAX_EXACT_CELLS:
        return "sklearn"
    import torch

    from scsiameseclu.preprocess.torch_neighbours import METRICS, TorchNeighbours

    if torch.cuda.is_available() and metric in METRICS:
        return TorchNeighbours(n_neighbors, metric)
    return "pynndescent"
