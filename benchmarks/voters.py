"""Further voters for an open number of clusters: communities of other views of the same counts.

    python benchmarks/voters.py --seeds 2

Takes the fits that ``accuracy.py`` left in ``benchmarks/cache``, adds communities of each view to
those of the joint space (together they keep their weight), chooses and votes again, and appends the
adjusted Rand index to ``benchmarks/results/voters.csv``. Views: counts thinned to a half, a random
half of the genes, a random 70 % of the cells (the others follow their nearest neighbour), variable
genes and components of Pearson residuals, and variable genes without those of the cell cycle, of
ribosomes, haemoglobin and mitochondria.
"""

import argparse
import csv
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import torch
from accuracy import HERE, PANEL, SETS
from sklearn.metrics import adjusted_rand_score

from scsiameseclu.cluster_number import ClusterNumber
from scsiameseclu.clustering import clusters
from scsiameseclu.clustering.communities import communities
from scsiameseclu.clustering.ensemble import Ensemble, NetworkSpace
from scsiameseclu.clustering.members import Proportions
from scsiameseclu.genes.gene_classes import (
    cell_cycle_genes,
    haemoglobin_genes,
    ribosomal_genes,
)
from scsiameseclu.genes.organism import detect_organism
from scsiameseclu.module.joint_space import EmbeddingLayout
from scsiameseclu.preprocess.expression import (
    choose_variable_genes,
    log_normalise,
    principal_components,
)
from scsiameseclu.settings import ExpressionSettings, ModelSettings

DRAWS = 2
COLUMNS = ("set", "seed", "voters", "k", "n_clusters", "ari")
Found = list[np.ndarray]


def components_of(counts: ad.AnnData, drop: np.ndarray | None = None) -> np.ndarray:
    """Principal components of counts, as the pipeline computes them."""
    adata = ad.AnnData(counts.X.astype(np.float32), obs=counts.obs[[]], var=counts.var[[]])
    adata.X, _ = log_normalise(adata.X)
    if drop is not None:
        adata = adata[:, ~drop].copy()
    choose_variable_genes(adata, ExpressionSettings(), None)
    principal_components(adata, ExpressionSettings(), 0)
    return np.asarray(adata.obsm["X_pca"])


