"""A cluster clustered again, with its own variable genes."""

from __future__ import annotations

import warnings
from dataclasses import replace

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

from scsiameseclu.errors import UserError
from scsiameseclu.graph.neighbours import build_graph
from scsiameseclu.preprocess.expression import (
    choose_variable_genes,
    gene_moments,
    principal_components,
)
from scsiameseclu.preprocess.integration import integrate
from scsiameseclu.settings import ExpressionSettings, GraphSettings

MIN_CELLS = 20
"""Minimum number of cells of a cluster that is split."""
MIN_PART, MIN_SHARE = 10, 0.05
"""Minimum size of a part: a number of cells and a share of the cluster."""
N_PCS = 20
RESOLUTIONS = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0)
MIN_VARIABLE = 3


def split_cells(
    values: sp.csr_matrix,
    settings: ExpressionSettings,
    batches: pd.Series | None,
    seed: int,
    *,
    name: str,
) -> np.ndarray:
    """Divide the cells of one cluster into two or more parts.

    Genes that vary within the cluster are selected, and the cells are clustered in up to 20
    components of them by the Leiden algorithm (Traag et al. 2019,
    doi:10.1038/s41598-019-41695-z), at the lowest resolution that yields two parts of at least 10
    cells and 5 % of the cluster. Cells of smaller parts join the part of most of their neighbours.

    Parameters
    ----------
    values
        Log-normalised expression of the cells, (n_cells, n_genes).
    settings
        How genes are selected, and whether batches are aligned.
    batches
        Categorical batch of each cell; None for a single one.
    seed
        Seed of the components, the graph and the clustering.
    name
        Name of the cluster, for messages.

    Returns
    -------
    Number of the part of each cell, (n_cells,), from 0, the largest.

    Raises
    ------
    UserError
        The cluster has fewer than 20 cells, or no two parts are large enough.
    """
    n_cells = values.shape[0]
    if n_cells < MIN_CELLS:
        raise UserError(
            f"cluster {name} has {n_cells} cells, too few to be split (at least {MIN_CELLS}); "
            "empty its cell split in curation.tsv"
        )
    cells = ad.AnnData(values)
    if batches is not None:
        batches = batches.cat.remove_unused_categories().set_axis(cells.obs_names)
    moments = gene_moments(cells.X)
    choose_variable_genes(cells, settings, batches, moments)
    if int(cells.var["highly_variable"].sum()) < MIN_VARIABLE:
        raise _inseparable(name)
    principal_components(cells, replace(settings, n_pcs=min(settings.n_pcs, N_PCS)), seed, moments)
    if batches is not None and settings.integration == "auto":
        integrate(cells, batches, seed)
    build_graph(cells, GraphSettings(n_neighbors=min(15, n_cells - 1)), seed)
    for resolution in RESOLUTIONS:
        communities = _leiden(cells, resolution, seed)
        sizes = np.bincount(communities)
        large = np.flatnonzero(sizes >= max(MIN_PART, MIN_SHARE * n_cells))
        if len(large) > 1:
            return _numbered(communities, large, cells.obsp["connectivities"])
    raise _inseparable(name)


def _leiden(cells: ad.AnnData, resolution: float, seed: int) -> np.ndarray:
    import scanpy as sc

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sc.tl.leiden(
            cells, resolution=resolution, flavor="igraph", n_iterations=2, random_state=seed
        )
    return np.asarray(cells.obs["leiden"].cat.codes, dtype=np.int64)


def _numbered(communities: np.ndarray, large: np.ndarray, graph: sp.csr_matrix) -> np.ndarray:
    """Large parts from 0, the largest, which the cells of the others join."""
    inside = sp.csr_matrix((communities[:, None] == large).astype(np.float64))
    nearest = np.asarray((graph @ inside).todense()).argmax(axis=1)
    place = np.full(communities.max() + 1, -1)
    place[large] = np.arange(len(large))
    part = np.where(place[communities] >= 0, place[communities], nearest)
    rank = np.empty(len(large), dtype=np.int64)
    rank[np.argsort(-np.bincount(part, minlength=len(large)), kind="stable")] = np.arange(
        len(large)
    )
    numbered: np.ndarray = rank[part]
    return numbered


def _inseparable(name: str) -> UserError:
    return UserError(
        f"no parts of cluster {name} differ enough to be split; empty its cell split in "
        "curation.tsv"
    )
