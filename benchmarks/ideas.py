"""Ideas for better clusters, measured on the panel without any network.

    python benchmarks/ideas.py --data ../shared/data

Each idea turns counts or components into clusters, with the number of classes given; labels only
score. Rows go to ``benchmarks/results/ideas.csv``: set, idea, seed, ari. benchmarks/NOTES.md says
what was learnt.
"""

import argparse
import csv
from collections.abc import Callable
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch
from accuracy import HERE, PANEL, SETS, prepare
from baseline import vote
from sklearn.metrics import adjusted_rand_score

from scsiameseclu.cluster_number import ClusterNumber
from scsiameseclu.clustering.clusters import cluster_ensemble
from scsiameseclu.clustering.ensemble import NetworkSpace
from scsiameseclu.clustering.members import Proportions, fit_member
from scsiameseclu.clustering.start import component_blocks, grow_hierarchy
from scsiameseclu.graph.neighbours import build_graph
from scsiameseclu.preprocess.expression import gene_moments, scale_sparse
from scsiameseclu.preprocess.signal import signal_weights
from scsiameseclu.settings import GraphSettings

SEVEN = PANEL[:7]
Idea = Callable[[ad.AnnData, int, int], np.ndarray]
TEMPERATURE = 0.07


def unit(block: np.ndarray) -> torch.Tensor:
    """Centred rows of length 1."""
    centred = block - block.mean(axis=0)
    lengths = np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)
    return torch.from_numpy((centred / lengths).astype(np.float32))


def weighted(components: np.ndarray) -> np.ndarray:
    """Components weighted by their signal."""
    return np.asarray(components * signal_weights(components))


def linked(blocks: list[np.ndarray], k: int, seed: int) -> np.ndarray:
    """Micro-clusters, average linkage, cut at k."""
    return grow_hierarchy(blocks, blocks[-1], seed).cut(k)


def moved(blocks: list[np.ndarray], k: int, seed: int, kind: Proportions) -> np.ndarray:
    """Linkage, then alternating transport and means."""
    start = torch.from_numpy(linked(blocks, k, seed)).long()
    features = torch.nn.functional.normalize(torch.cat([unit(b) for b in blocks], dim=1), dim=1)
    member = fit_member(features, start, network=0, temperature=TEMPERATURE, proportions=kind)
    return np.asarray(member.labels(features).numpy())


def components_of(values: np.ndarray, n: int = 50) -> np.ndarray:
    """Principal components of dense values, (n_cells, n)."""
    from sklearn.decomposition import PCA

    return np.asarray(PCA(n, svd_solver="covariance_eigh").fit_transform(values), dtype=np.float32)


def scaled(normalised: sp.csr_matrix) -> np.ndarray:
    """Genes scaled to unit variance, clipped at 10."""
    mean, variance = gene_moments(normalised)
    deviation = np.sqrt(np.where(variance > 0, variance, 1.0))
    return np.asarray(scale_sparse(normalised, mean, deviation, 10.0).toarray())


def variable_counts(adata: ad.AnnData) -> sp.csr_matrix:
    """Counts of the highly variable genes."""
    return sp.csr_matrix(adata.layers["counts"][:, adata.var["highly_variable"].to_numpy()])


def normalised(adata: ad.AnnData, target: float | None, root: bool = False) -> np.ndarray:
    """Components of counts over depth times a target, log or square root."""
    counts = variable_counts(adata)
    depth = np.asarray(adata.layers["counts"].sum(axis=1)).ravel()
    part = sp.csr_matrix(sp.diags((target or np.median(depth)) / np.maximum(depth, 1)) @ counts)
    return components_of(scaled(part.sqrt() if root else part.log1p()))


def pearson(adata: ad.AnnData) -> np.ndarray:
    """Components of Pearson residuals (Lause et al. 2021), overdispersion 100."""
    counts = variable_counts(adata).toarray().astype(float)
    mean = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    residuals = (counts - mean) / np.sqrt(np.maximum(mean + mean**2 / 100, 1e-12))
    bound = np.sqrt(len(counts))
    return components_of(np.clip(residuals, -bound, bound))


def equal_depth(adata: ad.AnnData, seed: int) -> np.ndarray:
    """Components after thinning all cells to the median depth."""
    counts = sp.csr_matrix(adata.layers["counts"]).copy()
    depth = np.asarray(counts.sum(axis=1)).ravel()
    share = np.minimum(1.0, np.median(depth) / np.maximum(depth, 1))
    rng = np.random.default_rng(seed)
    counts.data = rng.binomial(
        counts.data.astype(int), np.repeat(share, np.diff(counts.indptr))
    ).astype(np.float32)
    thinned = ad.AnnData(sp.csr_matrix((adata.n_obs, adata.n_vars)), var=adata.var)
    thinned.layers["counts"] = counts
    return normalised(thinned, None)


def without_tiny(adata: ad.AnnData, k: int, seed: int) -> np.ndarray:
    """Cut deeper until k clusters have ten cells; smaller ones are merged into neighbours."""
    hierarchy = grow_hierarchy(component_blocks(adata.obsm["X_pca"]), adata.obsm["X_pca"], seed)
    for n in range(k, hierarchy.tree.shape[0] + 2):
        labels = hierarchy.cut(n)
        large = np.flatnonzero(np.bincount(labels) >= 10)
        if large.size >= k:
            break
    kept = np.isin(labels, large)
    graph = sp.csr_matrix(adata.obsp["connectivities"])
    member = sp.csr_matrix((np.ones(kept.sum()), (np.flatnonzero(kept), labels[kept])))
    member.resize(adata.n_obs, labels.max() + 1)
    labels[~kept] = np.asarray((graph[~kept] @ member).argmax(axis=1)).ravel()
    return labels


