"""The deliverable: every slot of every stage in one h5ad."""

import json
import re
import shutil
from pathlib import Path

import anndata as ad
import numpy as np
import pytest
import scanpy as sc
from finished_sample import LABEL, SAMPLE, build

from scsiameseclu.errors import UserError
from scsiameseclu.stages.assemble import assemble
from scsiameseclu.store.files import write_h5ad


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("assemble") / SAMPLE)


@pytest.fixture(scope="module")
def result(directory: Path) -> ad.AnnData:
    assemble(directory, directory / "whole.h5ad", sample=SAMPLE)
    return sc.read_h5ad(directory / "whole.h5ad")


def test_every_slot_is_there(result: ad.AnnData) -> None:
    assert list(result.obs.columns[:4]) == ["sample", "batch", "phase", LABEL]
    assert {
        *("n_genes", "total_counts", "pct_top20", "pct_mito", "doublet_score"),
        *("predicted_doublet", "size_factor", "siamese", "siamese_confidence", "leiden"),
        *("cell_type_predicted", "cell_type_score"),
    } <= set(result.obs.columns)
    assert {"gene_id", "gene_symbol", "highly_variable", "n_cells"} <= set(result.var.columns)
    assert set(result.obsm) == {"X_pca", "X_siamese", "siamese_probability", "X_umap"}
    assert set(result.obsp) == {"distances", "connectivities"}
    assert {
        *("source", "quality", "pca", "neighbors", "training", "siamese"),
        *("provenance", "warnings", "siamese_colors"),
    } <= set(result.uns)
    stages = {"ingest", "quality", "expression", "graph", "train", "cluster"}
    stages |= {"layout", "markers", "annotate"}
    assert set(result.uns["provenance"]) == stages


def test_where_a_stage_ran_is_in_its_provenance(directory: Path, tmp_path: Path) -> None:
    folder = tmp_path / SAMPLE
    shutil.copytree(directory, folder)
    (folder / "usage").mkdir(exist_ok=True)
    where = {"node": "gpu1", "partition": "gpu", "gpus": "0", "image": "/images/cuda.sif"}
    notes = {"train": where, "graph": {}, "report": where}  # the last has no provenance
    for stage, place in notes.items():
        note = {"stage": stage, "seconds": 1.0, "where": place}
        (folder / "usage" / f"{stage}.json").write_text(json.dumps(note))
    assemble(folder, folder / "whole.h5ad", sample=SAMPLE)
    provenance = ad.read_h5ad(folder / "whole.h5ad").uns["provenance"]
    assert json.loads(provenance["train"]["where"]) == where
    assert "where" not in provenance["graph"]


def test_values_are_those_of_the_stages(result: ad.AnnData, directory: Path) -> None:
    counts = ad.read_h5ad(directory / "counts.h5ad")[result.obs_names, result.var_names]
    assert (result.layers["counts"] != counts.X).nnz == 0
    assert result.obs[LABEL].equals(counts.obs[LABEL])
    clusters = ad.read_h5ad(directory / "clusters.h5ad")
    assert result.obs["siamese"].equals(clusters.obs["siamese"])
    layout = ad.read_h5ad(directory / "layout.h5ad")
    assert result.obs["leiden"].equals(layout.obs["leiden"])
    np.testing.assert_array_equal(result.obsm["X_umap"], layout.obsm["X_umap"])
    assert list(result.uns["warnings"]) == list(counts.uns["warnings"])


def test_scanpy_works_on_it(result: ad.AnnData) -> None:
    work = result.copy()
    sc.tl.leiden(work, 0.5, flavor="igraph", n_iterations=2, directed=False, key_added="again")
    sc.pl.umap(work, color="siamese", show=False)
    assert list(work.uns["siamese_colors"]) == list(result.uns["siamese_colors"])
    assert work.obs["siamese"].cat.categories[0] == "0"


def test_cells_in_another_order_are_put_right(directory: Path, result: ad.AnnData) -> None:
    original = ad.read_h5ad(directory / "graph.h5ad")
    try:
        write_h5ad(original[::-1].copy(), directory / "graph.h5ad")
        assemble(directory, directory / "again.h5ad", sample=SAMPLE)
    finally:
        write_h5ad(original, directory / "graph.h5ad")
    again = ad.read_h5ad(directory / "again.h5ad")
    assert (again.obsp["distances"] != result.obsp["distances"]).nnz == 0


def test_files_of_another_run_are_refused(directory: Path) -> None:
    original = ad.read_h5ad(directory / "embedding.h5ad")
    try:
        write_h5ad(original[3:].copy(), directory / "embedding.h5ad")
        with pytest.raises(UserError, match=r"embedding\.h5ad lacks 3 of the"):
            assemble(directory, directory / "other.h5ad", sample=SAMPLE)
    finally:
        write_h5ad(original, directory / "embedding.h5ad")


def test_embeddings_and_columns_pass_the_rules_of_cellxgene(result: ad.AnnData) -> None:
    """Those of its schema (5.2) on obs, var and obsm that need no ontology."""
    embeddings = {key: value for key, value in result.obsm.items() if key.startswith("X_")}
    assert "X_umap" in embeddings
    for key, value in embeddings.items():
        assert re.fullmatch(r"X_[a-zA-Z][a-zA-Z0-9_.-]*", key)
        assert isinstance(value, np.ndarray)
        assert value.dtype.kind in "fiu"
        assert value.shape[0] == result.n_obs
        assert value.shape[1] >= 2
        assert np.isfinite(value).all()
    for table in (result.obs, result.var):
        assert table.index.is_unique
        assert table.columns.is_unique
        assert not [name for name in table.columns if str(name).startswith("__")]
    for name in result.obs.select_dtypes("category"):
        kinds = {type(category) for category in result.obs[name].cat.categories}
        assert kinds <= {str}, name
    assert result.obs.select_dtypes("object").empty
