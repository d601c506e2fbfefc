"""Stage: clusters, confidence and a map of the cells from the trained embedding."""

import logging
import warnings
from pathlib import Path

log = logging.getLogger(__name__)

COLUMNS = [
    *("siamese", "siamese_confidence", "siamese_ambiguous", "siamese_coarse", "siamese_fine"),
    "leiden",
]


def cluster(graph: Path, embedding: Path, model_dir: Path, output: Path, *, seed: int) -> None:
    """Write clusters.h5ad: clusters, confidence, a UMAP, and scanpy's Leiden to compare."""
    import pandas as pd
    import scanpy as sc

    from scsiameseclu.clusters.assignment import write_clusters
    from scsiameseclu.data.store import (
        add_warnings,
        read_h5ad,
        read_parts,
        sidecar,
        write_h5ad,
    )
    from scsiameseclu.graph import find_neighbours
    from scsiameseclu.model.fitted import FittedModel
    from scsiameseclu.provenance import record

    model = FittedModel.load(model_dir)
    embedded = read_h5ad(embedding)
    adata = sidecar(embedded.obs_names, obsm={"X_siamese": embedded.obsm["X_siamese"]})
    probability = model.probability(adata.obsm["X_siamese"])
    levels = [embedded.obs[name].to_numpy() for name in ("siamese_coarse", "siamese_fine")]
    write_clusters(adata, probability, levels[0], levels[1], model.summary)
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
        sc.tl.umap(adata, random_state=seed)
    result = sidecar(
        pd.DataFrame(adata.obs[COLUMNS]),
        obsm={name: adata.obsm[name] for name in ("siamese_probability", "X_umap")},
        uns={"siamese": adata.uns["siamese"]},
    )
    kept = adata.uns["siamese"]
    log.info("%d clusters of %d to %d cells", *(f(kept["sizes"]) for f in (len, min, max)))
    asked = kept["n_clusters_asked"]
    if kept["n_clusters_given"] and kept["n_clusters"] < int(asked):
        add_warnings(
            result,
            [f"{asked} clusters were asked for; only {kept['n_clusters']} hold cells"],
        )
    result.uns["provenance"] = record("cluster", seed=seed)
    write_h5ad(result, output)
