"""The files of the stages markers and annotate."""

import json

import numpy as np
import pandas as pd
import pytest

from scsiameseclu.annotation.cluster_table import COLUMNS as ANNOTATION_COLUMNS
from scsiameseclu.annotation.markers import COLUMNS as MARKER_COLUMNS
from scsiameseclu.errors import UserError
from scsiameseclu.report.finished_sample import load_sample
from scsiameseclu.report.methods_text import paragraph
from scsiameseclu.settings import AnnotationSettings, MarkerSettings
from scsiameseclu.stages import annotate, cluster, curate, markers
from scsiameseclu.store.files import read_h5ad, write_h5ad
from scsiameseclu.store.folder import SampleFolder


def one_cluster(folder: SampleFolder) -> None:
    clusters = read_h5ad(folder.path("clusters"))
    clusters.obs["siamese"] = pd.Categorical(["0"] * clusters.n_obs)
    write_h5ad(clusters, folder.path("clusters"))


def test_marker_tables(finished: SampleFolder) -> None:
    full = pd.read_csv(finished.path("markers_full"), sep="\t", keep_default_na=False)
    kept = pd.read_csv(finished.path("markers_table"), sep="\t", keep_default_na=False)
    expression = read_h5ad(finished.path("expression"))
    names = list(read_h5ad(finished.path("clusters")).obs["siamese"].cat.categories)
    assert list(full.columns) == list(kept.columns) == MARKER_COLUMNS
    assert full.groupby("cluster").size().tolist() == [expression.n_vars] * len(names)
    assert full["cluster"].astype(str).drop_duplicates().tolist() == names
    assert set(full["gene"]) == set(expression.var_names)
    for _, lines in full.groupby("cluster"):
        assert lines["rank"].tolist() == list(range(1, expression.n_vars + 1))
        assert (np.diff(lines["score"]) <= 0).all()
    assert full["auc"].between(0, 1).all()
    assert full[["pct_in", "pct_out"]].stack().between(0, 100).all()
    assert set(full["flag"]) <= {"", "ribosomal", "mitochondrial"}
    keys = ["cluster", "gene"]
    assert len(kept.merge(full, on=keys)) == len(kept) > 0
    notes = read_h5ad(finished.path("markers"))
    assert list(notes.obs_names) == list(expression.obs_names)
    assert json.loads(notes.uns["provenance"]["markers"]["settings"]) == MarkerSettings().to_dict()


def test_annotation_files(finished: SampleFolder) -> None:
    table = pd.read_csv(finished.path("annotation_table"), sep="\t", dtype={"cluster": str})
    result = read_h5ad(finished.path("annotation"))
    clusters = read_h5ad(finished.path("clusters")).obs["siamese"]
    assert list(table.columns) == [*ANNOTATION_COLUMNS, "doublet_of"]
    assert table["cluster"].tolist() == list(clusters.cat.categories)
    assert list(result.obs_names) == list(clusters.index)
    assert result.obs["cell_type_score"].dtype == np.float32
    by_cluster = table.set_index("cluster")["cell_type"]
    expected = clusters.astype(str).map(by_cluster).tolist()
    assert result.obs["cell_type_predicted"].astype(str).tolist() == expected
    assert {"B cell", "HSPC"} <= set(table["cell_type"])
    by_cell = result.obs["cell_type_by_cell"].astype(str)
    assert by_cell.nunique() > table["cell_type"].nunique()
    # most cells are of their cluster's type, and all have one where their cluster has
    assert 0.6 < (by_cell == result.obs["cell_type_predicted"].astype(str)).mean() < 1
    named = result.obs["cell_type_predicted"] != "Unassigned"
    assert (by_cell[named] != "Unassigned").all()
    assert result.obs["cell_type_by_cell_score"][named].min() >= AnnotationSettings().min_score
    summary = result.uns["annotation"]
    assert (summary["tissue"], summary["organism"]) == ("blood", "human")
    assert summary["scores"].shape == (len(summary["clusters"]), len(summary["cell_types"]))
    assert "annotate" in result.uns["provenance"]


def test_same_bytes_again(finished: SampleFolder, copied: SampleFolder) -> None:
    markers.run(copied, settings=MarkerSettings())
    annotate.run(copied, settings=AnnotationSettings())
    for name in ("markers_table", "markers_full", "markers", "annotation_table", "annotation"):
        assert copied.path(name).read_bytes() == finished.path(name).read_bytes()


def test_one_cluster_gives_headers_and_unassigned(copied: SampleFolder) -> None:
    one_cluster(copied)
    markers.run(copied, settings=MarkerSettings())
    for name in ("markers_table", "markers_full"):
        assert copied.path(name).read_text() == "\t".join(MARKER_COLUMNS) + "\n"
    annotate.run(copied, settings=AnnotationSettings())
    result = copied.read("annotation")
    for column in ("cell_type_predicted", "cell_type_by_cell"):
        assert set(result.obs[column]) == {"Unassigned"}
    assert "one cluster" in result.uns["warnings"][0]


def test_an_embedding_that_lacks_cells_is_refused(copied: SampleFolder) -> None:
    """It must not lend its last cell's row to the cells it lacks."""
    embedding = read_h5ad(copied.path("embedding"))
    write_h5ad(embedding[50:].copy(), copied.path("embedding"))
    with pytest.raises(UserError, match=r"embedding\.h5ad lacks 50 of the"):
        annotate.run(copied, settings=AnnotationSettings())


def test_markers_vote_on_the_clusters_where_they_are_a_prior(copied: SampleFolder) -> None:
    cluster.run(copied, settings=AnnotationSettings(), prior="markers")
    curate.run(copied)
    found = read_h5ad(copied.path("proposed"))
    assert "prior knowledge" in found.uns["siamese"]["evidence"]["criterion"]
    assert json.loads(found.uns["provenance"]["cluster"]["settings"])["prior"] == "markers"
    assert "the cell types that markers give" in " ".join(paragraph(load_sample(copied)))


def test_markers_that_the_data_lack_are_no_prior(copied: SampleFolder) -> None:
    expression = read_h5ad(copied.path("expression"))
    expression.var_names = [f"gene{number}" for number in range(expression.n_vars)]
    expression.var = expression.var[[]]
    write_h5ad(expression, copied.path("expression"))
    cluster.run(copied, settings=AnnotationSettings())
    before = read_h5ad(copied.path("proposed")).obs["siamese"].to_numpy()
    cluster.run(copied, settings=AnnotationSettings(), prior="markers")
    found = read_h5ad(copied.path("proposed"))
    assert any("has no effect" in text for text in found.uns["warnings"])
    np.testing.assert_array_equal(found.obs["siamese"].to_numpy(), before)
