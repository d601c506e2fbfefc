"""One method on one prepared data set, in a separate process without access to labels.

python benchmarks/methods.py prepared.h5ad "ours" --seed 0 --n-clusters 13 --output out.npz

The output holds ``given`` and ``unknown`` (clusters with and without the number of clusters, as far
as the method has both), ``confidence_given``/``confidence_unknown`` of ours, one partition for each
resolution of ``leiden oracle``, the ``embedding`` and probabilities of ours, and ``seconds``.
"""

import argparse
import time
import warnings
from collections.abc import Callable
from typing import Any

import anndata as ad
import numpy as np
from network_ideas import FULL, OPTIONS, changed

from scsiameseclu.settings import PAPER, ModelSettings

Found = dict[str, np.ndarray]
RESOLUTIONS = (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0)
# the default, changed in one thing, and the full model, in which all that helped once is on
VARIANTS: dict[str, dict[str, object]] = {
    "ours": {},
    "preset paper": PAPER,
    "full model": FULL,
    "full model without gene swap": {**FULL, "expression_swap": 0.0},
    "full model without count likelihood": {**FULL, "likelihood": "none"},
    "with expression noise": {"expression_noise": 0.1},
    "with edge perturbation": {"edge_drop": 0.1},
    "with diffusion": {"diffusion": True},
    "with gated fusion": {"fusion": True},
    "with cell-level refinement": {
        "cell_refinement_expression": 0.01,
        "cell_refinement_graph": 0.01,
    },
    "with latent-level refinement": {"latent_refinement": 0.1},
    "with propagation regularisation": {"propagation": 0.3},
    "with graph decoder": {"graph_reconstruction": 0.1},
    "with joint training": {"cluster_steps": 100},
    "with zinb": {"likelihood": "zinb"},
}
CLUSTERED: dict[str, dict[str, object]] = {
    "without components": {"space": "latent"},
    "without ensemble": {"networks": 1},
    "without transport": {"proportions": "ignored"},
    "without learned proportions": {"proportions": "fixed"},
    "with temperature 0.03": {"temperature": 0.03},
    "with temperature 0.07": {"temperature": 0.07},
    "with up to 30 clusters": {"max_clusters": 30},
}
"""Variants of the clustering alone, from the embedding of ours."""


def ours(adata: ad.AnnData, seed: int, n_clusters: int, options: dict[str, object]) -> Found:
    """A variant of the model, trained once and clustered with k given and unknown."""
    from scsiameseclu import ScSiameseClu

    settings = ModelSettings(**options)
    model = ScSiameseClu(n_clusters, random_state=seed, device="cpu", settings=settings).fit(adata)
    found = {
        "given": adata.obs["siamese"].to_numpy().astype(str),
        "confidence_given": adata.obs["siamese_confidence"].to_numpy(),
        "probability_given": adata.obsm["siamese_probability"],
    }
    model.recluster(adata)
    return found | {
        "unknown": adata.obs["siamese"].to_numpy().astype(str),
        "confidence_unknown": adata.obs["siamese_confidence"].to_numpy(),
        "probability_unknown": adata.obsm["siamese_probability"],
        "coarse": adata.obs["siamese_coarse"].to_numpy().astype(str),
        "fine": adata.obs["siamese_fine"].to_numpy().astype(str),
        "embedding": adata.obsm["X_siamese"],
    }


def network_idea(name: str) -> Callable[[ad.AnnData, int, int], Found]:
    """The full model with the training changed by an idea of ``network_ideas.py``."""

    def method(adata: ad.AnnData, seed: int, n_clusters: int) -> Found:
        from scsiameseclu import ScSiameseClu

        with changed(name) as settings:
            model = ScSiameseClu(random_state=seed, device="cpu", settings=settings).fit(adata)
        unknown = adata.obs["siamese"].to_numpy().astype(str)
        model.recluster(adata, n_clusters)
        return {"unknown": unknown, "given": adata.obs["siamese"].to_numpy().astype(str)}

    return method


