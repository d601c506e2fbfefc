"""The partition of cells that canonical markers give, as a voice in the choice of clusters."""

from __future__ import annotations

import anndata as ad
import numpy as np
import pandas as pd

from scsiameseclu.annotation.by_markers import MIN_OVERLAP, annotate_clusters
from scsiameseclu.settings import AnnotationSettings


def marker_prior(
    expression: ad.AnnData,
    clusters: pd.Series,
    settings: AnnotationSettings,
    *,
    embedding: np.ndarray,
    organism: str = "auto",
    seed: int = 0,
) -> tuple[np.ndarray | None, list[str]]:
    """Cell types by marker sets, cell by cell, where the data have enough of the markers.

    Parameters
    ----------
    expression, clusters, settings, embedding, organism, seed
        See :func:`scsiameseclu.annotation.by_markers.annotate_clusters`. The clusters are the
        background of the scores; fine ones distinguish more types.

    Returns
    -------
    Types, (n_cells,), or None if too few marker genes are in the data or all cells have the same
    type; and a sentence for the user in that case.
    """
    annotation = annotate_clusters(
        expression, clusters, settings, embedding=embedding, organism=organism, seed=seed
    )
    types = annotation.cells["cell_type"].to_numpy(dtype=str)
    if annotation.overlap < MIN_OVERLAP:
        return None, [
            f"prior: markers has no effect, since {annotation.overlap:.0%} of the marker genes are "
            f"in the data and {MIN_OVERLAP:.0%} are needed"
        ]
    if np.unique(types).size < 2:
        return None, [
            f"prior: markers has no effect, since all cells are {types[0]} by the markers"
        ]
    return types, []
