"""Compute clustering metrics, and agreement with published labels if available."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from scsiameseclu.errors import UserError
from scsiameseclu.store.manifest import COHORT

if TYPE_CHECKING:
    import pandas as pd

    from scsiameseclu.store.folder import SampleFolder

MIN_TIMES = 3
"""Minimum number of cells with a time for a rank correlation."""


def run(
    folder: SampleFolder,
    *,
    label: str | None = None,
    left_out: Sequence[str] = (),
    seed: int = 0,
) -> None:
    """Write ``metrics``.

    Only this stage and the comparison panel of the report read the labels.

    Parameters
    ----------
    folder
        Folder of the sample.
    label
        Column with labels, or None.
    left_out
        Samples of a cohort that failed, for a warning.
    seed
        Seed for the subsample of the silhouette, and for the folds of the classification.

    Raises
    ------
    UserError
        The label column does not exist, or has the name of a column of the pipeline.
    """
    clusters = folder.obs("clusters")
    result: dict[str, Any] = {
        "n_cells": len(clusters),
        "n_clusters": int(clusters["siamese"].nunique()),
        "unsupervised": _unsupervised(folder, clusters, seed),
        "labels": None,
        "time": _against_time(folder) if folder.has("trajectory") else None,
    }
    if COHORT in folder.features:
        result["mixing"] = _mixing(folder, clusters["siamese"], seed)
        result["left_out"] = list(left_out)
    if label:
        result["labels"] = _against_labels(folder, clusters["siamese"], label, seed)
    folder.write_json("metrics", result)


def _unsupervised(
    folder: SampleFolder, clusters: pd.DataFrame, seed: int
) -> dict[str, float | None]:
    import numpy as np

    from scsiameseclu.metrics import graph_purity, silhouette

    assigned = clusters["siamese"]
    confidence = clusters["siamese_confidence"].to_numpy(dtype=np.float64)
    return {
        "silhouette": silhouette(folder.array("embedding", "obsm/X_siamese"), assigned, seed=seed),
        # in a space that the networks have not changed
        "silhouette_pca": silhouette(folder.array("expression", "obsm/X_pca"), assigned, seed=seed),
        "graph_purity": graph_purity(folder.pairs("graph", "obsp/connectivities"), assigned),
        "mean_confidence": float(confidence.mean()),
    }


def _mixing(folder: SampleFolder, clusters: pd.Series, seed: int) -> dict[str, Any]:
    """Mixing of the batches of a cohort, in the components and in the embedding."""
    from dataclasses import asdict

    from scsiameseclu.metrics import mixing_by_cluster
    from scsiameseclu.preprocess.integration import UNCORRECTED

    batches = folder.obs("counts", ["batch"])["batch"]
    uncorrected = f"obsm/{UNCORRECTED}"
    corrected = folder.holds("expression", uncorrected)
    spaces = {
        "before": folder.array("expression", uncorrected if corrected else "obsm/X_pca"),
        "after": folder.array("embedding", "obsm/X_siamese"),
    }
    return {
        name: asdict(mixing_by_cluster(space, batches, clusters, seed=seed))
        for name, space in spaces.items()
    }


def _against_time(folder: SampleFolder) -> dict[str, Any] | None:
    """Rank correlation of pseudotime with the column ``time``; None if there is no such column."""
    import numpy as np
    from scipy.stats import spearmanr

    from scsiameseclu.trajectory import times_as_numbers

    pseudotime, obs = folder.obs("trajectory")["pseudotime"], folder.obs("counts")
    times = times_as_numbers(obs["time"]) if "time" in obs else None
    if times is None:
        return None
    known = np.isfinite(times) & pseudotime.notna().to_numpy()
    if known.sum() < MIN_TIMES:
        return None
    correlation = spearmanr(times[known], pseudotime[known]).statistic
    return {"n_cells": int(known.sum()), "spearman": float(correlation)}


def _against_labels(
    folder: SampleFolder, clusters: pd.Series, label: str, seed: int
) -> dict[str, Any]:
    """Agreement with the labels, and their prediction from the embedding and from the PCA."""
    from scsiameseclu.io.obs import reserved_label
    from scsiameseclu.io.sample import column_of
    from scsiameseclu.metrics import classification, label_scores, labelled

    obs = folder.obs("counts")
    if problem := reserved_label(label):
        raise UserError(f"the file {problem}")
    column = column_of(obs, label)
    if column is None:
        available = ", ".join(map(str, obs.columns)) or "none"
        raise UserError(f"label column {label!r} does not exist; available: {available}")
    labels = obs[column]
    leiden = folder.obs("layout")["leiden"]
    known = labelled(labels)
    spaces = {
        "siamese": folder.array("embedding", "obsm/X_siamese")[known],
        "pca": folder.array("expression", "obsm/X_pca")[known],
    }
    return {
        **label_scores(labels, {"siamese": clusters, "leiden": leiden}, label),
        "classification": classification(spaces, labels[known], seed=seed),
    }
