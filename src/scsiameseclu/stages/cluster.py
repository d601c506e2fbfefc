"""Cluster the cells with an ensemble of optimal-transport clusterings."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scsiameseclu.store.folder import SampleFolder

log = logging.getLogger(__name__)


def run(folder: SampleFolder, *, n_clusters: str | None = None, seed: int = 0) -> None:
    """Write ``clusters`` and ``model`` (the networks and the consensus clustering).

    ``clusters`` contains ``siamese``, ``siamese_confidence``, ``siamese_ambiguous``,
    ``siamese_coarse`` and ``siamese_fine`` in ``obs``, ``obsm["siamese_probability"]``, and
    ``uns["siamese"]``. Changing the number of clusters requires rerunning this stage, but not the
    training.
    """
    from scsiameseclu.cluster_number import ClusterNumber
    from scsiameseclu.model.fitted import FittedModel
    from scsiameseclu.model.fitting import cluster_cells
    from scsiameseclu.model.slots import write_clusters
    from scsiameseclu.model.trained import TrainedNetworks
    from scsiameseclu.store.files import sidecar

    number = ClusterNumber.parse(n_clusters)
    networks = TrainedNetworks.load(folder.path("networks"))
    embedding = folder.array("embedding", "obsm/X_siamese")
    clustering = cluster_cells(networks, embedding, number, seed)
    model = FittedModel.of(networks, clustering)
    model.save(folder.path("model"))
    adata = sidecar(folder.cells)
    write_clusters(adata, clustering.probability, clustering.coarse, clustering.fine, model.summary)
    summary = adata.uns["siamese"]
    sizes, requested = summary["sizes"], summary["n_clusters_asked"]
    log.info("%d clusters of %d to %d cells", len(sizes), min(sizes), max(sizes))
    warnings = []
    if summary["n_clusters_given"] and summary["n_clusters"] < int(requested):
        warnings.append(
            f"{requested} clusters were requested; only {summary['n_clusters']} contain cells"
        )
    folder.write(
        "clusters",
        adata.obs,
        obsm=dict(adata.obsm),
        uns=dict(adata.uns),
        stage="cluster",
        seed=seed,
        settings={"n_clusters": str(number)},
        warnings=warnings,
    )
