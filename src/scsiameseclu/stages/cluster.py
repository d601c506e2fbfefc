"""Stage: clusters and confidence from the trained embedding."""

import logging
from pathlib import Path

log = logging.getLogger(__name__)

COLUMNS = [
    "siamese",
    "siamese_confidence",
    "siamese_ambiguous",
    "siamese_coarse",
    "siamese_fine",
]


def cluster(embedding: Path, model_dir: Path, output: Path, *, seed: int) -> None:
    """Write clusters.h5ad: clusters, confidence, and coarser and finer levels."""
    import pandas as pd

    from scsiameseclu.model.fitted import FittedModel
    from scsiameseclu.model.slots import write_clusters
    from scsiameseclu.store.files import add_warnings, read_h5ad, sidecar, write_h5ad
    from scsiameseclu.store.provenance import record

    model = FittedModel.load(model_dir)
    embedded = read_h5ad(embedding)
    adata = sidecar(embedded.obs_names)
    probability = model.probability(embedded.obsm["X_siamese"])
    levels = [embedded.obs[name].to_numpy() for name in ("siamese_coarse", "siamese_fine")]
    write_clusters(adata, probability, levels[0], levels[1], model.summary)
    result = sidecar(
        pd.DataFrame(adata.obs[COLUMNS]),
        obsm={"siamese_probability": adata.obsm["siamese_probability"]},
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
