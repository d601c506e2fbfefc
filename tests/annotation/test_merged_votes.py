"""Votes of all sources merged, without files."""

import numpy as np
import pandas as pd
import pytest

from scsiameseclu.annotation.by_markers import Annotation
from scsiameseclu.annotation.consensus import merge_votes
from scsiameseclu.annotation.votes import Vote

CELLS = [f"cell{number}" for number in range(6)]
CLUSTERS = pd.Series(pd.Categorical(list("xxxyyy"), categories=list("wxy")), CELLS)


@pytest.fixture
def annotation() -> Annotation:
    """Cluster x is of B cells, cluster y is not known; the last cell is an NK cell."""
    table = pd.DataFrame(
        {"cluster": ["x", "y"], "n_cells": [3, 3], "cell_type": ["B", "Unassigned"]}
    ).assign(
        cell_type_ontology_term_id=["CL:0000236", ""],
        cell_type_confidence=[0.9, 0.0],
        score=[7.0, 1.0],
    )
    cells = pd.DataFrame({"cell_type": ["B"] * 3 + ["Unassigned"] * 2 + ["NK"]}, CELLS)
    cells["score"] = [7.0, 7.0, 7.0, 1.0, 1.0, 5.0]
    scores = pd.DataFrame([[7.0, 1.0], [0.5, 1.0]], index=["x", "y"], columns=["B", "NK"])
    return Annotation(table, scores, "blood", "human", 0.9, cells, np.zeros((2, 4)), ["a warning"])


def reference(*names: str, strength: float = 0.6) -> Vote:
    return Vote("reference", np.array(names, dtype=object), np.full(len(names), strength))


def test_markers_alone_keep_their_names_and_scores(annotation: Annotation) -> None:
    types = merge_votes(annotation, CLUSTERS)
    cells = types.cells
    assert list(cells) == [
        *("cell_type_predicted", "cell_type_score"),
        *("cell_type_ontology_term_id", "cell_type_confidence"),
        *("cell_type_by_cell", "cell_type_by_cell_score"),
    ]
    assert cells["cell_type_ontology_term_id"].tolist() == ["CL:0000236"] * 3 + [""] * 3
    np.testing.assert_allclose(cells["cell_type_confidence"], [0.9] * 3 + [0.0] * 3, rtol=1e-6)
    assert cells["cell_type_predicted"].tolist() == ["B"] * 3 + ["Unassigned"] * 3
    assert cells["cell_type_by_cell"].tolist() == ["B"] * 3 + ["Unassigned"] * 2 + ["NK"]
    assert cells["cell_type_by_cell_score"].tolist() == [7, 7, 7, 1, 1, 5]
    pd.testing.assert_frame_equal(types.clusters, annotation.table)
    assert types.summary["sources"].tolist() == ["markers"]
    assert types.warnings == ["a warning"]


def test_two_sources_vote_by_cluster_and_by_cell(annotation: Annotation) -> None:
    votes = [reference("B cells", "B cells", "Mast", "Mast", "Mast", "Unknown")]
    types = merge_votes(annotation, CLUSTERS, votes)
    cells = types.cells
    # x: two of three cells, and the markers; y: two of three cells alone
    assert cells["cell_type_predicted"].tolist() == ["B cell"] * 3 + ["Mast"] * 3
    np.testing.assert_allclose(cells["cell_type_score"], [(2 / 3 + 1) / 2] * 3 + [(2 / 3) / 2] * 3)
    assert cells["cell_type_by_cell"].tolist() == [
        "B cell",
        "B cell",
        "conflict",
        "Mast",
        "Mast",
        "NK",
    ]
    np.testing.assert_allclose(
        cells["cell_type_by_cell_score"], [0.8, 0.8, 0.0, 0.3, 0.3, 0.5], rtol=1e-6
    )
    assert cells["vote_reference"].tolist() == votes[0].names.tolist()
    assert cells["vote_markers_score"].tolist() == [1, 1, 1, 0, 0, 1]
    assert list(types.clusters)[2:8] == [
        *("cell_type", "cell_type_ontology_term_id", "cell_type_confidence"),
        *("consensus_score", "vote_reference", "share_reference"),
    ]
    # the id is that of the consensus; the markers' confidence counts where they agree with it
    assert types.clusters["cell_type_ontology_term_id"].tolist() == ["CL:0000236", "CL:0000097"]
    assert types.clusters["cell_type_confidence"].tolist() == [0.9, 0.0]
    assert types.clusters["vote_markers"].tolist() == ["B", "Unassigned"]


def test_names_that_cannot_be_compared_are_mentioned(annotation: Annotation) -> None:
    votes = [reference(*["my type 7"] * 6)]
    types = merge_votes(annotation, CLUSTERS, votes)
    assert types.cells["cell_type_predicted"].tolist() == ["my type 7"] * 6
    assert any("1 names of cell types are unknown (my type 7)" in w for w in types.warnings)
