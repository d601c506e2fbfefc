"""Map the cells of a sample onto a finished cohort, without training."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING

from scsiameseclu.errors import UserError
from scsiameseclu.settings import CohortSettings
from scsiameseclu.store.manifest import COHORT

if TYPE_CHECKING:
    from scsiameseclu.store.folder import SampleFolder

log = logging.getLogger(__name__)


def run(folder: SampleFolder, *, settings: CohortSettings, seed: int = 0) -> None:
    """Write ``mapped``.

    The cells are embedded with the cohort's networks and transported to its clusters, see
    :mod:`scsiameseclu.annotation.by_reference`. ``mapped`` contains ``obs["cohort_cluster"]``
    (category; ``Unknown`` for cells unlike all cells of the cohort, or between clusters),
    ``obs["cohort_cluster_probability"]`` (float32), ``obs["cohort_cell_type"]`` (the predicted type
    of the cohort's cluster), and ``uns["mapped"]``: name and path of the cohort, its number of
    cells, the share of its cells in each cluster, ``overlap`` (share of the model's genes that the
    sample has) and ``matched_by``.

    Parameters
    ----------
    folder
        Folder of the sample.
    settings
        ``model`` is the folder of the cohort, ``RESULTS/cohorts/NAME``.

    Raises
    ------
    UserError
        The folder is not that of a finished cohort, or the sample has fewer than 20 % of its genes.
    """
    import numpy as np
    import pandas as pd

    from scsiameseclu.annotation.by_reference import LabelTransfer, embed_query
    from scsiameseclu.annotation.cell_types import UNKNOWN
    from scsiameseclu.genes.matching import GeneNames
    from scsiameseclu.model.fitted import FittedModel
    from scsiameseclu.store.files import read_parts
    from scsiameseclu.store.folder import SampleFolder

    if settings.model is None:
        raise UserError("config key cohort.model is not set; set it to the folder of a cohort")
    path = Path(settings.model)
    cohort = SampleFolder(path, path.name, (COHORT,))
    model = FittedModel.load(cohort.path("model"))
    genes = read_parts(cohort.path("expression"), ["var"])["var"]
    cells = folder.read("expression", without=["X", "varm", "obsm"])
    embedding, match = embed_query(
        model,
        GeneNames.of(genes),
        genes.index.get_indexer(pd.Index(model.scaling.genes)),
        cells,
        reference=f"cohort {cohort.sample}",
        query_name="the sample",
    )
    clusters = cohort.obs("clusters")["siamese"]
    transfer = LabelTransfer(random_state=seed)
    transfer.fit(cohort.array("embedding", "obsm/X_siamese"), clusters.astype(str))
    table = transfer.predict(embedding)
    names = [str(name) for name in clusters.cat.categories]
    annotation = cohort.table("annotation_table").set_index("cluster")["cell_type"]
    unknown = (table["cell_type"] == UNKNOWN).to_numpy()
    obs = pd.DataFrame(
        {
            "cohort_cluster": pd.Categorical(
                table["cell_type"], categories=[*names, *([UNKNOWN] if unknown.any() else [])]
            ),
            "cohort_cluster_probability": table["probability"].to_numpy(np.float32),
            "cohort_cell_type": pd.Categorical(
                table["cell_type"].map(annotation.to_dict()).fillna(UNKNOWN)
            ),
        },
        index=cells.obs_names,
    )
    shares = clusters.value_counts(normalize=True).reindex(names)
    summary = {
        "cohort": cohort.sample,
        "path": settings.model,
        "n_cells": len(clusters),
        "clusters": np.array(names, dtype=object),
        "shares": shares.to_numpy(float),
        "overlap": match.overlap,
        "matched_by": match.by,
        "min_similarity": transfer.min_similarity,
    }
    folder.write(
        "mapped",
        obs,
        uns={"mapped": summary},
        stage="map",
        seed=seed,
        settings={"model": settings.model},
    )
    log.info(
        "%.0f%% of the genes, by %s; %.0f%% of the cells are Unknown",
        100 * match.overlap,
        match.by,
        100 * unknown.mean(),
    )
