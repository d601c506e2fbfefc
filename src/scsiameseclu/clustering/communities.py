"""Communities of cells in the kNN graph of the joint space, at several resolutions."""

from __future__ import annotations

import warnings

import anndata as ad
import numpy as np

from scsiameseclu.graph.neighbours import find_neighbours

RESOLUTIONS = (0.1, 0.2, 0.3, 0.4, 0.5)
N_NEIGHBORS = 15
ROUNDS = 2


def communities(features: np.ndarray, seed: int) -> list[np.ndarray]:
    """Communities by the Leiden algorithm (Traag et al. 2019, doi:10.1038/s41598-019-41695-z).

    Parameters
    ----------
    features
        Rows in which Euclidean distances are compared, (n_cells, n_dimensions).
    seed
        Seed for the search and the order in which cells move.

    Returns
    -------
    Communities of the cells, each (n_cells,), from coarse to fine.
    """
    import scanpy as sc

    graph = ad.AnnData(obsm={"X": np.ascontiguousarray(features)})
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        find_neighbours(graph, "X", N_NEIGHBORS, "euclidean", seed)
        for resolution in RESOLUTIONS:
            sc.tl.leiden(
                graph,
                resolution=resolution,
                flavor="igraph",
                n_iterations=ROUNDS,
                random_state=seed,
            )
            found.append(graph.obs["leiden"].cat.codes.to_numpy().astype(np.int64))
    return found