def thinned(counts: ad.AnnData, cells: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Each count kept with a probability of one half."""
    part = counts.copy()
    part.X = part.X.copy()
    part.X.data = rng.binomial(np.rint(part.X.data).astype(np.int64), 0.5).astype(np.float32)
    part.X.eliminate_zeros()
    return components_of(part)[cells]


def half_genes(counts: ad.AnnData, cells: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random half of all genes."""
    return components_of(counts, rng.random(counts.n_vars) < 0.5)[cells]


def pearson(counts: ad.AnnData, cells: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Components of the Pearson residuals of genes that vary by them."""
    import scanpy as sc

    part = ad.AnnData(counts.X.copy())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        n_top = min(2000, part.n_vars)
        sc.experimental.pp.highly_variable_genes(part, n_top_genes=n_top)
        part = part[:, part.var["highly_variable"]].copy()
        sc.experimental.pp.normalize_pearson_residuals(part)
        sc.pp.pca(part, n_comps=50)
    return np.asarray(part.obsm["X_pca"])[cells]


def without_classes(counts: ad.AnnData, cells: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Genes of the cell cycle, ribosomes, haemoglobin and mitochondria left out."""
    names = [str(name) for name in counts.var_names]
    drop = ribosomal_genes(names) | haemoglobin_genes(names)
    drop |= np.char.startswith(np.char.upper(np.array(names)), "MT-")
    for found in cell_cycle_genes(names, detect_organism(names, names)).values():
        drop[found] = True
    return components_of(counts, drop)[cells]


VIEWS: dict[str, tuple[Callable[..., np.ndarray], int]] = {
    "thinned counts": (thinned, DRAWS),
    "half of the genes": (half_genes, DRAWS),
    "Pearson residuals": (pearson, 1),
    "without gene classes": (without_classes, 1),
}


def on_part(features: np.ndarray, seed: int) -> Found:
    """Communities of 70 % of the cells; the others follow their nearest neighbour."""
    from sklearn.neighbors import NearestNeighbors

    rng = np.random.default_rng(seed)
    part = np.sort(rng.permutation(len(features))[: round(0.7 * len(features))])
    nearest = NearestNeighbors(n_neighbors=1).fit(features[part])
    place = nearest.kneighbors(features, return_distance=False)[:, 0]
    return [found[place] for found in communities(features[part], seed)]


def voters_of(
    counts: ad.AnnData, fitted: Ensemble, joint: np.ndarray, seed: int
) -> dict[str, Found]:
    """Communities by view."""
    found = {}
    for number, (name, (view, draws)) in enumerate(VIEWS.items()):
        found[name] = [
            partition
            for draw in range(draws)
            for partition in communities(
                view(counts, fitted.compared, np.random.default_rng([seed, number, draw])), seed
            )
        ]
    found["70 % of the cells"] = [
        p for draw in range(DRAWS) for p in on_part(joint, seed + 100 * draw)
    ]
    return found


def chosen(fitted: Ensemble, k: int | None) -> np.ndarray:
    """Clusters of all cells after the vote."""
    number = ClusterNumber(k, k) if k else ClusterNumber()
    if k:
        fitted.extend(k)
    best = clusters._choose(fitted, number)
    _, probability = fitted.vote(best, keep_all=k is not None)
    return np.asarray(probability.argmax(axis=1))


def results(
    adata: ad.AnnData, embedding: np.ndarray, k: int, seed: int
) -> Iterator[tuple[str, str, np.ndarray]]:
    """Clusters with each family of voters, k unknown and given."""
    settings = ModelSettings()
    n_shared = embedding.shape[1] - settings.networks * settings.latent_size
    layout = EmbeddingLayout(n_shared, settings.latent_size, settings.networks)
    spaces = [NetworkSpace(b) for b in layout.split(torch.from_numpy(embedding))]
    numbers = sorted({*range(clusters.SMALLEST, settings.max_clusters + 1), k})
    kind = Proportions(settings.proportions)
    fitted = Ensemble(spaces, numbers, kind, settings.temperature, seed, is_open=True)
    own = fitted.communities
    counts = ad.AnnData(adata.layers["counts"], obs=adata.obs[[]], var=adata.var[[]])
    others = voters_of(counts, fitted, fitted._joint(spaces), seed)
    families = {"default": own, **{n: [*own, *v] for n, v in others.items()}}
    families["all of these"] = [*own, *(p for v in others.values() for p in v)]
    families["other views alone"] = [p for v in others.values() for p in v]
    for name, family in families.items():
        fitted.communities = family
        fitted._compare()
        yield name, "unknown", chosen(fitted, None)
    fitted.is_open = False
    families = {"default": [], "communities of the joint space": own} | {
        name: family for name, family in families.items() if name != "default"
    }
    for name, family in families.items():
        fitted.communities, fitted.prior = [], family
        fitted._compare()
        yield name, "given", chosen(fitted, k)


def main() -> None:
    """Append what the CSV lacks."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=HERE / "cache")
    parser.add_argument("--output", type=Path, default=HERE / "results" / "voters.csv")
    parser.add_argument("--sets", nargs="*", default=list(PANEL))
    parser.add_argument("--seeds", nargs="*", type=int, default=[3])
    arguments = parser.parse_args()
    if not arguments.output.is_file():
        arguments.output.write_text(",".join(COLUMNS) + "\n")
    done = {(r.set, r.seed) for r in pd.read_csv(arguments.output).itertuples()}
    for seed in arguments.seeds:
        for name in arguments.sets:
            source = arguments.cache / f"{name}-ours-{seed}.npz"
            if (name, seed) in done or not source.is_file():
                continue
            adata = ad.read_h5ad(arguments.cache / f"{name}.h5ad")
            labels = (
                pd.read_csv(
                    arguments.cache / f"{name}.labels.csv",
                    index_col=0,
                    keep_default_na=False,
                    dtype=str,
                )
                .iloc[:, 0]
                .to_numpy()
            )
            known = labels != ""
            k = SETS[name][2]
            for voters, kind, found in results(adata, np.load(source)["embedding"], k, seed):
                ari = adjusted_rand_score(labels[known], found[known])
                row = (name, seed, voters, kind, np.unique(found).size, f"{ari:.4f}")
                with arguments.output.open("a", newline="") as table:
                    csv.writer(table).writerow(row)
                print(*row, flush=True)


if __name__ == "__main__":
    main()
