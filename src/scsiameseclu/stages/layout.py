"""Stage layout: a map of the cells, and scanpy's Leiden to compare the clusters with."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from scsiameseclu.limits import EXACT_CELLS

if TYPE_CHECKING:
    import numpy as np

SPREAD = 10.0  # of the first positions, as UMAP spreads its own


def layout(graph: Path, embedding: Path, output: Path, *, seed: int) -> None:
    """Write layout.h5ad: ``obsm["X_umap"]`` of the embedding, ``obs["leiden"]`` of the kNN graph.

    Neither needs the clusters, so that the stage runs beside theirs.

    Parameters
    ----------
    graph, embedding
        The h5ad files of the stages graph and train.
    output
        The h5ad to write.
    seed
        Of both.
    """
    import scanpy as sc

    from scsiameseclu.preprocess.neighbours import find_neighbours
    from scsiameseclu.store.files import read_parts, sidecar, write_h5ad
    from scsiameseclu.store.provenance import record

    parts = read_parts(embedding, ["obs", "obsm/X_siamese"])
    adata = sidecar(parts["obs"].index, obsm={"X_siamese": parts["obsm/X_siamese"]})
    adjacency = read_parts(graph, ["obsp/connectivities"])["obsp/connectivities"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sc.tl.leiden(
            adata,
            resolution=1.0,
            adjacency=adjacency,
            flavor="igraph",
            n_iterations=2,
            random_state=seed,
        )
        find_neighbours(adata, "X_siamese", 15, "euclidean", seed)
        sc.tl.umap(adata, random_state=seed, init_pos=first_positions(adata.obsm["X_siamese"]))
    result = sidecar(adata.obs[["leiden"]].copy(), obsm={"X_umap": adata.obsm["X_umap"]})
    result.uns["provenance"] = record("layout", seed=seed)
    write_h5ad(result, output)


def first_positions(embedding: np.ndarray) -> str | np.ndarray:
    """Where UMAP begins: with the graph's spectrum, above 50,000 cells with two components.

    Eigenvectors of a large graph that falls into parts take longer than all the rest, if they
    converge; two principal components keep the large-scale order as well (Kobak and Linderman
    2021, doi:10.1038/s41587-020-00809-z).

    Parameters
    ----------
    embedding
        (n_cells, n_dimensions).

    Returns
    -------
    ``"spectral"``, or positions (n_cells, 2).
    """
    if embedding.shape[0] <= EXACT_CELLS:
        return "spectral"
    from sklearn.decomposition import PCA

    plane: np.ndarray = PCA(2, svd_solver="covariance_eigh").fit_transform(embedding)
    return (plane * (SPREAD / abs(plane).max())).astype("float32")
