"""Figures and tables of the comparison of conditions say what its files say."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from made_cohort import make_cohort, write_cohort

from scsiameseclu.report.condition_figures import (
    Comparison,
    composition_picture,
    composition_tests,
    gene_table,
    load_comparison,
    shares_picture,
    summary_table,
    untested,
    volcano_pictures,
)
from scsiameseclu.settings import ConditionSettings
from scsiameseclu.stages import conditions

HOSTILE = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def comparison(tmp_path_factory: pytest.TempPathFactory) -> Comparison:
    cohort = make_cohort(n_cells=250)
    cohort.obs["type"] = cohort.obs["type"].replace({"NK": HOSTILE})
    folder = write_cohort(tmp_path_factory.mktemp("cohort"), cohort)
    conditions.run(folder, settings=ConditionSettings(min_cells=10))
    return load_comparison(folder)


def test_names_of_the_user_are_text(comparison: Comparison) -> None:
    for picture in (
        composition_picture(comparison, "types"),
        shares_picture(comparison, "types"),
        *volcano_pictures(comparison),
    ):
        assert HOSTILE not in picture.svg
        assert picture.caption
    assert "&lt;script" in shares_picture(comparison, "types").svg


def test_bars_are_the_shares(comparison: Comparison) -> None:
    picture = composition_picture(comparison, "types", {"B": "#123456"})
    assert ("#123456", "B") in picture.legend
    assert picture.svg.count("#123456") == 8  # one per replicate
    mean = comparison.shares.query("level == 'types' and group == 'B'")
    shown = 100 * mean.groupby("condition")["share"].mean()["stim"]
    assert f"B {shown:.1f}" in picture.svg


def test_tests_are_beside_their_group(comparison: Comparison) -> None:
    picture = shares_picture(comparison, "types")
    row = comparison.tests.query("level == 'types' and group == 'B'").iloc[0]
    assert f"{row['log2_change']:+.2f}, p" in picture.svg
    assert "Changed: B in stim" in picture.svg
    table = composition_tests(comparison, "clusters")
    assert [row[0].text for row in table.rows] == ["2", "1", "0", "3"]
    assert [row[-1].text for row in table.rows] == ["–", "changed", "–", "–"]  # 1: B cells


def test_genes_are_those_below_the_limit(comparison: Comparison) -> None:
    (picture,) = volcano_pictures(comparison)
    summary = comparison.summary.set_index("group").loc["B"]
    assert f"{summary['n_up']} higher, {summary['n_down']} lower" in picture.caption
    table = gene_table(comparison)
    assert len(table.rows) == summary["n_up"] + summary["n_down"]
    assert {row[0].text for row in table.rows} == {"B"}
    names = re.findall(r"gene\d+", picture.svg)
    assert {row[2].text for row in table.rows} <= set(names)
    assert [row[0].text for row in summary_table(comparison).rows][-1] == "Unassigned"


def test_what_was_not_tested_is_said(comparison: Comparison) -> None:
    assert untested(comparison) == [
        "expression of cell type Unassigned in stim: cells without a type are a mixture"
    ]
    assert untested(replace(comparison, problem="one condition")) == ["one condition"]


def test_a_cohort_without_a_comparison_can_be_read(tmp_path: Path) -> None:
    folder = write_cohort(tmp_path, make_cohort(n_cells=30))
    conditions.run(folder, settings=ConditionSettings(reference_condition="none"))
    empty = load_comparison(folder)
    assert "reference condition none" in untested(empty)[0]
    assert volcano_pictures(empty) == []
    assert summary_table(empty).rows == []
