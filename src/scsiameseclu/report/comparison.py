"""The comparison panel: clusters against Leiden and labels; no other section reads labels."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sklearn.metrics import adjusted_rand_score

from scsiameseclu.errors import UserError
from scsiameseclu.io.sample import column_of
from scsiameseclu.metrics import labelled
from scsiameseclu.report.finished_sample import FinishedSample
from scsiameseclu.report.map_data import as_json, category_layer
from scsiameseclu.report.map_figures import Plane, category_map
from scsiameseclu.report.tables import Cell, Table, count, real, text, whole

SCORES = {"ari": "ARI", "nmi": "NMI", "acc": "ACC", "macro_f1": "Macro-F1"}
CLASSIFICATION = {
    "accuracy": "Accuracy",
    "precision": "Precision",
    "recall": "Recall",
    "f1": "F1",
}
COLUMNS = 40


def comparison(sample: FinishedSample, where: Plane, label: str | None) -> dict[str, Any]:
    """Content of the comparison panel.

    Parameters
    ----------
    where
        Cells to draw.
    label
        Column of labels in counts.h5ad, or None.
    """
    panel: dict[str, Any] = _with_leiden(sample, where)
    scores = sample.folder.json("metrics")["labels"]
    panel["labels"] = _with_labels(sample, where, label, scores) if label and scores else None
    return panel


def _with_leiden(sample: FinishedSample, where: Plane) -> dict[str, Any]:
    clusters, leiden = sample.cells["siamese"], sample.cells["leiden"]
    counts = pd.crosstab(clusters, leiden, dropna=False)
    caption = "Cells by cluster (rows) and Leiden cluster (columns), shaded by share of the row"
    return {
        "n_leiden": len(leiden.cat.categories),
        "agreement": f"{adjusted_rand_score(clusters, leiden):.2f}",
        "leiden_map": category_map(
            "map-leiden", "Leiden cluster", where, leiden, numbered=True,
            caption="Leiden at resolution 1.0 on the same neighbour graph.",
        ),
        "leiden_table": _heat_table("leiden-table", caption, "Cluster", counts),
    }  # fmt: skip


def _with_labels(
    sample: FinishedSample, where: Plane, label: str, scores: dict[str, Any]
) -> dict[str, Any]:
    confusion = scores["confusion"]
    named = _named(sample, label)
    caption = "The given labels; no other part of the analysis uses them."
    layer = category_layer("Comparison", "label", f"Label ({label})", where, named)
    return {
        "column": label,
        "note": str(scores["note"]),
        "map": category_map("map-label", "Label", where, named, caption=caption),
        "layer": as_json(layer.to_dict()),
        "scores": _score_table(scores),
        "classification": _classification_table(scores["classification"]),
        "confusion": _heat_table(
            "label-table",
            "Cells by cluster (rows) and label (columns), shaded by share of the row",
            "Cluster",
            _frame(confusion),
        ),
    }


def _named(sample: FinishedSample, label: str) -> pd.Series:
    """Labels of the kept cells as categories; missing ones are NaN."""
    table = sample.folder.obs("counts")
    column = column_of(table, label)
    if column is None:
        names = ", ".join(map(str, table.columns))
        raise UserError(f"there is no label column {label!r}; available columns: {names}")
    labels = table[column]
    return labels.astype(object).astype(str).where(labelled(labels)).astype("category")


def _score_table(scores: dict[str, Any]) -> Table | None:
    if scores["siamese"] is None:
        return None
    rows = [
        [text(name), *(real(scores[method][key]) for key in SCORES)]
        for name, method in (("scSiameseClu", "siamese"), ("Leiden 1.0", "leiden"))
    ]
    return Table(
        "scores-table",
        "Agreement with the labels; the best value of each score is 1",
        ("Clustering", *SCORES.values()),
        rows,
    )


def _classification_table(scores: dict[str, Any] | None) -> Table | None:
    if scores is None:
        return None
    rows = [
        [text(name), *(real(scores[space][key]) for key in CLASSIFICATION)]
        for name, space in (("scSiameseClu", "siamese"), ("Principal components", "pca"))
    ]
    return Table(
        "classification-table",
        f"Classification of {count(scores['n_cells'])} cells into {count(scores['n_classes'])} "
        "labels: logistic regression on each embedding, five stratified folds, mean over labels",
        ("Embedding", *CLASSIFICATION.values()),
        rows,
    )


def _frame(confusion: dict[str, Any]) -> pd.DataFrame:
    clusters, classes = map(list, (confusion["clusters"], confusion["classes"]))
    return pd.DataFrame(confusion["counts"], index=clusters, columns=classes)


def _heat_table(name: str, caption: str, corner: str, counts: pd.DataFrame) -> Table:
    """Counts shaded by share of their row; the smallest columns are combined."""
    counts = _folded(counts)
    rows = []
    for cluster, row in zip(counts.index, counts.to_numpy(), strict=True):
        total = row.sum()
        cells = [_heat_cell(int(value), int(total)) for value in row]
        rows.append([Cell(str(cluster)), *cells, whole(total)])
    return Table(name, caption, (corner, *map(str, counts.columns), "Total"), rows)


def _heat_cell(value: int, total: int) -> Cell:
    if not value:
        return Cell("·", number=0.0)
    return Cell(count(value), number=float(value), shade=value / total)


def _folded(counts: pd.DataFrame) -> pd.DataFrame:
    """At most ``COLUMNS`` columns; the smaller ones become "other"."""
    if counts.shape[1] <= COLUMNS:
        return counts
    largest = counts.sum().sort_values(ascending=False, kind="stable").index[: COLUMNS - 1]
    kept = counts[[column for column in counts.columns if column in set(largest)]].copy()
    kept[f"{counts.shape[1] - len(largest)} other"] = counts.sum(axis=1) - kept.sum(axis=1)
    return kept
