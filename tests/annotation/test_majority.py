"""A cluster has a type only if the majority of its cells support it."""

import pandas as pd
import pytest

from scsiameseclu.annotation.descent import name_types
from scsiameseclu.annotation.majority import with_majority
from scsiameseclu.settings import AnnotationSettings

SCORES = {"Effector CD8 T": 13.6, "NK": 15.0, "Naive CD4 T": 2.0, "CD14 monocyte": 1.0}


def widened(by_cell: dict[str, int], scores: dict[str, float] = SCORES) -> pd.Series:
    """The type of cluster 7, whose cells have these types; cluster 2 is all monocytes."""
    table = pd.DataFrame([scores, dict.fromkeys(scores, 0.0) | {"CD14 monocyte": 9.0}])
    table.index = pd.Index(["7", "2"])
    cells = [name for name, count in by_cell.items() for _ in range(count)]
    clusters = pd.Series(pd.Categorical(["7"] * len(cells) + ["2"] * 5))
    types = pd.Series([*cells, *["CD14 monocyte"] * 5])
    order = clusters.sample(frac=1, random_state=0).index  # the order of cells does not matter
    named = name_types(table, AnnotationSettings())
    result = with_majority(named, table, clusters[order], types[order])
    assert result.loc["2", "cell_type"] == "CD14 monocyte"
    assert list(result.columns) == list(named.columns)
    return result.loc["7"]


@pytest.mark.parametrize(
    ("by_cell", "answer"),
    [
        ({"NK": 60, "Effector CD8 T": 40}, "NK"),
        ({"NK": 40, "Effector CD8 T": 60}, "Lymphocyte"),
        ({"NK": 50, "Effector CD8 T": 50}, "Lymphocyte"),
        ({"NK": 30, "T cell": 30, "CD14 monocyte": 40}, "Lymphocyte"),
        ({"NK": 30, "CD14 monocyte": 70}, "CD14 monocyte"),  # nothing of NK has a majority
        ({"NK": 30, "CD14 monocyte": 40, "FCGR3A monocyte": 30}, "Monocyte"),
        ({"NK": 30, "Hematopoietic": 70}, "NK"),  # no majority below the top level: as it was
        ({"NK": 40, "Lymphocyte": 60}, "NK"),  # a wider type does not exclude it
        ({"NK": 20, "Effector CD8 T": 10, "Unassigned": 70}, "NK"),
        ({"Unassigned": 100}, "NK"),
    ],
)
def test_the_name_has_a_majority(by_cell: dict[str, int], answer: str) -> None:
    assert widened(by_cell)["cell_type"] == answer


def test_the_score_is_that_of_the_best_set_within_the_answer() -> None:
    scores = SCORES | {"T cell": 21.0}
    row = widened({"NK": 40, "Effector CD8 T": 60}, SCORES)
    assert (row["score"], row["evidence"], row["best_match"]) == (15.0, "NK", "NK")
    row = widened({"Naive CD4 T": 40, "Effector CD8 T": 60}, scores | {"NK": 0.0})
    assert (row["cell_type"], row["score"], row["evidence"]) == (
        "Effector CD8 T",
        13.6,
        "Effector CD8 T",
    )
    row = widened({"Naive CD4 T": 60, "Effector CD8 T": 40}, scores | {"NK": 0.0})
    assert (row["cell_type"], row["score"], row["evidence"]) == ("T cell", 21.0, "T cell")


def test_types_outside_the_tree_stay() -> None:
    mine = {"My type": 9.0, "Other": 2.0, "CD14 monocyte": 0.0}
    assert widened({"Other": 90, "My type": 10}, mine)["cell_type"] == "My type"


def test_cells_do_not_name_a_cluster_without_markers() -> None:
    row = widened({"NK": 100}, dict.fromkeys(SCORES, 1.0))
    assert row["cell_type"] == "Unassigned"