def with_markers(adata: ad.AnnData, seed: int, n_clusters: int) -> Found:
    """The default, with the cell types of canonical markers as one more voter."""
    from scsiameseclu import ScSiameseClu, tl

    model = ScSiameseClu(random_state=seed, device="cpu").fit(adata)
    found = {}
    for name, number in (("given", n_clusters), ("unknown", None)):
        model.recluster(adata, number)
        tl.annotate(adata, groupby="siamese_fine", random_state=seed)
        model.recluster(adata, number, prior_key="cell_type_by_cell")
        found[name] = adata.obs["siamese"].to_numpy().astype(str)
    return found


def components(adata: ad.AnnData, seed: int, n_clusters: int) -> Found:
    """The ensemble on principal components alone; what is missing to ours, the networks add."""
    import torch

    from scsiameseclu.module.joint_space import JointSpace

    settings = ModelSettings()
    values = torch.from_numpy(np.asarray(adata.obsm["X_pca"], dtype=np.float32))
    blocks = [JointSpace.fit(values).shared(values)] * settings.networks
    return _clustered(blocks, settings, seed, n_clusters)


def reclustered(
    embedding: np.ndarray, seed: int, n_clusters: int, options: dict[str, object]
) -> Found:
    """A variant of the clustering, in the embedding of ours, (n_cells, n_dimensions)."""
    import torch

    from scsiameseclu.module.joint_space import EmbeddingLayout

    settings, trained = ModelSettings(**options), ModelSettings()
    n_shared = embedding.shape[1] - trained.networks * trained.latent_size
    layout = EmbeddingLayout(n_shared, trained.latent_size, trained.networks)
    blocks = layout.split(torch.from_numpy(embedding))[: settings.networks]
    if settings.space == "latent":
        blocks = [own[1:] for own in blocks]
    return _clustered(blocks, settings, seed, n_clusters)


def _clustered(
    blocks: list[list[Any]], settings: ModelSettings, seed: int, n_clusters: int
) -> Found:
    """Clusters in spaces of these blocks of unit rows, with k given and unknown."""
    from scsiameseclu.cluster_number import ClusterNumber
    from scsiameseclu.clustering.clusters import cluster_ensemble
    from scsiameseclu.clustering.ensemble import NetworkSpace
    from scsiameseclu.clustering.members import Proportions

    given, unknown = (
        cluster_ensemble(
            [NetworkSpace(own) for own in blocks],
            number,
            proportions=Proportions(settings.proportions),
            temperature=settings.temperature,
            max_clusters=settings.max_clusters,
            seed=seed,
        )
        for number in (ClusterNumber(n_clusters, n_clusters), ClusterNumber())
    )
    return {"given": given.labels.astype(str), "unknown": unknown.labels.astype(str)}


def start(adata: ad.AnnData, seed: int, n_clusters: int) -> Found:
    """Micro-clusters of principal components, merged by average linkage: no network."""
    from baseline import grow_hierarchies, initial_partition

    components = adata.obsm["X_pca"]
    hierarchies = grow_hierarchies(components, seed)
    graph = adata.obsp["connectivities"]
    return {"given": initial_partition(hierarchies, components, graph, n_clusters, seed)}


def leiden(adata: ad.AnnData, seed: int, n_clusters: int) -> Found:
    """Scanpy's Leiden at its default resolution."""
    return {"unknown": _leiden(adata, seed, 1.0)}


def leiden_oracle(adata: ad.AnnData, seed: int, n_clusters: int) -> Found:
    """Leiden at many resolutions, the best chosen by the labels: an upper bound, not a method."""
    return {f"oracle {r:g}": _leiden(adata, seed, r) for r in RESOLUTIONS}


