"""Agreement with labels: worked examples, invariances, and who is left out."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from scsiameseclu.metrics import agreement, labelled
from scsiameseclu.metrics.agreement import contingency


@pytest.mark.parametrize("seed", range(5))
def test_names_of_clusters_and_order_of_cells_change_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    classes, clusters = rng.integers(0, 5, 60), rng.integers(0, 7, 60)
    plain = agreement(classes, clusters).to_dict()
    order, names = rng.permutation(60), rng.permutation(7)
    mixed = agreement(classes[order], names[clusters][order]).to_dict()
    assert mixed == pytest.approx(plain, abs=1e-12)


def test_perfect_and_renamed() -> None:
    classes = np.repeat(["b", "a", "c"], [5, 3, 2])
    found = np.repeat(["2", "0", "1"], [5, 3, 2])
    assert agreement(classes, found).to_dict() == pytest.approx(
        {"ari": 1, "nmi": 1, "acc": 1, "macro_f1": 1}
    )


def test_one_cluster_tells_nothing() -> None:
    scores = agreement(np.repeat(["a", "b"], [6, 4]), np.repeat("0", 10))
    assert scores.ari == pytest.approx(0)
    assert scores.nmi == pytest.approx(0)
    assert scores.acc == pytest.approx(0.6)
    assert scores.macro_f1 == pytest.approx((2 * 6 / (6 + 10) + 0) / 2)


@pytest.mark.parametrize("seed", range(12))
def test_mapping_is_the_best_of_all(seed: int) -> None:
    """Every mapping is tried; macro-F1 is scikit-learn's under the best."""
    rng = np.random.default_rng(seed)
    classes, clusters = rng.integers(0, 4, 30), rng.integers(0, 4, 30)
    tried = [
        (
            (np.array(names)[clusters] == classes).mean(),
            f1_score(classes, np.array(names)[clusters], average="macro"),
        )
        for names in permutations(range(4))
    ]
    best_acc, best_f1 = max(tried)
    scores = agreement(classes, clusters)
    assert scores.acc == pytest.approx(best_acc)
    assert scores.macro_f1 == pytest.approx(best_f1)


def test_more_clusters_than_classes_and_fewer() -> None:
    classes = np.array(list("aaaabbbb"))
    split = agreement(classes, np.array(list("00112222")))
    assert split.acc == pytest.approx(6 / 8)
    assert split.macro_f1 == pytest.approx((2 * 2 / (4 + 2) + 1) / 2)
    merged = agreement(np.array(list("aabbcccc")), np.array(list("00001111")))
    assert merged.acc == pytest.approx(6 / 8)
    assert merged.macro_f1 == pytest.approx((2 * 2 / (2 + 4) + 1 + 0) / 3)


def test_contingency_sums() -> None:
    rng = np.random.default_rng(0)
    classes, clusters = rng.integers(0, 3, 50).astype(str), rng.integers(0, 6, 50).astype(str)
    counts = contingency(classes, clusters)
    assert counts.sum() == 50
    assert counts.sum(axis=1).tolist() == [(classes == name).sum() for name in sorted(set(classes))]


def test_missing_empty_and_na_are_no_label() -> None:
    labels = pd.Series(["T", np.nan, None, "", "  ", "NA", "unknown", "0"])
    assert labelled(labels).tolist() == [True, False, False, False, False, False, True, True]
    assert labelled(labels.astype("category")).tolist() == labelled(labels).tolist()
    assert labelled(pd.Series([1.0, np.nan, 0.0])).tolist() == [True, False, True]


@pytest.mark.parametrize(("classes", "clusters"), [([], []), (["a"], ["0", "1"])])
def test_nothing_to_compare(classes: list[str], clusters: list[str]) -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        agreement(np.array(classes), np.array(clusters))


def test_no_cell_is_given_up_for_a_better_f1() -> None:
    """The mapping of most cells is taken, though another has the higher mean of F1."""
    classes = np.repeat(["a", "a", "b", "b"], [50, 48, 1, 4])
    clusters = np.repeat(["0", "1", "0", "1"], [50, 48, 1, 4])
    scores = agreement(classes, clusters)
    assert scores.acc == pytest.approx((50 + 4) / 103)
    assert scores.macro_f1 == pytest.approx((2 * 50 / (98 + 51) + 2 * 4 / (5 + 52)) / 2)
