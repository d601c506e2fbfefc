"""What section conditions asks for must be in the sheet."""

from __future__ import annotations

from typing import Any

import pytest

from scsiameseclu.stages.condition_checks import condition_problems

COHORTS = {
    "all": [
        {"sample": "a", "condition": "ctrl", "meta_sex": "f"},
        {"sample": "b", "condition": "stim", "batch": "1"},
        {"sample": "c"},
    ]
}


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"covariates": "sex, meta_sex, batch", "reference_condition": "stim"}, []),
        ({"covariates": "age"}, ["no column age or meta_age; add it, or remove age"]),
        ({"covariates": "condition"}, ["condition is what is compared"]),
        (
            {"reference_condition": "healthy", "covariates": "meta_age"},
            [
                "'healthy', but no sample has this condition; available: ctrl, stim",
                "no column meta_age; add it, or remove meta_age",
            ],
        ),
        ({"min_cells": 0}, []),  # reported by the check of the config
    ],
)
def test_what_the_sheet_lacks_is_named(section: dict[str, Any], words: list[str]) -> None:
    problems = list(condition_problems(section, COHORTS))
    assert len(problems) == len(words)
    assert all(part in problem for part, problem in zip(words, problems, strict=True))


def test_without_conditions_nothing_is_asked() -> None:
    assert list(condition_problems({"covariates": "age"}, {"all": [{"sample": "a"}]})) == []