def _leiden(adata: ad.AnnData, seed: int, resolution: float) -> np.ndarray:
    import scanpy as sc

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sc.tl.leiden(
            adata, resolution=resolution, flavor="igraph", n_iterations=2, random_state=seed
        )
    return np.asarray(adata.obs["leiden"].to_numpy().astype(str))


def kmeans(adata: ad.AnnData, seed: int, n_clusters: int) -> Found:
    """k-means on the principal components."""
    from sklearn.cluster import KMeans

    return {
        "given": KMeans(n_clusters, n_init=10, random_state=seed).fit_predict(adata.obsm["X_pca"])
    }


def scvi(adata: ad.AnnData, seed: int, n_clusters: int) -> Found:
    """scVI latent (default settings), then Leiden 1.0 and k-means; ``pip install .[peers]``."""
    import scanpy as sc
    import scvi
    from sklearn.cluster import KMeans

    scvi.settings.seed = seed
    part = adata[:, adata.var["highly_variable"]].copy()
    batches = "batch" if "batch" in part.obs else None
    scvi.model.SCVI.setup_anndata(part, layer="counts", batch_key=batches)
    model = scvi.model.SCVI(part)
    model.train(accelerator="cpu")
    adata.obsm["X_scvi"] = model.get_latent_representation()
    sc.pp.neighbors(adata, use_rep="X_scvi", random_state=seed)
    return {
        "given": KMeans(n_clusters, n_init=10, random_state=seed).fit_predict(adata.obsm["X_scvi"]),
        "unknown": _leiden(adata, seed, 1.0),
    }


def scace(adata: ad.AnnData, seed: int, n_clusters: int) -> Found:
    """scAce at its defaults on the variable genes; ``pip install --no-deps scace==0.1.2``."""
    import random

    import scanpy as sc
    import torch
    from scace import run_scace

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    part = ad.AnnData(adata[:, adata.var["highly_variable"]].layers["counts"].toarray())
    part.raw = part.copy()
    totals = part.X.sum(axis=1)
    part.obs["scale_factor"] = totals / np.median(totals)
    sc.pp.normalize_total(part)
    sc.pp.log1p(part)
    sc.pp.scale(part)
    return {"unknown": run_scace(part).obs["scace_cluster"].to_numpy().astype(str)}


METHODS: dict[str, Callable[[ad.AnnData, int, int], Found]] = {
    "ours with markers": with_markers,
    "components": components,
    "start": start,
    "leiden": leiden,
    "leiden oracle": leiden_oracle,
    "kmeans": kmeans,
    "scvi": scvi,
    "scace": scace,
    **{name: network_idea(name) for name in OPTIONS},
}


def run(
    adata: ad.AnnData, method: str, seed: int, n_clusters: int, embedding: np.ndarray | None
) -> Found:
    """Run a method or a variant of scSiameseClu, in the embedding of ours if it has no other."""
    if method in CLUSTERED:
        assert embedding is not None
        return reclustered(embedding, seed, n_clusters, CLUSTERED[method])
    if method in VARIANTS:
        return ours(adata, seed, n_clusters, VARIANTS[method])
    return METHODS[method](adata, seed, n_clusters)


def main() -> None:
    """Read, run, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("prepared")
    parser.add_argument("method", choices=[*VARIANTS, *CLUSTERED, *METHODS])
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--n-clusters", type=int, required=True)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--embedding", help="output of ours, for a variant of the clustering")
    parser.add_argument("--output", required=True)
    arguments = parser.parse_args()
    import torch

    torch.set_num_threads(arguments.threads)
    adata = ad.read_h5ad(arguments.prepared)
    assert not set(adata.obs) - {"size_factor", "batch"}, "labels have no business here"
    embedding = np.load(arguments.embedding)["embedding"] if arguments.embedding else None
    started = time.monotonic()
    found = run(adata, arguments.method, arguments.seed, arguments.n_clusters, embedding)
    np.savez_compressed(arguments.output, seconds=time.monotonic() - started, **found)


if __name__ == "__main__":
    main()
