"""Integration of batches beside Harmony, Scanorama and scVI, scored by scib-metrics.

    python benchmarks/integration.py --data ../shared/data [--seeds 5] [--parts main missing cut]
                                       [--methods METHOD …]

Needs ``pip install scib-metrics harmonypy scanorama scvi-tools`` beside this package. Finished rows
are not measured again; a method that fails gets a row with its error. Methods get counts and
batches, never labels. Three parts:

main
    Every method on every set. ``total`` is 0.6 times biology plus 0.4 times batch, as in scib:
    biology is the mean of ARI and NMI of the method's clusters (number unknown: ours by the
    ensemble, the others' by Leiden at 1.0), cLISI, label ASW and isolated labels; batch the mean of
    iLISI, kBET (over all cells), graph connectivity and batch ASW.
missing
    One type is taken out of one batch. ``recall``: share of its other cells in clusters of which it
    is the majority, with and without integration.
cut
    The largest batch, cut at random in two that are given as batches. ``agreement``: ARI with the
    clusters without the cut, beside that of two seeds without it.
"""

import argparse
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
from integration_table import table
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score
from sklearn.neighbors import NearestNeighbors

RESULTS = Path(__file__).resolve().parent / "results"
SETS = (
    "cellbench3_2batch",
    "zilionis_mouse_lung",
    "cellbench5_3plate",
    "baron_mouse",
    "ifnb_ctrl_stim_2k",
)
# a type, and the batch that it is taken out of
MISSING = {
    "cellbench3_2batch": [("H1975", "CELseq2"), ("H2228", "Dropseq"), ("HCC827", "CELseq2")],
    "zilionis_mouse_lung": [
        ("B cells", "t_1"),
        ("NK cells", "t_1"),
        ("T cells", "t_1"),
        ("Neutrophils", "t_1"),
    ],
    "baron_mouse": [
        ("alpha", "mouse2"),
        ("delta", "mouse1"),
        ("ductal", "mouse1"),
        ("endothelial", "mouse2"),
        ("beta", "mouse1"),
    ],
}
KEY = ["set", "case", "method", "seed"]
Found = tuple[np.ndarray, np.ndarray]
"""Embedding (n_cells, d) and clusters (n_cells,)."""


def read(data: Path, name: str) -> ad.AnnData:
    """Counts with ``obs["batch"]`` and ``obs["label"]``, which is empty without labels."""
    adata = ad.read_h5ad(data / f"{name}.h5ad")
    column = next(c for c in ("batch", "stim", "condition") if c in adata.obs)
    labels = adata.obs["cell_type"].astype(str) if "cell_type" in adata.obs else ""
    obs = pd.DataFrame({"batch": adata.obs[column].astype(str), "label": labels})
    plain = ad.AnnData(adata.X, obs=obs.set_axis(adata.obs_names), var=adata.var[[]])
    plain.var_names_make_unique()
    return plain


def ours(adata: ad.AnnData, seed: int, **options: Any) -> Found:
    """scSiameseClu; the batches are in ``obs["batch"]``."""
    from scsiameseclu import ScSiameseClu

    options = {"batch_key": "batch"} | options
    model = ScSiameseClu(random_state=seed, device="cpu", **options).fit(adata)
    return adata.obsm["X_siamese"], model.labels_


def unaligned(adata: ad.AnnData, seed: int) -> Found:
    """scSiameseClu without integration."""
    return ours(adata, seed, integration="none")


def aligned_components(adata: ad.AnnData, seed: int) -> Found:
    """The components that scSiameseClu starts from, and Leiden."""
    from scsiameseclu.preprocess.integration import align

    alignment = align(components(adata, seed), adata.obs["batch"].astype("category"), seed)
    assert alignment is not None
    return with_leiden(alignment.components.values, seed)


def uncorrected(adata: ad.AnnData, seed: int) -> Found:
    """Components as they are, and Leiden."""
    return with_leiden(components(adata, seed), seed)


def harmony(adata: ad.AnnData, seed: int) -> Found:
    """Harmony on the components (Korsunsky et al. 2019), and Leiden."""
    import harmonypy

    fitted = harmonypy.run_harmony(
        components(adata, seed), adata.obs[["batch"]], "batch", random_state=seed, verbose=False
    )
    return with_leiden(np.asarray(fitted.Z_corr), seed)


