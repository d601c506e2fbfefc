"""A finished sample's directory, made from real cells with real computations, without a network.

The counts are those of ``scanpy.datasets.pbmc68k_reduced``; a gene, a label and a batch carry names
that would run as a script if a page showed them unescaped.
"""

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc
from sklearn.metrics import (
    adjusted_rand_score,
    f1_score,
    normalized_mutual_info_score,
    silhouette_score,
)

from scsiameseclu.io.demo import recovered_counts
from scsiameseclu.settings import (
    ExpressionSettings,
    GraphSettings,
    MarkerSettings,
    QualitySettings,
)
from scsiameseclu.stages.quality import quality
from scsiameseclu.store.atomic import write_json, write_table
from scsiameseclu.store.files import sidecar, write_h5ad
from scsiameseclu.store.provenance import record

IMAGE = '"><img src=x onerror=alert(1)>'
SCRIPT = "<script>alert(2)</script>"
SAMPLE = "donor_1"
LABEL = "cell_type"


def build(directory: Path) -> Path:
    """Write every file of a finished sample into ``directory``."""
    counts = _counts()
    write_h5ad(counts, directory / "counts.h5ad")
    quality(
        directory / "counts.h5ad",
        directory / "filtered.h5ad",
        directory / "quality.tsv",
        settings=QualitySettings(),
        seed=0,
        sample=SAMPLE,
    )
    expression = _expression(counts, ad.read_h5ad(directory / "filtered.h5ad"))
    names = expression.obs_names
    graph = sidecar(
        names,
        obsp={key: expression.obsp.pop(key) for key in ("distances", "connectivities")},
        uns={
            "neighbors": expression.uns.pop("neighbors"),
            "provenance": record("graph", seed=0, settings=GraphSettings().to_dict()),
        },
    )
    clusters, layout = _clusters(expression, graph)
    write_h5ad(expression, directory / "expression.h5ad")
    write_h5ad(graph, directory / "graph.h5ad")
    _train(directory, expression)
    write_h5ad(clusters, directory / "clusters.h5ad")
    write_h5ad(layout, directory / "layout.h5ad")
    _markers(directory, expression, clusters)
    _annotate(directory, clusters)
    evaluate(directory, counts, clusters)
    (directory / "report.html").write_text("the page")
    write_h5ad(expression, directory / f"{SAMPLE}.h5ad")
    return directory


def _counts() -> ad.AnnData:
    pbmc = sc.datasets.pbmc68k_reduced()
    matrix = recovered_counts(pbmc.raw.X, pbmc.obs["n_counts"].to_numpy())
    genes = pd.Index(["S100A9" if name == IMAGE else name for name in pbmc.raw.var_names])
    genes = genes.where(genes != "CST3", IMAGE)
    var = pd.DataFrame({"gene_id": genes, "gene_symbol": genes}, index=genes)
    labels = pbmc.obs["bulk_labels"].astype(str).replace({"Dendritic": IMAGE, "CD34+": SCRIPT})
    labels.iloc[:7] = None
    batch = np.where(np.arange(pbmc.n_obs) % 3 == 0, SCRIPT, "run 2")
    obs = pd.DataFrame(
        {
            "sample": pd.Categorical([SAMPLE] * pbmc.n_obs),
            "batch": pd.Categorical(batch),
            "phase": pd.Categorical(pbmc.obs["phase"].astype(str)),
            LABEL: pd.Categorical(labels),
        },
        index=pbmc.obs_names,
    )
    counts = ad.AnnData(matrix, obs=obs, var=var)
    counts.uns["source"] = {
        "path": f"data/{SCRIPT}.h5ad",
        "format": "h5ad",
        "sha256": "0" * 64,
        "detected": np.array([f"counts were found in layer {IMAGE}"], dtype=object),
        "label": LABEL,
        "n_cells": counts.n_obs,
        "n_genes": counts.n_vars,
    }
    counts.uns["provenance"] = record("ingest", seed=0, settings={"format": "auto", "label": LABEL})
    counts.uns["warnings"] = np.array([f"7 cells have no label in {SCRIPT}"], dtype=object)
    return counts


