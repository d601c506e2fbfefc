"""Curated names replace predicted ones in the table of clusters and in those of cells."""

import pandas as pd

from scsiameseclu.curation.names import with_curated_names
from scsiameseclu.curation.table import Line

CLUSTERS = pd.Series(pd.Categorical(["0", "1", "0", "1"]), index=list("abcd"))


def table() -> pd.DataFrame:
    ids = ["CL:0000084", "CL:0000236"]
    types = {"cluster": ["0", "1"], "cell_type": ["T cell", "B cell"]}
    return pd.DataFrame(types | {"cell_type_ontology_term_id": ids})


def cells() -> pd.DataFrame:
    of_clusters = table().set_index("cluster").loc[CLUSTERS.astype(str)]
    return pd.DataFrame(
        {
            "cell_type_predicted": pd.Categorical(of_clusters["cell_type"]),
            "cell_type_ontology_term_id": pd.Categorical(of_clusters["cell_type_ontology_term_id"]),
        },
        index=CLUSTERS.index,
    )


def test_names_and_ids_of_named_clusters_are_replaced() -> None:
    lines = [Line(2, "1", cell_type="NK cell", note="by eye")]
    ids = {"NK cell": "CL:0000623"}
    clusters, of_cells = with_curated_names(table(), cells(), CLUSTERS, lines, {}, ids.__getitem__)
    assert clusters["cell_type"].tolist() == ["T cell", "NK cell"]
    assert clusters["predicted_type"].tolist() == ["T cell", "B cell"]
    assert clusters["curated"].tolist() == ["", "named"]
    assert clusters["note"].tolist() == ["", "by eye"]
    assert clusters["cell_type_ontology_term_id"].tolist() == ["CL:0000084", "CL:0000623"]
    assert of_cells["cell_type_predicted"].tolist() == ["T cell", "NK cell"] * 2
    assert of_cells["cell_type_curated"].tolist() == [False, True] * 2
    assert of_cells["cell_type_ontology_term_id"].tolist() == ["CL:0000084", "CL:0000623"] * 2


def test_a_name_outside_the_ontology_has_no_id() -> None:
    lines = [Line(2, "1", cell_type="My cells")]
    clusters, _ = with_curated_names(table(), cells(), CLUSTERS, lines, {})
    assert clusters["cell_type_ontology_term_id"].tolist() == ["CL:0000084", ""]


def test_without_edits_both_are_the_same_objects() -> None:
    clusters, of_cells = table(), cells()
    same = with_curated_names(clusters, of_cells, CLUSTERS, [Line(2, "0"), Line(3, "1")], {})
    assert same[0] is clusters
    assert same[1] is of_cells


def test_merged_clusters_are_marked_and_share_a_note() -> None:
    lines = [Line(2, "0", note="first"), Line(3, "7", merge_into="0", note="second")]
    clusters, _ = with_curated_names(table(), cells(), CLUSTERS, lines, {"merged": {"7": "0"}})
    assert clusters["curated"].tolist() == ["merged", ""]
    assert clusters["note"].tolist() == ["first; second", ""]
