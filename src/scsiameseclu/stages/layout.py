"""Compute the UMAP, and Leiden clusters for comparison."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scsiameseclu.store.folder import SampleFolder


def run(folder: SampleFolder, *, seed: int = 0) -> None:
    """Write ``layout``: ``obsm["X_umap"]`` of the embedding, ``obs["leiden"]`` of the kNN graph.

    Neither depends on the clusters, so this stage can run in parallel with the stage cluster.
    """
    import scanpy as sc

    from scsiameseclu.preprocess.layout import map_cells
    from scsiameseclu.store.files import sidecar

    adata = sidecar(folder.cells)
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
    folder.write(
        "layout",
        adata.obs[["leiden"]].copy(),
        obsm={"X_umap": map_cells(folder.array("embedding", "obsm/X_siamese"), seed)},
        stage="layout",
        seed=seed,
    )
