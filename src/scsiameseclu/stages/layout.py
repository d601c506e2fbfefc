"""Compute the UMAP, and Leiden clusters for comparison."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

from scsiameseclu.limits import MAX_EXACT_CELLS

if TYPE_CHECKING:
    import numpy as np

    from scsiameseclu.store.folder import SampleFolder

N_NEIGHBORS = 15
SPREAD = 10.0
"""Maximum absolute initial coordinate, as in UMAP's own initialisation."""


def run(folder: SampleFolder, *, seed: int = 0) -> None:
    """Write ``layout``: ``obsm["X_umap"]`` of the embedding, ``obs["leiden"]`` of the kNN graph.

    Neither depends on the clusters, so this stage can run in parallel with the stage cluster.
    """
    import scanpy as sc

    from scsiameseclu.preprocess.neighbours import find_neighbours
    from scsiameseclu.store.files import sidecar

    embedding = folder.array("embedding", "obsm/X_siamese")
    adata = sidecar(folder.cells, obsm={"X_siamese": embedding})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sc.tl.leiden(
            adata,
            resolution=1.0,
            adjacency=folder.pairs("graph", "obsp/connectivities"),
            flavor="igraph",
            n_iterations=2,
            random_state=seed,
        )
        find_neighbours(adata, "X_siamese", N_NEIGHBORS, "euclidean", seed)
        sc.tl.umap(adata, random_state=seed, init_pos=initial_positions(embedding))
    folder.write(
        "layout",
        adata.obs[["leiden"]].copy(),
        obsm={"X_umap": adata.obsm["X_umap"]},
        stage="layout",
        seed=seed,
    )


def initial_positions(embedding: np.ndarray) -> str | np.ndarray:
    """Initial positions for UMAP: spectral, or two principal components above 50,000 cells.

    For a large graph with several connected components, the eigenvectors take longer than all other
    steps, if they converge at all; principal components preserve the global structure equally well
    (Kobak and Linderman 2021, doi:10.1038/s41587-020-00809-z).

    Parameters
    ----------
    embedding
        (n_cells, n_dimensions).

    Returns
    -------
    ``"spectral"``, or positions (n_cells, 2).
    """
    if embedding.shape[0] <= MAX_EXACT_CELLS:
        return "spectral"
    from sklearn.decomposition import PCA

    plane: np.ndarray = PCA(2, svd_solver="covariance_eigh").fit_transform(embedding)
    return (plane * (SPREAD / abs(plane).max())).astype("float32")
