"""Descent in the tree of types: ties go up, evidence goes down."""

import numpy as np
import pandas as pd
import pytest

from scsiameseclu.annotation.descent import TOP, TypeTree, descend, name_types
from scsiameseclu.settings import AnnotationSettings

SETTINGS = AnnotationSettings(min_score=3.0, margin=0.5)


def named(**scores: float) -> pd.Series:
    """The answer for one cluster; underscores stand for spaces."""
    columns = [name.replace("_", " ") for name in scores]
    return name_types(pd.DataFrame([list(scores.values())], columns=columns), SETTINGS).iloc[0]


def test_a_tie_is_answered_one_level_up_with_its_runner_up() -> None:
    tied = named(Naive_CD4_T=8.0, Memory_CD4_T=7.7, B_cell=1.0)
    assert (tied["cell_type"], tied["best_match"]) == ("CD4 T", "Naive CD4 T")
    assert (tied["runner_up"], tied["runner_up_score"]) == ("Memory CD4 T", 7.7)
    assert tied["score"] == 8.0
    assert tied["margin"] == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("rival", "answer"),
    [
        ("Memory CD4 T", "CD4 T"),
        ("Effector CD8 T", "T cell"),
        ("NK", "Lymphocyte"),
        ("CD14 monocyte", "Hematopoietic"),
        ("Hepatocyte", "Unassigned"),
    ],
)
def test_the_answer_is_the_narrowest_type_that_includes_both(rival: str, answer: str) -> None:
    scores = pd.DataFrame([[8.0, 7.9]], columns=["Naive CD4 T", rival])
    for columns in (list(scores), list(scores)[::-1]):
        found = name_types(scores[columns], SETTINGS).iloc[0]
        assert found["cell_type"] == answer
        assert {found["best_match"], found["runner_up"]} == set(scores)


def test_evidence_leads_down_and_stops_where_it_ends() -> None:
    strong = {"T_cell": 15.0, "NK": 5.0}
    assert named(**strong, Naive_CD4_T=8.0, Memory_CD4_T=6.0)["cell_type"] == "Naive CD4 T"
    # subtypes without evidence of their own do not matter, however far they are apart
    weak = named(**strong, Naive_CD4_T=2.9, Memory_CD4_T=-6.0)
    assert (weak["cell_type"], weak["score"]) == ("T cell", 15.0)


def test_a_wider_type_is_no_rival_of_its_subtype() -> None:
    found = named(T_cell=8.1, Naive_CD4_T=8.0, B_cell=2.0)
    assert (found["cell_type"], found["runner_up"]) == ("Naive CD4 T", "B cell")


def test_removing_a_sibling_leaves_the_only_subtype() -> None:
    both = {"T_cell": 12.0, "Naive_CD4_T": 8.0, "Memory_CD4_T": 7.8}
    assert named(**both)["cell_type"] == "CD4 T"
    del both["Memory_CD4_T"]
    assert named(**both)["cell_type"] == "Naive CD4 T"


def test_nothing_fits_below_the_least_score() -> None:
    found = named(B_cell=2.99, NK=1.0)
    assert (found["cell_type"], found["best_match"]) == ("Unassigned", "B cell")
    assert named(B_cell=3.0, NK=1.0)["cell_type"] == "B cell"


def test_names_that_the_tree_lacks_are_at_its_top() -> None:
    assert named(Mine=9.0, Yours=5.0)["cell_type"] == "Mine"
    assert named(Mine=9.0, Yours=8.9)["cell_type"] == "Unassigned"
    only = named(Mine=9.0)
    assert (only["cell_type"], only["runner_up"]) == ("Mine", "")
    assert np.isnan(only["margin"])


def test_a_table_keeps_its_own_names() -> None:
    scores = pd.DataFrame([[9.0, 1.0]], columns=["CD14+ Mono", "NK cells"])
    found = name_types(scores, SETTINGS).iloc[0]
    assert (found["cell_type"], found["runner_up"]) == ("CD14+ Mono", "NK cells")


def test_the_smallest_lead_of_all_steps_counts() -> None:
    tree = TypeTree.of(["Naive CD4 T", "Memory CD4 T", "NK", "Hepatocyte"])
    found = descend(np.array([9.0, 4.0, 8.0, 2.0]), tree, 3.0, 0.5)
    assert (found.answer, found.lead, found.margin) == ("Naive CD4 T", 1.0, 1.0)
    nothing = descend(np.array([1.0, 0.0, 0.0, 0.0]), tree, 3.0, 0.5)
    assert nothing.answer == TOP
    assert np.isnan(nothing.lead)


def test_names_that_differ_by_what_cells_lack_are_different_types() -> None:
    for one, other in (("CD8- T cells", "CD8+ T cells"), ("CD16- monocytes", "CD16+ monocytes")):
        scores = pd.DataFrame([[9.0, -3.0], [-3.0, 9.0]], columns=[one, other])
        assert name_types(scores, SETTINGS)["cell_type"].tolist() == [one, other]


def test_of_two_names_of_one_type_the_one_with_the_evidence_is_written() -> None:
    scores = pd.DataFrame([[9.0, -3.0], [-3.0, 9.0]], columns=["T cells", "T-cell"])
    assert name_types(scores, SETTINGS)["cell_type"].tolist() == ["T cells", "T-cell"]
