"""How well labels can be told from an embedding: stratified cross-validation of a classifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, precision_recall_fscore_support
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

FOLDS = 5
MOST_CELLS = 20_000
"""Above this a random sample of the cells stands for them."""


def classification(
    embeddings: Mapping[str, np.ndarray], labels: pd.Series, *, seed: int
) -> dict[str, Any] | None:
    """Accuracy, precision, recall and F1 of logistic regression in stratified five-fold
    cross-validation, as in the classification experiment of Xu et al. (2025).

    Labels of fewer than five cells are left out, since not every fold would have one.

    Parameters
    ----------
    embeddings
        Name and cells of each embedding, (n_cells, n_dimensions); all are cut into the same folds.
    labels
        Of the cells, none missing, (n_cells,).
    seed
        Of the folds, and of the sample of cells where there are more than 20,000.

    Returns
    -------
    ``n_cells``, ``n_classes``, and for each embedding ``accuracy`` and, means over the classes,
    ``precision``, ``recall`` and ``f1``; None with fewer than two classes.
    """
    names = labels.astype(str).to_numpy()
    rows = np.arange(len(names))
    if len(rows) > MOST_CELLS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST_CELLS, replace=False))
    classes, sizes = np.unique(names[rows], return_counts=True)
    rows = rows[np.isin(names[rows], classes[sizes >= FOLDS])]
    truth = names[rows]
    n_classes = len(np.unique(truth))
    if n_classes < 2:
        return None
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    found: dict[str, Any] = {"n_cells": len(rows), "n_classes": n_classes}
    for name, embedding in embeddings.items():
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        told = cross_val_predict(model, np.asarray(embedding)[rows], truth, cv=folds)
        precision, recall, f1, _ = precision_recall_fscore_support(
            truth, told, average="macro", zero_division=0
        )
        found[name] = {
            "accuracy": float(accuracy_score(truth, told)),
            "precision": float(precision),
            "recall": float(recall),
            "f1": float(f1),
        }
    return found
