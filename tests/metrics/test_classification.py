"""Cross-validated classification: what can be told is told, and what cannot be is not."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.preprocessing import StandardScaler

from scsiameseclu.metrics import classification


def cells(n: int = 200, seed: int = 0) -> tuple[np.ndarray, pd.Series]:
    rng = np.random.default_rng(seed)
    labels = np.repeat(["a", "b", "c"], [n // 2, n // 4, n // 4])
    centres = 5 * np.eye(3)[np.unique(labels, return_inverse=True)[1]]
    return centres + rng.normal(0, 0.3, (n, 3)), pd.Series(labels)


def test_apart_is_told_and_noise_is_not() -> None:
    where, labels = cells()
    noise = np.random.default_rng(1).normal(size=where.shape)
    found = classification({"good": where, "noise": noise}, labels, seed=0)
    assert found is not None
    assert (found["n_cells"], found["n_classes"]) == (200, 3)
    assert found["good"] == {"accuracy": 1.0, "precision": 1.0, "recall": 1.0, "f1": 1.0}
    assert found["noise"]["f1"] < 0.45


def test_small_classes_are_left_out_and_one_class_says_nothing() -> None:
    where, labels = cells()
    labels[:4] = "rare"
    found = classification({"good": where}, labels, seed=0)
    assert found is not None
    assert (found["n_cells"], found["n_classes"]) == (196, 3)
    assert classification({"good": where}, pd.Series(["a"] * 200), seed=0) is None


def test_order_of_names_does_not_matter() -> None:
    where, labels = cells()
    renamed = labels.map({"a": "z", "b": "y", "c": "x"})
    noisy = where + np.random.default_rng(2).normal(0, 2, where.shape)
    one = classification({"e": noisy}, labels, seed=0)
    two = classification({"e": noisy}, renamed, seed=0)
    assert one is not None
    assert two is not None
    assert abs(one["e"]["accuracy"] - two["e"]["accuracy"]) < 0.1


def test_scores_are_means_over_classes_of_cells_that_were_held_out() -> None:
    """A class that is never named has precision 0."""
    rng = np.random.default_rng(0)
    labels = np.repeat(["a", "b", "c"], [150, 60, 5])
    where = rng.normal(size=(215, 4)) + 2.0 * np.eye(4)[np.repeat([0, 1, 0], [150, 60, 5])]
    named = np.empty(215, dtype=object)
    for rest, out in StratifiedKFold(5, shuffle=True, random_state=3).split(where, labels):
        scaler = StandardScaler().fit(where[rest])
        model = LogisticRegression(max_iter=1000).fit(scaler.transform(where[rest]), labels[rest])
        named[out] = model.predict(scaler.transform(where[out]))
    right = [((named == c) & (labels == c)).sum() for c in "abc"]
    precision = [n / max((named == c).sum(), 1) for n, c in zip(right, "abc", strict=True)]
    recall = [n / (labels == c).sum() for n, c in zip(right, "abc", strict=True)]
    f1 = [2 * p * r / (p + r) if p + r else 0 for p, r in zip(precision, recall, strict=True)]
    found = classification({"e": where}, pd.Series(labels), seed=3)
    assert found is not None
    assert "c" not in named
    expected = {"accuracy": sum(right) / 215}
    expected |= {"precision": np.mean(precision), "recall": np.mean(recall), "f1": np.mean(f1)}
    assert found["e"] == pytest.approx(expected)


@pytest.mark.parametrize(("n_rare", "n_classes"), [(4, 2), (5, 3)])
def test_five_cells_of_two_classes_are_enough(n_rare: int, n_classes: int) -> None:
    labels = pd.Series(np.repeat(["a", "b", "c"], [20, 20, n_rare]))
    where = np.random.default_rng(0).normal(size=(len(labels), 3))
    found = classification({"e": where}, labels, seed=0)
    assert found is not None
    assert found["n_classes"] == n_classes
