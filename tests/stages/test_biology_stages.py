"""The files of the stages markers and annotate."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from scsiameseclu.annotation.by_markers import COLUMNS as ANNOTATION_COLUMNS
from scsiameseclu.annotation.markers import COLUMNS as MARKER_COLUMNS
from scsiameseclu.settings import AnnotationSettings, MarkerSettings
from scsiameseclu.stages.annotate import annotate
from scsiameseclu.stages.markers import markers
from scsiameseclu.store.files import read_h5ad, sidecar, write_h5ad


@pytest.fixture(scope="module")
def written(clustered: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    run_markers(clustered / "expression.h5ad", clustered / "clusters.h5ad", folder)
    run_annotate(clustered, clustered / "clusters.h5ad", folder)
    return folder


def run_markers(expression: Path, clusters: Path, folder: Path) -> None:
    outputs = [folder / name for name in ("markers.tsv", "markers_all.tsv", "markers.h5ad")]
    markers(expression, clusters, *outputs, settings=MarkerSettings(), sample="demo")


def run_annotate(clustered: Path, clusters: Path, folder: Path) -> None:
    inputs = clustered / "expression.h5ad", clusters, clustered / "embedding.h5ad"
    outputs = folder / "annotation.tsv", folder / "annotation.h5ad"
    annotate(*inputs, *outputs, settings=AnnotationSettings(), sample="demo")


def one_cluster(clustered: Path, folder: Path) -> Path:
    obs = read_h5ad(clustered / "clusters.h5ad").obs
    obs["siamese"] = pd.Categorical(["0"] * len(obs))
    write_h5ad(sidecar(obs), folder / "one.h5ad")
    return folder / "one.h5ad"


def test_marker_tables(clustered: Path, written: Path) -> None:
    full = pd.read_csv(written / "markers_all.tsv", sep="\t", keep_default_na=False)
    kept = pd.read_csv(written / "markers.tsv", sep="\t", keep_default_na=False)
    expression = read_h5ad(clustered / "expression.h5ad")
    names = list(read_h5ad(clustered / "clusters.h5ad").obs["siamese"].cat.categories)
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
    notes = read_h5ad(written / "markers.h5ad")
    assert list(notes.obs_names) == list(expression.obs_names)
    assert json.loads(notes.uns["provenance"]["markers"]["settings"]) == MarkerSettings().to_dict()


def test_annotation_files(clustered: Path, written: Path) -> None:
    table = pd.read_csv(written / "annotation.tsv", sep="\t", dtype={"cluster": str})
    result = read_h5ad(written / "annotation.h5ad")
    clusters = read_h5ad(clustered / "clusters.h5ad").obs["siamese"]
    assert list(table.columns) == ANNOTATION_COLUMNS
    assert table["cluster"].tolist() == list(clusters.cat.categories)
    assert list(result.obs_names) == list(clusters.index)
    assert result.obs["cell_type_score"].dtype == np.float32
    by_cluster = table.set_index("cluster")["cell_type"]
    expected = clusters.astype(str).map(by_cluster).tolist()
    assert result.obs["cell_type_predicted"].astype(str).tolist() == expected
    assert {"B", "HSPC"} <= set(table["cell_type"])
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


def test_same_bytes_again(clustered: Path, written: Path, tmp_path: Path) -> None:
    run_markers(clustered / "expression.h5ad", clustered / "clusters.h5ad", tmp_path)
    run_annotate(clustered, clustered / "clusters.h5ad", tmp_path)
    markers = ("markers.tsv", "markers_all.tsv", "markers.h5ad")
    for name in (*markers, "annotation.tsv", "annotation.h5ad"):
        assert (tmp_path / name).read_bytes() == (written / name).read_bytes()


def test_one_cluster_gives_headers_and_unassigned(clustered: Path, tmp_path: Path) -> None:
    clusters = one_cluster(clustered, tmp_path)
    run_markers(clustered / "expression.h5ad", clusters, tmp_path)
    for name in ("markers.tsv", "markers_all.tsv"):
        assert (tmp_path / name).read_text() == "\t".join(MARKER_COLUMNS) + "\n"
    run_annotate(clustered, clusters, tmp_path)
    result = read_h5ad(tmp_path / "annotation.h5ad")
    for column in ("cell_type_predicted", "cell_type_by_cell"):
        assert set(result.obs[column]) == {"Unassigned"}
    assert "one cluster" in result.uns["warnings"][0]