def scanorama(adata: ad.AnnData, seed: int) -> Found:
    """Scanorama on the variable genes (Hie et al. 2019), and Leiden."""
    import scanorama as package

    components(adata, seed)
    part = adata[:, adata.var["highly_variable"]].copy()
    part.X = np.log1p(1e4 * part.X.toarray() / np.maximum(part.X.sum(axis=1), 1))
    parts = [part[part.obs["batch"] == name].copy() for name in part.obs["batch"].unique()]
    package.integrate_scanpy(parts, seed=seed)
    joined = pd.concat([pd.DataFrame(p.obsm["X_scanorama"], index=p.obs_names) for p in parts])
    return with_leiden(joined.loc[adata.obs_names].to_numpy(), seed)


def scvi(adata: ad.AnnData, seed: int) -> Found:
    """The latent space of scVI on the variable genes (Lopez et al. 2018), and Leiden."""
    import scvi as package

    components(adata, seed)
    part = adata[:, adata.var["highly_variable"]].copy()
    package.settings.seed = seed
    package.model.SCVI.setup_anndata(part, batch_key="batch")
    model = package.model.SCVI(part)
    model.train(accelerator="cpu", enable_progress_bar=False)
    return with_leiden(model.get_latent_representation(), seed)


METHODS: dict[str, Callable[[ad.AnnData, int], Found]] = {
    "ours": ours,
    "ours, not aligned": unaligned,
    "our components and Leiden": aligned_components,
    "Harmony and Leiden": harmony,
    "Scanorama and Leiden": scanorama,
    "scVI and Leiden": scvi,
    "no correction and Leiden": uncorrected,
}


def components(adata: ad.AnnData, seed: int) -> np.ndarray:
    """The components before alignment, with the variable genes set on ``adata``."""
    from scsiameseclu.model.preparation import prepare
    from scsiameseclu.settings import ExpressionSettings, GraphSettings

    plain = ExpressionSettings(integration="none")
    return prepare(adata, plain, GraphSettings(), seed, batch_key="batch").components


def with_leiden(representation: np.ndarray, seed: int, resolution: float = 1.0) -> Found:
    """A representation with its Leiden clusters, scanpy's defaults but for the flavour."""
    import scanpy as sc

    graph = ad.AnnData(obsm={"X": np.ascontiguousarray(representation, dtype=np.float32)})
    sc.pp.neighbors(graph, use_rep="X", transformer="sklearn", random_state=seed)
    sc.tl.leiden(graph, resolution=resolution, flavor="igraph", n_iterations=2, random_state=seed)
    return graph.obsm["X"], graph.obs["leiden"].cat.codes.to_numpy()


def scored(found: Found, adata: ad.AnnData, seed: int) -> dict[str, float]:
    """All measures of one result; those of labels only where there are labels."""
    import scib_metrics as scib
    from scib_metrics.nearest_neighbors import NeighborsResults

    from scsiameseclu.preprocess.integration import batch_mixing

    representation, clusters = found
    batch, label = (adata.obs[name].astype(str).to_numpy() for name in ("batch", "label"))
    values = np.ascontiguousarray(representation, dtype=np.float32)
    search = NearestNeighbors(n_neighbors=90).fit(values)
    distances, indices = search.kneighbors(values)
    near = NeighborsResults(indices=indices, distances=distances)
    row = {
        "n_clusters": len(np.unique(clusters)),
        "mixing": batch_mixing(values, adata.obs["batch"].astype("category")).mean(),
        "ilisi": scib.ilisi_knn(near, batch),
        "kbet": scib.kbet(near.subset_neighbors(n=50), batch)[0],
    }
    if len(set(label)) == 1:
        return {name: float(value) for name, value in row.items()}
    row |= {
        "connectivity": scib.graph_connectivity(near.subset_neighbors(n=15), label),
        "batch_asw": scib.silhouette_batch(values, label, batch),
        "clisi": scib.clisi_knn(near, label),
        "label_asw": scib.silhouette_label(values, label),
        "isolated": scib.isolated_labels(values, label, batch),
        "ari": adjusted_rand_score(label, clusters),
        "nmi": normalized_mutual_info_score(label, clusters),
    }
    for resolution in (0.2, 0.5):
        leiden = with_leiden(values, seed, resolution)[1]
        row[f"ari_leiden_{resolution}"] = adjusted_rand_score(label, leiden)
    biology = ("ari", "nmi", "clisi", "label_asw", "isolated")
    row["biology"] = np.mean([row[name] for name in biology])
    row["batch"] = np.mean([row[n] for n in ("ilisi", "kbet", "connectivity", "batch_asw")])
    row["total"] = 0.6 * row["biology"] + 0.4 * row["batch"]
    return {name: float(value) for name, value in row.items()}


