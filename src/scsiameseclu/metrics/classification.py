"""Prediction of labels from embeddings: stratified cross-validation of a classifier."""

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
MAX_CELLS = 20_000
"""Maximum number of cells; larger data are subsampled at random."""


def classification(
    embeddings: Mapping[str, np.ndarray], labels: pd.Series, *, seed: int
) -> dict[str, Any] | None:
    """Cross-validate logistic regression from embeddings to labels.

    Five stratified folds are used, as in the classification experiment of Xu et al. (2025). Labels
    with fewer than five cells are excluded, since they would be missing in some folds.

    Parameters
    ----------
    embeddings
        Embeddings by name, (n_cells, n_dimensions); all use the same folds.
    labels
        Label of each cell, without missing values, (n_cells,).
    seed
        Seed for the folds, and for the subsample if there are more than 20,000 cells.

    Returns
    -------
    ``n_cells``, ``n_classes``, and for each embedding ``accuracy`` and the macro averages
    ``precision``, ``recall`` and ``f1``; None if there are fewer than two classes.
    """
    names = labels.astype(str).to_numpy()
    rows = np.arange(len(names))
    if len(rows) > MAX_CELLS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MAX_CELLS, replace=False))
    classes, sizes = np.unique(names[rows], return_counts=True)
    rows = rows[np.isin(names[rows], classes[sizes >= FOLDS])]
    truth = names[rows]
    n_classes = len(np.unique(truth))
    if n_classes < 2:
        return None
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    scores: dict[str, Any] = {"n_cells": len(rows), "n_classes": n_classes}
    for name, embedding in embeddings.items():
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        predicted = cross_val_predict(model, np.asarray(embedding)[rows], truth, cv=folds)
        precision, recall, f1, _ = precision_recall_fscore_support(
            truth, predicted, average="macro", zero_division=0
        )
        scores[name] = {
            "accuracy": float(accuracy_score(truth, predicted)),
            "precision": float(precision),
            "recall": float(recall),
            "f1": float(f1),
        }
    return scores
