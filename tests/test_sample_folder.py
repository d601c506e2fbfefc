"""A sample's folder holds every slot that the stages promise, and no label gets into it."""

import re

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from pipeline import run_stages

from scsiameseclu.curation.table import FILE, RECORD
from scsiameseclu.io.readers import read_counts
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.store import manifest
from scsiameseclu.store.folder import SampleFolder

MAY_DIFFER = {"counts.h5ad", "metrics.json", "report.html", "s.h5ad"}  # the label stands in them
Folders = tuple[SampleFolder, SampleFolder, SampleFolder]
COMPARISON = re.compile(rb'<section id="comparison".*?</section>', re.DOTALL)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    """The same cells with their labels, with the labels permuted, and without any."""
    root = tmp_path_factory.mktemp("sample")
    cells = read_counts("demo:a", ReadRequest(label="bulk_labels"))
    labels = cells.obs[["bulk_labels"]].astype(str)
    source = root / "cells.h5ad"
    ad.AnnData(cells.X, obs=cells.obs[[]].copy(), var=cells.var).write_h5ad(source)
    request = ReadRequest(label="bulk_labels", metadata=str(root / "labels.tsv"))
    out = []
    for name in ("straight", "permuted"):
        labels.to_csv(root / "labels.tsv", sep="\t")
        out.append(run_stages(SampleFolder(root / name, "s"), str(source), request))
        labels["bulk_labels"] = np.random.default_rng(0).permutation(labels["bulk_labels"])
    without = run_stages(SampleFolder(root / "without", "s"), str(source), ReadRequest())
    return out[0], out[1], without


def test_without_labels_everything_is_the_same(folders: Folders) -> None:
    straight, _, without = (folder.directory for folder in folders)
    files = sorted(p.relative_to(straight) for p in straight.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(without) for p in without.rglob("*") if p.is_file())
    for file in files:
        if file.name not in MAY_DIFFER:
            assert (straight / file).read_bytes() == (without / file).read_bytes(), file
    metrics = [folders[place].json("metrics") for place in (0, 2)]
    assert metrics[1]["labels"] is None
    assert {k: v for k, v in metrics[0].items() if k != "labels"} == {
        k: v for k, v in metrics[1].items() if k != "labels"
    }


def test_no_output_but_the_comparison_reads_the_labels(folders: Folders) -> None:
    straight, permuted, _ = (folder.directory for folder in folders)
    files = sorted(p.relative_to(straight) for p in straight.rglob("*") if p.is_file())
    assert files == sorted(p.relative_to(permuted) for p in permuted.rglob("*") if p.is_file())
    for file in files:
        if file.name not in MAY_DIFFER:
            assert (straight / file).read_bytes() == (permuted / file).read_bytes(), file
    metrics = [folder.json("metrics") for folder in folders[:2]]
    assert metrics[0].pop("labels")["siamese"]["ari"] > metrics[1].pop("labels")["siamese"]["ari"]
    assert metrics[0] == metrics[1]
    pages = [folder.path("report").read_bytes() for folder in folders[:2]]
    assert pages[0] != pages[1]
    assert COMPARISON.sub(b"", pages[0]) == COMPARISON.sub(b"", pages[1])
    whole = [ad.read_h5ad(folder.path("deliverable")) for folder in folders[:2]]
    for adata in whole:
        del adata.obs["bulk_labels"]
    pd.testing.assert_frame_equal(whole[0].obs, whole[1].obs)


def test_counts(folders: Folders) -> None:
    adata = ad.read_h5ad(folders[0].path("counts"))
    assert sp.isspmatrix_csr(adata.X) or isinstance(adata.X, sp.csr_array)
    assert adata.X.dtype == np.float32
    assert (adata.X.data == np.rint(adata.X.data)).all()
    assert {"gene_id", "gene_symbol"} <= set(adata.var)
    assert {"sample", "batch", "bulk_labels"} <= set(adata.obs)
    assert {"path", "format", "sha256", "detected"} <= set(adata.uns["source"])
    assert len(adata.uns["source"]["sha256"]) == 64


def test_quality(folders: Folders) -> None:
    adata = ad.read_h5ad(folders[0].path("filtered"))
    assert adata.X is None
    assert {"n_genes", "total_counts", "pct_mito", "doublet_score"} <= set(adata.obs)
    assert {"thresholds", "funnel"} <= set(adata.uns["quality"])
    table = pd.read_csv(folders[0].path("quality_table"), sep="\t")
    assert len(table) == adata.uns["quality"]["funnel"]["cells"][0]
    assert table["kept"].sum() == adata.n_obs


