"""The deliverable: every slot of every stage in one h5ad."""

import json
import re

import anndata as ad
import h5py
import numpy as np
import pytest
import scanpy as sc
from finished import LABEL

from scsiameseclu.errors import UserError
from scsiameseclu.stages import assemble
from scsiameseclu.store.files import write_h5ad
from scsiameseclu.store.folder import SampleFolder


@pytest.fixture(scope="module")
def result(finished: SampleFolder) -> ad.AnnData:
    return sc.read_h5ad(finished.path("deliverable"))


def test_every_slot_is_there(result: ad.AnnData) -> None:
    assert list(result.obs.columns[:5]) == ["sample", "batch", "run", "phase_input", LABEL]
    assert {
        *("n_genes", "total_counts", "pct_top20", "pct_mito", "doublet_score"),
        *("predicted_doublet", "size_factor", "siamese", "siamese_confidence", "leiden"),
        *("cell_type_predicted", "cell_type_score"),
    } <= set(result.obs.columns)
    assert {"gene_id", "gene_symbol", "highly_variable", "n_cells"} <= set(result.var.columns)
    aligned = {"X_pca_uncorrected"}  # the sample has two batches
    assert set(result.obsm) == {"X_pca", "X_siamese", "siamese_probability", "X_umap"} | aligned
    assert set(result.obsp) == {"distances", "connectivities"}
    assert {
        *("source", "quality", "pca", "neighbors", "training", "siamese"),
        *("provenance", "warnings", "siamese_colors"),
    } <= set(result.uns)
    stages = {"ingest", "quality", "expression", "graph", "train", "cluster"}
    stages |= {"layout", "markers", "annotate"}
    assert set(result.uns["provenance"]) == stages


def test_where_a_stage_ran_is_in_its_provenance(copied: SampleFolder) -> None:
    folder = copied
    usage = folder.directory / "stages" / "usage"
    usage.mkdir()
    where = {"node": "gpu1", "partition": "gpu", "gpus": "0", "image": "/images/cuda.sif"}
    notes = {"train": where, "graph": {}, "report": where}  # the last has no provenance
    for stage, place in notes.items():
        note = {"stage": stage, "seconds": 1.0, "where": place}
        (usage / f"{stage}.json").write_text(json.dumps(note))
    assemble.run(folder)
    provenance = ad.read_h5ad(folder.path("deliverable")).uns["provenance"]
    assert json.loads(provenance["train"]["where"]) == where
    assert "where" not in provenance["graph"]


def test_values_are_those_of_the_stages(result: ad.AnnData, finished: SampleFolder) -> None:
    folder = finished
    counts = ad.read_h5ad(folder.path("counts"))[result.obs_names, result.var_names]
    assert (result.layers["counts"] != counts.X).nnz == 0
    assert result.obs[LABEL].equals(counts.obs[LABEL])
    clusters = ad.read_h5ad(folder.path("clusters"))
    assert result.obs["siamese"].equals(clusters.obs["siamese"])
    layout = ad.read_h5ad(folder.path("layout"))
    assert result.obs["leiden"].equals(layout.obs["leiden"])
    np.testing.assert_array_equal(result.obsm["X_umap"], layout.obsm["X_umap"])
    assert list(result.uns["warnings"]) == [sentence for _, sentence in folder.warnings()]
    assert any("have no label" in sentence for sentence in result.uns["warnings"])


def test_scanpy_works_on_it(result: ad.AnnData) -> None:
    work = result.copy()
    sc.tl.leiden(work, 0.5, flavor="igraph", n_iterations=2, directed=False, key_added="again")
    sc.pl.umap(work, color="siamese", show=False)
    assert list(work.uns["siamese_colors"]) == list(result.uns["siamese_colors"])
    assert work.obs["siamese"].cat.categories[0] == "0"


def test_cells_in_another_order_are_put_right(copied: SampleFolder, result: ad.AnnData) -> None:
    folder = copied
    for name in ("graph", "clusters", "filtered"):
        write_h5ad(ad.read_h5ad(folder.path(name))[::-1].copy(), folder.path(name))
    assemble.run(folder)
    again = ad.read_h5ad(folder.path("deliverable"))
    assert (again.obsp["distances"] != result.obsp["distances"]).nnz == 0
    assert again.obs["siamese"].equals(result.obs["siamese"])
    assert again.var["n_cells"].equals(result.var["n_cells"])


def test_files_of_another_run_are_refused(copied: SampleFolder) -> None:
    folder = copied
    embedding = ad.read_h5ad(folder.path("embedding"))
    write_h5ad(embedding[3:].copy(), folder.path("embedding"))
    with pytest.raises(UserError, match=r"embedding\.h5ad lacks 3 of the"):
        assemble.run(folder)


def test_nothing_is_written_that_older_versions_of_anndata_cannot_read(
    finished: SampleFolder,
) -> None:
    """An HDF5 null element, which anndata 0.12 writes for None, stops 0.11 and older."""
    for path in sorted(finished.directory.rglob("*.h5ad")):
        with h5py.File(path) as file:
            names: list[str] = []
            file.visit(names.append)
            assert all(file[name].attrs.get("encoding-type") != "null" for name in names), path
            assert "raw" not in file


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
