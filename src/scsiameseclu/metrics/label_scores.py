"""All scores of clusterings against published labels, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from scsiameseclu.metrics.agreement import agreement, labelled

LOOK_MISSING = ("unknown", "unassigned", "unlabelled", "unlabeled")
"""Labels that suggest a missing label; they count as classes, which the note mentions."""


def label_scores(
    labels: pd.Series, clusterings: Mapping[str, pd.Series], column: str
) -> dict[str, Any]:
    """Score clusterings on the cells that have a label.

    Parameters
    ----------
    labels
        Published labels, possibly missing, (n_cells,).
    clusterings
        Categorical clusters by name, each (n_cells,).
    column
        Name of the label column.

    Returns
    -------
    ``column``, ``n_labelled``, ``n_unlabelled``, ``n_classes``, ``note``, one entry per clustering
    (None if no cell has a label), and ``confusion`` of the first clustering.
    """
    known = labelled(labels)
    classes = labels[known].astype(str)
    scores = {
        name: agreement(classes, clusters[known]).to_dict() if known.any() else None
        for name, clusters in clusterings.items()
    }
    return {
        "column": column,
        "n_labelled": int(known.sum()),
        "n_unlabelled": int((~known).sum()),
        "n_classes": int(classes.nunique()),
        "note": _note(known, set(classes)),
        **scores,
        "confusion": confusion(classes, next(iter(clusterings.values()))),
    }


def confusion(classes: pd.Series, clusters: pd.Series) -> dict[str, list[Any]]:
    """Number of labelled cells by cluster (rows, in category order) and class (sorted columns)."""
    rows = [str(name) for name in clusters.cat.categories]
    columns = sorted(set(classes))
    table = pd.crosstab(clusters.loc[classes.index].astype(str), classes)
    counts = table.reindex(index=rows, columns=columns, fill_value=0)
    return {"clusters": rows, "classes": columns, "counts": counts.to_numpy(dtype=int).tolist()}


def _note(known: np.ndarray, classes: set[str]) -> str:
    """Describe which cells the scores refer to."""
    missing = int((~known).sum())
    if not known.any():
        return "No cell has a label, so no scores were computed."
    parts = [
        f"{missing:,} of {len(known):,} cells have no label: they were clustered but are excluded "
        "from these scores."
        if missing
        else "Every cell has a label."
    ]
    doubtful = sorted(name for name in classes if name.strip().lower() in LOOK_MISSING)
    if doubtful:
        parts.append(f"Counted as classes: {', '.join(doubtful)}.")
    return " ".join(parts)
