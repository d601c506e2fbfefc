"""Which samples are analysed together, and what is said about the sheet before any work."""

from pathlib import Path
from typing import Any

import pytest

from scsiameseclu.stages.cohorts import (
    batches_of_samples,
    cohort_problems,
    cohort_warnings,
    cohorts_of,
    common_settings,
    design,
)
from scsiameseclu.stages.config import checked, with_defaults
from scsiameseclu.stages.sheet import read_sheet


def row(sample: str, **columns: str) -> dict[str, Any]:
    return {"sample": sample, "path": f"{sample}.h5"} | columns


def config(**settings: str) -> dict[str, Any]:
    return with_defaults({"cohort": settings})


def names(cohorts: dict[str, list[dict[str, Any]]]) -> dict[str, list[str]]:
    return {name: [one["sample"] for one in rows] for name, rows in cohorts.items()}


PLAIN = [row("a"), row("b"), row("c")]
NAMED = [row("a", cohort="x"), row("b"), row("c", cohort="x"), row("d", cohort="y")]


def test_without_the_column_all_samples_are_one_cohort() -> None:
    assert names(cohorts_of(config(), PLAIN)) == {"all": ["a", "b", "c"]}
    assert cohorts_of(config(), PLAIN[:1]) == {}
    assert cohorts_of(config(run="named"), PLAIN) == {}
    assert cohorts_of(config(run="off"), PLAIN) == {}


def test_the_column_names_cohorts() -> None:
    for run in ("auto", "named"):
        assert names(cohorts_of(config(run=run), NAMED)) == {"x": ["a", "c"], "y": ["d"]}
    assert cohorts_of(config(run="off"), NAMED) == {}


def test_nothing_is_joined_where_samples_are_mapped() -> None:
    assert cohorts_of(config(model="results/cohorts/all"), PLAIN) == {}


def problems(rows: list[dict[str, Any]], **settings: str) -> list[str]:
    complete = config(**settings)
    return cohort_problems(complete, cohorts_of(complete, rows))


def warnings(rows: list[dict[str, Any]], **settings: str) -> list[str]:
    complete = config(**settings)
    return list(cohort_warnings(complete, cohorts_of(complete, rows)))


def test_a_cohort_of_one_sample_is_a_problem() -> None:
    (problem,) = problems(NAMED)
    assert "'y' has a single sample (d)" in problem


def test_names_that_differ_only_by_spelling_are_problems() -> None:
    (problem,) = problems([row(name, cohort=c) for name, c in zip("abcd", "xxXX", strict=True)])
    assert "'x' and 'X' differ only by spelling" in problem
    rows = [row("a", condition="Control"), row("b", condition="control ")]
    assert "condition 'Control' and 'control ' differ" in problems(rows)[0]
    rows = [row("a", donor="D-1"), row("b", donor="D1"), row("c", donor="D2")]
    assert len(problems(rows)) == 1
    assert problems([row("a", donor="+"), row("b", donor="-")]) == []


def test_every_sample_needs_a_batch() -> None:
    rows = [row("a", meta_run="1"), row("b")]
    (problem,) = problems(rows, batch="meta_run")
    assert "cohort.batch is meta_run" in problem
    assert "for b;" in problem
    assert problems([row("a", donor="d"), row("b")], batch="donor") == []


def test_what_counts_as_a_batch() -> None:
    rows = [row("a", donor="d", meta_run="1"), row("b", donor="d", meta_run="2")]
    assert batches_of_samples(config(), rows) == {"a": "a", "b": "b"}
    assert batches_of_samples(config(batch="donor"), rows) == {"a": "d", "b": "d"}
    assert batches_of_samples(config(batch="meta_run"), rows) == {"a": "1", "b": "2"}
    assert batches_of_samples(config(batch="batch"), rows) is None


def test_conditions_without_replicates_are_told() -> None:
    rows = [row("a", condition="x"), row("b", condition="x"), row("c", condition="y")]
    (warning,) = warnings(rows)
    assert "'y' has a single replicate (c); differences are shown, but not tested" in warning
    rows[2]["donor"] = rows[1]["donor"] = "d"
    rows[0]["donor"] = "d"
    assert len(warnings(rows)) == 2  # two samples of one donor are one replicate
    assert "nothing is compared" in warnings(rows[:2])[0]
    assert "d without a condition" in warnings([*rows, row("d")])[0]
    assert warnings(PLAIN) == []


def test_a_batch_with_one_condition_is_told() -> None:
    rows = [
        row(name, condition=c, meta_run=r)
        for name, c, r in zip("abcd", "xxyy", "1122", strict=True)
    ]
    (warning,) = warnings(rows, batch="meta_run")
    assert "cannot be told from those between batches" in warning
    assert warnings(rows) == []
    rows[0]["meta_run"] = "2"
    assert warnings(rows, batch="meta_run") == []


def test_the_design_of_samples() -> None:
    rows = [row("a", condition="x", meta_run="1", label="type"), row("b")]
    assert design(rows) == {"a": {"condition": "x", "meta_run": "1"}, "b": {}}


def test_settings_that_samples_share() -> None:
    rows = [row("a", label="type", organism="mouse"), row("b", label="type"), row("c")]
    assert common_settings(rows) == {"label": "type", "organism": "mouse"}
    rows[1]["label"] = "other"
    assert common_settings(rows) == {"organism": "mouse"}


def test_the_sheet_has_free_columns(tmp_path: Path) -> None:
    path = tmp_path / "samples.tsv"
    path.write_text("sample\tpath\tmeta_run\tmeta_Age\na\tdemo:a\t7\t35.5\nb\tdemo:b\t\t\n")
    sheet = read_sheet(path)
    assert sheet.all_problems == []
    assert sheet.rows[0]["meta_run"] == "7"  # text, also where it looks like a number
    assert "meta_run" not in sheet.rows[1]


@pytest.mark.parametrize("column", ["meta", "meta_", "meta_a b", "Meta_run", "metarun"])
def test_other_columns_are_unknown(tmp_path: Path, column: str) -> None:
    path = tmp_path / "samples.tsv"
    path.write_text(f"sample\tpath\t{column}\na\tdemo:a\t7\n")
    assert f"unknown column {column!r}" in read_sheet(path).problems[0]


def test_the_workflow_hears_of_cohorts_and_models(tmp_path: Path) -> None:
    path = tmp_path / "samples.tsv"
    path.write_text("sample\tpath\tcohort\na\tdemo:a\tx\nb\tdemo:b\t\n")
    assert "single sample" in checked({"samples": str(path)})[2][0]
    _, _, found = checked({"samples": str(path), "cohort": {"model": str(tmp_path)}})
    (problem,) = found
    assert "is not the folder of a finished cohort" in problem