def _expression(counts: ad.AnnData, filtered: ad.AnnData) -> ad.AnnData:
    expression = counts[filtered.obs_names, filtered.var_names].copy()
    expression.obs = expression.obs[["sample", "batch"]]
    expression.uns = {}
    expression.layers["counts"] = expression.X.copy()
    totals = np.asarray(expression.X.sum(axis=1)).ravel()
    expression.obs["size_factor"] = totals / np.median(totals)
    sc.pp.normalize_total(expression)
    sc.pp.log1p(expression)
    expression.uns.pop("log1p")
    expression.var["highly_variable"] = True
    sc.pp.pca(expression, n_comps=20)
    sc.pp.neighbors(expression)
    provenance = record("expression", seed=0, settings=ExpressionSettings().to_dict())
    expression.uns["provenance"] = provenance
    return expression


def _clusters(expression: ad.AnnData, graph: ad.AnnData) -> tuple[ad.AnnData, ad.AnnData]:
    work = expression.copy()
    work.obsp, work.uns["neighbors"] = graph.obsp, graph.uns["neighbors"]
    for name, resolution in (("siamese", 0.5), ("leiden", 1.0)):
        sc.tl.leiden(
            work, resolution, key_added=name, flavor="igraph", n_iterations=2, directed=False
        )
    work.obsm["X_umap"] = sc.datasets.pbmc68k_reduced()[work.obs_names].obsm["X_umap"]
    largest_first = work.obs["siamese"].value_counts().index.tolist()
    work.obs["siamese"] = (
        work.obs["siamese"]
        .cat.reorder_categories(largest_first)
        .cat.rename_categories([str(place) for place in range(len(largest_first))])
    )
    k = len(largest_first)
    codes = work.obs["siamese"].cat.codes.to_numpy()
    rng = np.random.default_rng(0)
    probability = rng.dirichlet(np.full(k, 0.1), len(codes)) * 0.4
    probability[np.arange(len(codes)), codes] += 0.6
    work.obs["siamese_confidence"] = probability.max(axis=1).astype(np.float32)
    tried = np.arange(2, k + 6)
    evidence = {"k": tried, "score": 1 - abs(tried - k) / 20, "criterion": "stability"}
    work.obs["siamese_ambiguous"] = work.obs["siamese_confidence"] < 0.5
    work.obs["siamese_coarse"] = pd.Categorical((codes // 2).astype(str))
    work.obs["siamese_fine"] = pd.Categorical(
        [f"{code}.{place % 2}" if code < 2 else str(code) for place, code in enumerate(codes)]
    )
    columns = [name for name in work.obs if name.startswith("siamese")]
    layout = sidecar(
        work.obs[["leiden"]],
        obsm={"X_umap": work.obsm["X_umap"]},
        uns={"provenance": record("layout", seed=0)},
    )
    clusters = sidecar(
        work.obs[columns],
        obsm={"siamese_probability": probability.astype(np.float32)},
        uns={
            "siamese": {
                "n_clusters": k,
                "n_clusters_given": False,
                "n_clusters_asked": "estimated",
                "stability": rng.uniform(0.5, 1.0, k),
                "agreement": 0.9,
                "n_members": 42,
                "sizes": np.bincount(codes, minlength=k),
                "evidence": evidence,
                "params": {"temperature": 1.0},
            },
            "provenance": record("cluster", seed=0),
        },
    )
    return clusters, layout


def _train(directory: Path, expression: ad.AnnData) -> None:
    steps = np.arange(1, 601)
    phase = np.where(steps <= 400, "pretraining", "clustering")
    training = pd.DataFrame({"step": steps, "epoch": steps // 6, "phase": phase, "network": 0})
    for place, part in enumerate(("loss", "reconstruction", "zinb", "cell_correlation")):
        training[part] = (4 - place) * (np.exp(-steps / 120) + 0.3)
    training["transport"] = np.where(steps > 400, np.exp(-(steps - 400) / 60), np.nan)
    write_table(directory / "training.tsv", training)
    embedding = sidecar(
        expression.obs_names,
        obsm={"X_siamese": expression.obsm["X_pca"][:, :10].astype(np.float32)},
        uns={
            "training": {"device": "cpu", "n_steps": 600, "stopped": "the loss levelled off"},
            "provenance": record("train", seed=0, settings={"epochs": 100, "modules": ["a", "b"]}),
        },
    )
    write_h5ad(embedding, directory / "embedding.h5ad")


def _markers(directory: Path, expression: ad.AnnData, clusters: ad.AnnData) -> None:
    work = expression.copy()
    work.obs["siamese"] = clusters.obs["siamese"]
    sc.tl.rank_genes_groups(work, "siamese", method="wilcoxon", pts=True)
    tables = []
    for cluster in work.obs["siamese"].cat.categories:
        found = sc.get.rank_genes_groups_df(work, cluster)
        table = pd.DataFrame(
            {
                "cluster": cluster,
                "rank": np.arange(1, len(found) + 1),
                "gene": found["names"],
                "gene_id": found["names"],
                "score": found["scores"],
                "log2_fold_change": found["logfoldchanges"],
                "pct_in": 100 * found["pct_nz_group"],
                "pct_out": 100 * found["pct_nz_reference"],
                "auc": 0.5 + np.tanh(found["scores"] / 20) / 2,
                "p_value": found["pvals"],
                "adjusted_p": found["pvals_adj"],
                "flag": np.where(found["names"].str.match("RP[LS]"), "ribosomal", ""),
            }
        )
        tables.append(table)
    full = pd.concat(tables)
    write_table(directory / "markers_all.tsv", full)
    write_table(directory / "markers.tsv", full[(full["adjusted_p"] < 0.05) & (full["score"] > 0)])
    provenance = record("markers", seed=None, settings=MarkerSettings().to_dict())
    write_h5ad(sidecar(work.obs_names, uns={"provenance": provenance}), directory / "markers.h5ad")


def _annotate(directory: Path, clusters: ad.AnnData) -> None:
    groups = clusters.obs["siamese"]
    types = ["CD4 T cell", "CD14 monocyte", "NK cell", "B cell", "Unassigned"]
    names = list(groups.cat.categories)
    table = pd.DataFrame(
        {
            "cluster": names,
            "n_cells": groups.value_counts(sort=False).to_numpy(),
            "cell_type": [types[i % 5] for i in range(len(names))],
            "score": np.linspace(5, 1, len(names)),
            "runner_up": "Dendritic cell",
            "runner_up_score": 0.9,
            "margin": np.linspace(4.1, 0.1, len(names)),
            "n_markers": 9,
            "markers_found": "CD3D,IL7R",
        }
    )
    write_table(directory / "annotation.tsv", table)
    called = groups.map(dict(zip(table["cluster"], table["cell_type"], strict=True)))
    obs = pd.DataFrame(
        {"cell_type_predicted": pd.Categorical(called.astype(str)), "cell_type_score": 1.5},
        index=clusters.obs_names,
    )
    annotation = sidecar(
        obs, uns={"provenance": record("annotate", seed=0, settings={"margin": 0.5})}
    )
    write_h5ad(annotation, directory / "annotation.h5ad")


def evaluate(directory: Path, counts: ad.AnnData, clusters: ad.AnnData) -> None:
    """Write metrics.json with the labels that ``counts`` holds."""
    labels = counts.obs[LABEL].reindex(clusters.obs_names)
    known = labels.notna().to_numpy()
    table = pd.crosstab(clusters.obs["siamese"][known], labels[known].astype(str))

    layout = ad.read_h5ad(directory / "layout.h5ad")
    methods = {"siamese": clusters.obs["siamese"], "leiden": layout.obs["leiden"]}

    def scores(method: str) -> dict[str, float]:
        found = methods[method][known].astype(str)
        truth = labels[known].astype(str)
        matched = pd.crosstab(found, truth).idxmax(axis=1)
        return {
            "ari": adjusted_rand_score(truth, found),
            "nmi": normalized_mutual_info_score(truth, found),
            "acc": float((found.map(matched) == truth).mean()),
            "macro_f1": f1_score(truth, found.map(matched), average="macro"),
        }

    write_json(
        directory / "metrics.json",
        {
            "n_cells": clusters.n_obs,
            "n_clusters": int(clusters.uns["siamese"]["n_clusters"]),
            "unsupervised": {
                "silhouette": float(
                    silhouette_score(layout.obsm["X_umap"], clusters.obs["siamese"])
                ),
                "graph_purity": 0.9,
                "mean_confidence": float(clusters.obs["siamese_confidence"].mean()),
            },
            "labels": {
                "column": LABEL,
                "n_labelled": int(known.sum()),
                "n_unlabelled": int((~known).sum()),
                "n_classes": table.shape[1],
                "note": f"{int((~known).sum())} cells have no label",
                "siamese": scores("siamese"),
                "leiden": scores("leiden"),
                "confusion": {
                    "clusters": table.index.tolist(),
                    "classes": table.columns.tolist(),
                    "counts": table.to_numpy().tolist(),
                },
            },
        },
    )
