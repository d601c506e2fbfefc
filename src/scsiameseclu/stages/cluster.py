"""Stage: clusters, confidence and a map of the cells from the trained embedding."""

import logging
import warnings
from pathlib import Path

log = logging.getLogger(__name__)


def cluster(graph: Path, embedding: Path, model_dir: Path, output: Path, *, seed: int) -> None:
    """Write clusters.h5ad: clusters, confidence, a UMAP, and scanpy's Leiden to compare."""
    import pandas as pd
    import scanpy as sc

    from scsiameseclu.clusters.assignment import write_clusters
    from scsiameseclu.data.store import add_warnings, read_h5ad, sidecar, write_h5ad
    from scsiameseclu.model.fitted import FittedModel
    from scsiameseclu.provenance import record

    model = FittedModel.load(model_dir)
    embedded = read_h5ad(embedding)
    adata = sidecar(embedded.obs_names, obsm={"X_siamese": embedded.obsm["X_siamese"]})
    probability = model.probability(adata.obsm["X_siamese"])
    write_clusters(adata, probability, model.summary)
    adjacency = read_h5ad(graph).obsp["connectivities"]
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
        n_neighbors = min(15, adata.n_obs - 1)
        sc.pp.neighbors(adata, n_neighbors=n_neighbors, use_rep="X_siamese", random_state=seed)
        sc.tl.umap(adata, random_state=seed)
    result = sidecar(
        pd.DataFrame(adata.obs[["siamese", "siamese_confidence", "leiden"]]),
        obsm={name: adata.obsm[name] for name in ("siamese_probability", "X_umap")},
        uns={"siamese": adata.uns["siamese"]},
    )
    sizes = adata.uns["siamese"]["sizes"]
    log.info("%d clusters of %d to %d cells", sizes.size, sizes.min(), sizes.max())
    empty = int((sizes == 0).sum())
    if empty:
        add_warnings(result, [f"{empty} of the clusters asked for hold no cell"])
    result.uns["provenance"] = record("cluster", seed=seed)
    write_h5ad(result, output)
