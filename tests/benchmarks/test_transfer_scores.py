"""How the benchmark of label transfer scores."""

import numpy as np
import pandas as pd
import pytest
import transfer

MEANS = {"reference": {"t1": "T", "t2": "T"}, "query": {"CD4": "T", "DC": transfer.ABSENT}}


def found(named: list[str], best: list[str]) -> pd.DataFrame:
    return pd.DataFrame({"cell_type": named, "best": best})


def test_types_that_mean_the_same_are_right() -> None:
    truth = pd.Series(["CD4", "CD4", "B", "DC", None])
    labels = found(["t1", "Unknown", "B", "Unknown", "B"], ["t1", "t2", "B", "B", "B"])
    scores = transfer.score(labels, truth, MEANS)
    assert scores["accuracy_best"] == scores["macro_f1_best"] == 1
    assert scores["accuracy"] == pytest.approx(3 / 4)
    assert scores["unknown"] == pytest.approx(1 / 3)
    assert scores["accuracy_named"] == 1
    assert scores["unknown_of_absent"] == 1


def test_a_type_that_the_reference_lacks_cannot_be_right_by_name() -> None:
    truth = pd.Series(["B", "DC"])
    scores = transfer.score(found(["B", "B"], ["B", "B"]), truth, MEANS)
    assert scores["accuracy_best"] == 1
    assert scores["accuracy"] == scores["accuracy_named"] == pytest.approx(1 / 2)
    assert scores["unknown_of_absent"] == 0


def test_every_type_of_the_map_is_given_a_meaning_once() -> None:
    table = pd.read_csv(transfer.HERE / "transfer_types.tsv", sep="\t")
    assert not table.duplicated(["pair", "of", "type"]).any()
    assert set(table["pair"]) <= set(transfer.PAIRS)
    means = transfer.meanings("blood")
    assert set(means["query"].values()) - set(means["reference"].values()) == {transfer.ABSENT}
    assert transfer.meanings("pancreas") == {}


def test_table_has_a_line_for_each_pair_and_method() -> None:
    row = dict.fromkeys(transfer.COLUMNS, 0.5) | {"machine": "x", "date": "2026-01-01"}
    rows = pd.DataFrame(
        [
            row | {"pair": "blood", "method": "transport", "seed": seed, "accuracy_best": value}
            for seed, value in enumerate([0.6, 0.8])
        ]
        + [row | {"pair": "blood", "method": "celltypist", "unknown_of_absent": float("nan")}]
    )
    text = transfer.table(rows, "shared")
    assert "| ours | 2 | 0.700 |" in text
    assert "| CellTypist | 1 | 0.500 | 0.500 | 50.0% | 0.500 | – |" in text


@pytest.mark.parametrize("method", transfer.OURS)
def test_each_method_finds_the_types_of_made_up_directions(method: str) -> None:
    rng = np.random.default_rng(0)
    types = np.repeat(["alpha", "beta"], [40, 200])
    cells = np.eye(20)[(types == "beta").astype(int)] + rng.normal(0, 0.1, (240, 20))
    labels = transfer.transfer_by(method, 0).fit(cells, types).predict(cells[::-1])
    assert (labels["best"] == types[::-1]).mean() > 0.99
