"""Cluster the cells with an ensemble of optimal-transport clusterings."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Literal

from scsiameseclu.settings import AnnotationSettings
from scsiameseclu.store.manifest import COHORT, NAMES

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import pandas as pd

    from scsiameseclu.clustering.tree import LevelTree
    from scsiameseclu.cohort.stable_names import ClusterNames
    from scsiameseclu.store.folder import SampleFolder

log = logging.getLogger(__name__)


def run(
    folder: SampleFolder,
    *,
    settings: AnnotationSettings,
    n_clusters: str | None = None,
    prior: Literal["none", "markers"] = "none",
    organism: Literal["auto", "human", "mouse"] = "auto",
    seed: int = 0,
) -> None:
    """Write ``proposed``, ``levels`` and ``model`` (the networks and the consensus clustering).

    ``proposed`` contains ``siamese``, ``siamese_confidence``, ``siamese_ambiguous``,
    ``siamese_coarse`` and ``siamese_fine`` in ``obs``, ``obsm["siamese_probability"]``, and
    ``uns["siamese"]``; ``levels`` contains the tree of clusters from coarse to fine, in
    ``obs["leaf"]`` and ``uns["levels"]``. Clusters of a cohort keep the names that they had when
    the stage ran before. Changing the number of clusters requires rerunning this stage, but not
    the training.

    With the prior ``markers``, the cell types of canonical markers vote on the choice of clusters;
    ``settings`` and ``organism`` are those of the annotation and have no effect otherwise.
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
    warnings: list[str] = []
    if prior == "markers":
        fine = clustering.fine
        types, warnings = _marker_types(folder, fine, embedding, settings, organism, seed)
        if types is not None:
            clustering = cluster_cells(networks, embedding, number, seed, prior=types)
    model = FittedModel.of(networks, clustering)
    model.save(folder.path("model"))
    adata = sidecar(folder.cells)
    names, record = _names_of_cohort(folder, clustering.probability)
    parts = (clustering.probability, clustering.coarse, clustering.fine)
    write_clusters(adata, *parts, model.summary, names=names)
    _write_levels(folder, clustering.tree, adata.obs, seed)
    summary = adata.uns["siamese"]
    sizes = summary["sizes"]
    log.info("%d clusters of %d to %d cells", len(sizes), min(sizes), max(sizes))
    if sentence := number.shortfall(summary["n_clusters"]):
        warnings.append(sentence)
    folder.write(
        "proposed",
        adata.obs,
        obsm=dict(adata.obsm),
        uns=dict(adata.uns),
        stage="cluster",
        seed=seed,
        settings={"n_clusters": str(number), "prior": prior},
        warnings=warnings,
    )
    if record is not None:
        write_names(folder.directory / NAMES, record)


def _marker_types(
    folder: SampleFolder,
    fine: np.ndarray,
    embedding: np.ndarray,
    settings: AnnotationSettings,
    organism: str,
    seed: int,
) -> tuple[np.ndarray | None, list[str]]:
    """Cell types by markers, with the fine clusters as background."""
    import pandas as pd

    from scsiameseclu.annotation.prior import marker_prior

    cells = folder.read("expression", without=["layers", "varm"])
    return marker_prior(
        cells,
        pd.Series(pd.Categorical(fine), index=cells.obs_names),
        settings,
        embedding=embedding,
        organism=organism,
        seed=seed,
    )


def _write_levels(folder: SampleFolder, tree: LevelTree, obs: pd.DataFrame, seed: int) -> None:
    """Write the tree of clusters; its leaves are the fine clusters."""
    import numpy as np
    import pandas as pd

    leaves = pd.Series(tree.leaves, index=obs.index)
    names = obs.groupby(leaves)[["siamese", "siamese_fine"]].first().astype(str)
    folder.write(
        "levels",
        pd.DataFrame({"leaf": tree.leaves.astype(np.int32)}, index=obs.index),
        uns={
            "levels": {
                "leaves": names["siamese_fine"].to_numpy(dtype=object),
                "clusters": names["siamese"].to_numpy(dtype=object),
                "groups": tree.groups,
                "agreement": tree.agreement,
                "stability": tree.stability,
            }
        },
        stage="cluster",
        seed=seed,
    )


def _names_of_cohort(
    folder: SampleFolder, probability: np.ndarray
) -> tuple[list[str] | None, ClusterNames | None]:
    """Names of the clusters of a cohort, after those of an earlier run; None for a sample."""
    from scsiameseclu.cohort.stable_names import stable_names

    if COHORT not in folder.features:
        return None, None
    earlier = read_names(folder.directory / NAMES)
    return stable_names(probability.argmax(axis=1), folder.cells, probability.shape[1], earlier)


def read_names(path: Path) -> ClusterNames | None:
    """The names of clusters in an earlier run; None if there was none."""
    from scsiameseclu.cohort.stable_names import ClusterNames
    from scsiameseclu.store.files import read_parts

    if not path.is_file():
        return None
    parts = read_parts(path, ["obs", "uns/next_number"])
    return ClusterNames(parts["obs"]["cluster"].astype(str), int(parts["uns/next_number"]))


def write_names(path: Path, record: ClusterNames) -> None:
    """Write names of clusters for the next run."""
    from scsiameseclu.store.files import sidecar, write_h5ad

    obs = record.cells.astype("category").to_frame("cluster")
    write_h5ad(sidecar(obs, uns={"next_number": record.next_number}), path)