def test_expression_and_graph(folders: Folders) -> None:
    adata = ad.read_h5ad(folders[0].path("expression"))
    counts = adata.layers["counts"]
    np.testing.assert_array_equal(counts.indices, adata.X.indices)
    assert adata.var["highly_variable"].any()
    assert adata.obsm["X_pca"].shape[0] == adata.n_obs
    graph = ad.read_h5ad(folders[0].path("graph"))
    assert list(graph.obs_names) == list(adata.obs_names)
    for name in ("distances", "connectivities"):
        assert graph.obsp[name].shape == (adata.n_obs, adata.n_obs)


def test_model_and_clusters(folders: Folders) -> None:
    names = {file.name for file in folders[0].path("model").iterdir()}
    assert {"networks.safetensors", "consensus.safetensors", "genes.txt"} <= names
    embedding = ad.read_h5ad(folders[0].path("embedding"))
    assert np.isfinite(embedding.obsm["X_siamese"]).all()
    assert {"device", "n_steps", "stopped"} <= set(embedding.uns["training"])
    history = pd.read_csv(folders[0].path("training"), sep="\t")
    assert {"step", "epoch", "phase", "loss"} <= set(history)
    assert set(history["phase"]) == {"pretrain"}
    clusters = ad.read_h5ad(folders[0].path("clusters"))
    assert clusters.obs["siamese"].dtype == "category"
    assert clusters.obs["siamese_confidence"].between(0, 1).all()
    probability = clusters.obsm["siamese_probability"]
    np.testing.assert_allclose(probability.sum(axis=1), 1, atol=1e-5)
    record = clusters.uns["siamese"]
    assert record["sizes"].sum() == clusters.n_obs
    assert len(record["stability"]) == len(record["sizes"]) == record["n_clusters"]
    levels = clusters.obs.groupby("siamese", observed=True)["siamese_coarse"].nunique()
    assert (levels == 1).all()
    assert len(record["evidence"]["k"]) == len(record["evidence"]["score"])


def test_biology_and_metrics(folders: Folders) -> None:
    markers = pd.read_csv(folders[0].path("markers_table"), sep="\t")
    assert {"cluster", "gene", "log2_fold_change", "pct_in", "pct_out", "adjusted_p"} <= set(
        markers
    )
    annotation = ad.read_h5ad(folders[0].path("annotation"))
    assert annotation.obs["cell_type_predicted"].notna().all()
    metrics = folders[0].json("metrics")
    assert {"silhouette", "graph_purity"} <= set(metrics["unsupervised"])
    assert {"ari", "nmi", "acc", "macro_f1"} <= set(metrics["labels"]["siamese"])


def test_deliverable_joins_everything(folders: Folders) -> None:
    adata = ad.read_h5ad(folders[0].path("deliverable"))
    columns = {"sample", "batch", "bulk_labels", "n_genes", "pct_mito", "doublet_score"}
    columns |= {"siamese", "siamese_confidence", "siamese_ambiguous", "siamese_coarse"}
    columns |= {"siamese_fine", "leiden", "cell_type_predicted"}
    assert columns <= set(adata.obs)
    assert {"X_pca", "X_siamese", "siamese_probability", "X_umap"} <= set(adata.obsm)
    assert {"distances", "connectivities"} <= set(adata.obsp)
    stages = {"source", "quality", "pca", "neighbors", "training", "siamese", "provenance"}
    assert stages <= set(adata.uns)
    made = {"ingest", "quality", "expression", "graph", "train", "cluster"}
    made |= {"layout", "annotate"}
    assert made <= set(adata.uns["provenance"])
    assert folders[0].path("report").stat().st_size < 5_000_000


def test_a_biologist_opens_a_folder_of_seven_files(folders: Folders) -> None:
    files = {path.name for path in folders[0].directory.iterdir() if path.is_file()}
    tables = {"quality.tsv", "markers.tsv", "splits.tsv", "annotation.tsv", "curation.tsv"}
    assert files == {"s.h5ad", "report.html", *tables}
    assert [p.name for p in folders[0].directory.iterdir() if p.is_dir()] == ["stages"]


def test_every_file_of_the_manifest_and_no_other(folders: Folders) -> None:
    folder = folders[0]
    files = {folder.path(name) for name in manifest.outputs()}
    files |= {folder.directory / name for name in (FILE, RECORD)}
    there = set()
    for path in folder.directory.rglob("*"):
        if path.is_file():
            there.add(path.parent if path.parent.name in manifest.FOLDERS else path)
    assert there == files