def mixture(adata: ad.AnnData, k: int, seed: int) -> np.ndarray:
    """Gaussian mixture with tied covariance on 20 components, started from the linkage."""
    from sklearn.mixture import GaussianMixture

    features = unit(adata.obsm["X_pca"][:, :20]).numpy()
    labels = linked(component_blocks(adata.obsm["X_pca"]), k, seed)
    means = np.array([features[labels == c].mean(axis=0) for c in range(labels.max() + 1)])
    found = GaussianMixture(len(means), covariance_type="tied", means_init=means, random_state=seed)
    return np.asarray(found.fit_predict(features))


def low_leiden(adata: ad.AnnData, k: int, seed: int) -> np.ndarray:
    """Leiden at 0.2 on the graph of weighted components (its own number of clusters)."""
    import scanpy as sc

    other = ad.AnnData(sp.csr_matrix((adata.n_obs, 1), dtype=np.float32))
    other.obsm["X_pca"] = weighted(adata.obsm["X_pca"])
    build_graph(other, GraphSettings(), seed)
    sc.tl.leiden(other, resolution=0.2, flavor="igraph", n_iterations=2, random_state=seed)
    return other.obs["leiden"].to_numpy().astype(int)


def agreed(adata: ad.AnnData, k: int, seed: int) -> np.ndarray:
    """The ensemble's choice among clusterings of weighted components, without any latent."""
    space = NetworkSpace([unit(weighted(adata.obsm["X_pca"]))])
    number = ClusterNumber(k, k)
    return cluster_ensemble(
        [space],
        number,
        proportions=Proportions.LEARNED,
        temperature=TEMPERATURE,
        max_clusters=20,
        seed=seed,
    ).labels


IDEAS: dict[str, Idea] = {
    "linkage of 20 and 50 components": lambda a, k, s: linked(
        component_blocks(a.obsm["X_pca"]), k, s
    ),
    "… and votes of neighbours": lambda a, k, s: vote(
        linked(component_blocks(a.obsm["X_pca"]), k, s), a.obsp["connectivities"], 3
    ),
    "… and transport, fixed proportions": lambda a, k, s: moved(
        component_blocks(a.obsm["X_pca"]), k, s, Proportions.FIXED
    ),
    "… and transport, learned proportions": lambda a, k, s: moved(
        component_blocks(a.obsm["X_pca"]), k, s, Proportions.LEARNED
    ),
    "… and nearest centre": lambda a, k, s: moved(
        component_blocks(a.obsm["X_pca"]), k, s, Proportions.IGNORED
    ),
    "linkage of weighted components": lambda a, k, s: linked([weighted(a.obsm["X_pca"])], k, s),
    "weighted components, learned proportions": lambda a, k, s: moved(
        [weighted(a.obsm["X_pca"])], k, s, Proportions.LEARNED
    ),
    "depth of 10,000, learned proportions": lambda a, k, s: moved(
        [weighted(normalised(a, 1e4))], k, s, Proportions.LEARNED
    ),
    "square root, learned proportions": lambda a, k, s: moved(
        [weighted(normalised(a, None, root=True))], k, s, Proportions.LEARNED
    ),
    "Pearson residuals, learned proportions": lambda a, k, s: moved(
        [weighted(pearson(a))], k, s, Proportions.LEARNED
    ),
    "equal depth, learned proportions": lambda a, k, s: moved(
        [weighted(equal_depth(a, s))], k, s, Proportions.LEARNED
    ),
    "no cluster below ten cells": without_tiny,
    "Gaussian mixture": mixture,
    "Leiden 0.2 on weighted components": low_leiden,
    "largest expected agreement": agreed,
}


def main() -> None:
    """Measure what the CSV lacks, and print the means."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=HERE / "cache")
    parser.add_argument("--output", type=Path, default=HERE / "results" / "ideas.csv")
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)
    columns = ["set", "idea", "seed", "n_clusters", "ari"]
    if not arguments.output.is_file():
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(",".join(columns) + "\n")
    done = pd.read_csv(arguments.output, dtype=str)
    known = set(zip(done["set"], done["idea"], done["seed"], strict=True))
    for name in SEVEN:
        file, batch, k = SETS[name]
        path = arguments.cache / f"{name}.h5ad"
        if not path.is_file():
            prepare(arguments.data / file, batch, "cell_type", path)
        adata = ad.read_h5ad(path)
        table = pd.read_csv(
            path.with_suffix(".labels.csv"), index_col=0, keep_default_na=False, dtype=str
        )
        truth = table.iloc[:, 0].to_numpy()
        for idea, work in IDEAS.items():
            for seed in range(arguments.seeds):
                if (name, idea, str(seed)) in known:
                    continue
                found = np.asarray(work(adata, k, seed))
                score = adjusted_rand_score(truth[truth != ""], found[truth != ""])
                with arguments.output.open("a", newline="") as rows:
                    csv.writer(rows).writerow(
                        [name, idea, seed, np.unique(found).size, f"{score:.4f}"]
                    )
        print(name, flush=True)
    rows = pd.read_csv(arguments.output)
    means = rows.pivot_table(index="idea", columns="set", values="ari", sort=False)[list(SEVEN)]
    print(means.assign(mean=means.mean(axis=1)).round(3).to_string())


if __name__ == "__main__":
    main()
