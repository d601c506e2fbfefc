"""Replicates and the design of the tests between conditions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from scsiameseclu.cohort.design import Design, design_of
from scsiameseclu.cohort.replicates import Replicates, replicates_of
from scsiameseclu.errors import UserError


def cells(rows: list[tuple[Any, ...]], columns: str) -> pd.DataFrame:
    """Two cells per sample."""
    return pd.DataFrame(rows + rows, columns=columns.split())


def made(rows: list[tuple[Any, ...]], columns: str, **more: Any) -> Replicates:
    obs = cells(rows, columns)
    donor = "donor" if "donor" in obs else None
    return replicates_of(
        obs, sample_key="sample", condition_key="condition", donor_key=donor, **more
    )


def design(rows: list[tuple[Any, ...]], columns: str, **more: Any) -> Design:
    return design_of(made(rows, columns, **more))


PAIRED = [(f"{c}{d}", c, f"d{d}") for c in "xy" for d in range(3)]
UNPAIRED = [(f"{c}{d}", c, f"{c}{d}") for c in "xy" for d in range(3)]


def test_samples_of_one_donor_in_one_condition_are_one_replicate() -> None:
    rows = [("s1", "x", "d1"), ("s2", "x", "d1"), ("s3", "y", "d1"), ("s4", "y", None)]
    replicates = made(rows, "sample condition donor")
    assert replicates.table["samples"].to_dict() == {
        "d1 (x)": "s1, s2", "s3": "s3", "s4": "s4",
    }  # fmt: skip
    assert replicates.codes.tolist() == [0, 0, 1, 2] * 2


def test_the_reference_is_named_or_recognised() -> None:
    rows = [("a", "asthma"), ("b", "Healthy"), ("c", "copd")]
    assert made(rows, "sample condition").conditions == ["Healthy", "asthma", "copd"]
    assert made(rows, "sample condition", reference="copd").reference == "copd"
    with pytest.raises(UserError, match="reference condition 'ill' does not exist"):
        made(rows, "sample condition", reference="ill")
    others = made([("a", "b"), ("b", "a")], "sample condition")
    assert others.reference == "a"
    assert "no reference condition is named" in others.notes[0]


def test_samples_without_a_condition_are_left_out() -> None:
    replicates = made([("a", "x"), ("b", ""), ("c", "y"), ("d", None)], "sample condition")
    assert replicates.codes.tolist() == [0, -1, 1, -1] * 2
    assert "not compared: b, d" in replicates.notes[0]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([("a", "x"), ("a", "y")], "sample a has several values in column 'condition'"),
        ([("a", "x"), ("b", "x")], r"1 condition \(x\); name at least two"),
        ([(None, "x"), ("b", "y")], "some cells have no sample"),
    ],
)
def test_contradictions_are_one_sentence(rows: list[tuple[Any, ...]], words: str) -> None:
    with pytest.raises(UserError, match=words):
        made(rows, "sample condition")


def test_a_covariate_that_differs_within_a_replicate_is_left_out() -> None:
    rows = [("s1", "x", "d", "1"), ("s2", "x", "d", "2"), ("s3", "y", "e", "1")]
    replicates = made(rows, "sample condition donor run", covariates=["run"])
    assert replicates.covariates == ()
    assert "covariate run is left out" in replicates.notes[1]


def test_donors_in_both_conditions_are_blocks() -> None:
    paired = design(PAIRED, "sample condition donor")
    assert paired.formula == "~ condition + donor"
    assert paired.matrix.shape == (6, 4)
    unpaired = design(UNPAIRED, "sample condition donor")
    assert unpaired.formula == "~ condition"
    # differences within donors, exactly: the estimate of a paired test
    values = np.random.default_rng(0).normal(size=6)
    effect = np.linalg.lstsq(paired.matrix, values, rcond=None)[0][paired.columns["y"]]
    assert effect == pytest.approx((values[3:] - values[:3]).mean())


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ("aaabbb", "cannot be told from the condition"),
        ("aaaaaa", "is the same for all"),
        ("abcdef", "cannot be told from the condition"),
        ("abcabc", None),
        ("abaab", "replicate y2 has no value"),
    ],
)
def test_covariates_keep_the_effect_estimable(values: str, words: str | None) -> None:
    levels = [*values, *[None] * (6 - len(values))]
    rows = [(*row[:2], level) for row, level in zip(UNPAIRED, levels, strict=True)]
    made_design = design(rows, "sample condition run", covariates=["run"])
    matrix = made_design.matrix
    assert np.linalg.matrix_rank(matrix) == matrix.shape[1] < len(matrix)
    if words is None:
        assert made_design.terms == ("condition", "run")
        assert made_design.notes == ()
    else:
        assert made_design.terms == ("condition",)
        assert words in made_design.notes[0]


def test_numbers_are_one_column_of_unit_variance() -> None:
    ages = ["31", "45", "27", "60", "52", "38"]
    rows = [(*row[:2], age) for row, age in zip(UNPAIRED, ages, strict=True)]
    column = design(rows, "sample condition age", covariates=["age"]).matrix[:, 2]
    assert column.mean() == pytest.approx(0)
    assert column.var() == pytest.approx(1)
    assert column.argmax() == 3


def test_a_condition_without_replicates_is_not_tested() -> None:
    rows = [("a1", "x"), ("a2", "x"), ("b1", "y"), ("c1", "z"), ("c2", "z")]
    three = design(rows, "sample condition")
    assert list(three.columns) == ["z"]
    assert three.untested == {"y": "y has 1 replicate; at least 2 are required"}
    assert len(three.rows) == 4
    none = design(rows, "sample condition", reference="y")
    assert set(none.untested) == {"x", "z"}
    assert none.rows.size == 0
    assert none.untested["x"] == "y has 1 replicate; at least 2 are required"
