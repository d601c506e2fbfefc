"""Cross-validated classification: what can be told is told, and what cannot be is not."""

import numpy as np
import pandas as pd

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
