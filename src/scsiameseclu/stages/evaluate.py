"""Score the clustering, and with a label column its agreement with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scsiameseclu.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

    from scsiameseclu.store.folder import SampleFolder

MIN_TIMES = 3


def run(folder: SampleFolder, *, label: str | None = None, seed: int = 0) -> None:
    """Write ``metrics``.

    This stage alone, and the page's comparison panel, may read the labels.

    Parameters
    ----------
    folder
        The sample's folder.
    label
        The column of labels; None when there is none.
    seed
        Seed for the cells drawn for the silhouette.

    Raises
    ------
    UserError
        The label column does not exist.
    """
    clusters = folder.obs("clusters")
    result: dict[str, Any] = {
        "n_cells": len(clusters),
        "n_clusters": int(clusters["siamese"].nunique()),
        "unsupervised": _unsupervised(folder, clusters, seed),
        "labels": None,
        "time": _against_time(folder) if folder.has("trajectory") else None,
    }
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
        # The same clusters in a space that was not learned together with them.
        "silhouette_pca": silhouette(folder.array("expression", "obsm/X_pca"), assigned, seed=seed),
        "graph_purity": graph_purity(folder.pairs("graph", "obsp/connectivities"), assigned),
        "mean_confidence": float(confidence.mean()),
    }


def _against_time(folder: SampleFolder) -> dict[str, Any] | None:
    """Rank correlation of the pseudotime with a column ``time``; None where there is none."""
    import numpy as np
    from scipy.stats import spearmanr

    from scsiameseclu.trajectory import times_as_numbers

    pseudotime, given = folder.obs("trajectory")["pseudotime"], folder.obs("counts")
    times = times_as_numbers(given["time"]) if "time" in given else None
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
    """Agreement, and how well the labels can be learned from our embedding and from the PCA."""
    from scsiameseclu.io.sample import column_of
    from scsiameseclu.metrics import classification, label_scores, labelled

    obs = folder.obs("counts")
    column = column_of(obs, label)
    if column is None:
        there = ", ".join(map(str, obs.columns)) or "none"
        raise UserError(f"there is no label column {label!r}; the columns are {there}")
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