def recall(clusters: np.ndarray, labels: np.ndarray, kind: str) -> float:
    """Share of a type's cells in clusters of which it is the majority."""
    table = pd.crosstab(clusters, labels)
    mine = table.index[table.idxmax(axis=1) == kind]
    return float(np.isin(clusters[labels == kind], mine).mean())


Job = tuple[dict[str, Any], Callable[[], dict[str, float]]]


def jobs(data: Path, parts: list[str], seeds: int, methods: list[str]) -> Iterator[Job]:
    """Rows to measure: their keys, and what measures them."""
    for seed in range(seeds):
        for name in SETS:
            if "main" in parts:
                for method in methods:
                    key = {"set": name, "case": "main", "method": method, "seed": seed}
                    yield key, lambda k=key: _main(data, k)
            if "missing" in parts:
                for kind, batch in MISSING.get(name, []):
                    for method in ("ours", "ours, not aligned"):
                        case = f"{kind} not in {batch}"
                        key = {"set": name, "case": case, "method": method, "seed": seed}
                        yield key, lambda k=key, t=kind, b=batch: _missing(data, k, t, b)
            if "cut" in parts:
                for method in ("ours", "two seeds"):
                    key = {"set": name, "case": "cut", "method": method, "seed": seed}
                    yield key, lambda k=key: _cut(data, k)


def _main(data: Path, key: dict[str, Any]) -> dict[str, float]:
    adata = read(data, key["set"])
    given = ad.AnnData(adata.X, obs=adata.obs[["batch"]].copy(), var=adata.var)
    begun = time.monotonic()
    found = METHODS[key["method"]](given, key["seed"])
    seconds = time.monotonic() - begun
    return {"seconds": seconds} | scored(found, adata, key["seed"])


def _missing(data: Path, key: dict[str, Any], kind: str, batch: str) -> dict[str, float]:
    adata = read(data, key["set"])
    labels, batches = adata.obs["label"].to_numpy(), adata.obs["batch"].to_numpy()
    adata = adata[~((labels == kind) & (batches == batch))].copy()
    given = ad.AnnData(adata.X, obs=adata.obs[["batch"]].copy(), var=adata.var)
    clusters = METHODS[key["method"]](given, key["seed"])[1]
    labels = adata.obs["label"].to_numpy()
    return {
        "n_clusters": float(clusters.max() + 1),
        "recall": recall(clusters, labels, kind),
        "ari": adjusted_rand_score(labels, clusters),
    }


def _cut(data: Path, key: dict[str, Any]) -> dict[str, float]:
    adata, seed = read(data, key["set"]), key["seed"]
    largest = adata.obs["batch"].value_counts().index[0]
    adata = adata[adata.obs["batch"] == largest].copy()
    half = np.random.default_rng(seed).permutation(adata.n_obs) < adata.n_obs // 2
    adata.obs["batch"] = np.where(half, "first", "second")
    whole = ours(adata.copy(), seed, batch_key=None)[1]
    other = ours(adata.copy(), seed + 1, batch_key=None) if key["method"] == "two seeds" else None
    other = other or ours(adata.copy(), seed)
    return {
        "n_clusters": float(other[1].max() + 1),
        "agreement": adjusted_rand_score(whole, other[1]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--parts", nargs="+", default=["main", "missing", "cut"])
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--output", type=Path, default=RESULTS / "integration.csv")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    output: Path = arguments.output
    rows = pd.read_csv(output) if output.exists() else pd.DataFrame(columns=[*KEY, "error"])
    done = set(rows[KEY].itertuples(index=False, name=None))
    for key, measure in jobs(arguments.data, arguments.parts, arguments.seeds, arguments.methods):
        if tuple(key[name] for name in KEY) in done:
            continue
        try:
            row = key | measure()
        except Exception as error:  # a row of its own: failures are results too
            traceback.print_exc()
            row = key | {"error": f"{type(error).__name__}: {error}"[:200]}
        row["date"] = date.today().isoformat()
        rows = pd.concat([rows, pd.DataFrame([row])], ignore_index=True)
        rows.to_csv(output, index=False, float_format="%.4f")
        print(row, flush=True)
    output.with_suffix(".md").write_text(table(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
