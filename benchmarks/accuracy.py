"""Accuracy of every method on labelled data sets, with and without the number of clusters.

    python benchmarks/accuracy.py --data ../shared/data

Each method runs in a process of its own that is given counts, components and graph and no label;
this program alone reads the labels, and only to score. What a process found is kept in
``benchmarks/cache``, rows go to ``benchmarks/results/accuracy.csv``; what is there is not done
again. ``--checkout`` runs the methods of another commit, on the same prepared data; their rows are
named, for example, "ours at c448e88d".
"""

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
from methods import CLUSTERED, METHODS, VARIANTS
from network_ideas import OPTIONS

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
# name: file, batches that are kept, published number of classes
SETS: dict[str, tuple[str, str | None, int]] = {
    "mouse1": ("baron_mouse.h5ad", "mouse1", 13),
    "mouse2": ("baron_mouse.h5ad", "mouse2", 13),
    "worm_neuron": ("worm_neuron.h5ad", None, 10),
    "pbmc3k": ("pbmc3k.h5ad", None, 9),
    "zheng_sorted_ref": ("zheng_sorted_ref.h5ad", None, 9),
    "mouse_bladder_2100": ("mouse_bladder_2100.h5ad", None, 16),
    "cite_cbmc": ("cite_cbmc.h5ad", None, 15),
    "darmanis_brain": ("darmanis_brain.h5ad", None, 8),
    "human_kidney_young": ("human_kidney_young.h5ad", None, 11),
    "pbmc_10x_4k": ("pbmc_10x_4k.h5ad", None, 8),
    "mouse_bladder_hvg": ("mouse_bladder_hvg.h5ad", None, 16),
    "cellbench5_3plate": ("cellbench5_3plate.h5ad", None, 5),
    "pollen_11lines": ("pollen_11lines.h5ad", None, 11),
    "joost_epidermis": ("joost_epidermis.h5ad", None, 5),
    "marques_oligo": ("marques_oligo.h5ad", None, 10),
    "zilionis_mouse_lung": ("zilionis_mouse_lung.h5ad", None, 4),
    "baron_mouse": ("baron_mouse.h5ad", None, 13),
    "cellbench3_2batch": ("cellbench3_2batch.h5ad", None, 3),
}
PANEL = tuple(SETS)[:16]
"""The sets that means are taken of."""
STUDIES = {
    **dict.fromkeys(("mouse1", "mouse2"), "Baron"),
    **dict.fromkeys(("mouse_bladder_2100", "mouse_bladder_hvg"), "Han"),
}
"""Studies with several sets in the panel; each other set is a study of its own."""
FULL = ("ours", "start", "leiden", "leiden oracle", "kmeans")
LEVELS = {"coarse": "unknown, coarser level", "fine": "unknown, finer level"}
MIN_CELLS = 3
COLUMNS = [
    *("set", "k", "method", "seed", "n_cells", "n_clusters", "acc", "nmi", "ari", "macro_f1"),
    *("rarest_recall", "seconds", "peak_mb", "threads", "machine", "date", "version"),
]


def prepare(source: Path, batch: str | None, label: str, output: Path) -> None:
    """Counts, components and graph without labels; the labels in a separate file."""
    import anndata as ad
    import scanpy as sc
    import scipy.sparse as sp

    from scsiameseclu.graph.neighbours import build_graph
    from scsiameseclu.preprocess.batches import batches_of
    from scsiameseclu.preprocess.expression import (
        choose_variable_genes,
        log_normalise,
        principal_components,
    )
    from scsiameseclu.settings import ExpressionSettings, GraphSettings

    given = ad.read_h5ad(source)
    if batch:
        given = given[given.obs["batch"] == batch].copy()
    labels = given.obs[label].astype(object).where(given.obs[label].notna(), "")
    labels.astype(str).to_csv(output.with_suffix(".labels.csv"))
    adata = ad.AnnData(sp.csr_matrix(given.X, dtype=np.float32))
    adata.obs_names, adata.var_names = given.obs_names, given.var_names
    if "batch" in given.obs and not batch:
        adata.obs["batch"] = given.obs["batch"].astype(str)  # variable genes are chosen by batch
    sc.pp.filter_genes(adata, min_cells=MIN_CELLS)
    adata.layers["counts"] = adata.X.copy()
    adata.X, adata.obs["size_factor"] = log_normalise(adata.X)
    batches = batches_of(adata, "batch" if "batch" in adata.obs else None)
    choose_variable_genes(adata, ExpressionSettings(), batches)
    principal_components(adata, ExpressionSettings(), 0)
    build_graph(adata, GraphSettings(), 0)
    temporary = output.with_suffix(".part")
    adata.write_h5ad(temporary)
    temporary.rename(output)


def find(
    folder: Path, name: str, method: str, seed: int, k: int, threads: int, checkout: Path = ROOT
) -> Path:
    """Run a method in a separate process unless its clusters exist; returns their path."""
    output = folder / f"{name}-{named(method, checkout).replace(' ', '_')}-{seed}.npz"
    note = output.with_suffix(".json")
    if output.is_file() and note.is_file():
        return output
    program = checkout / "benchmarks" / "methods.py"
    command = [sys.executable, program, folder / f"{name}.h5ad", method]
    command += ["--seed", seed, "--n-clusters", k, "--threads", threads, "--output", output]
    if method in CLUSTERED:
        command += ["--embedding", find(folder, name, "ours", seed, k, threads)]
    variables = dict.fromkeys(
        ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), str(threads)
    )
    environment = os.environ | variables | {"OMP_WAIT_POLICY": "PASSIVE"}
    if checkout != ROOT:
        environment["PYTHONPATH"] = str(checkout / "src")
    with output.with_suffix(".log").open("w") as log:
        child = subprocess.Popen([*map(str, command)], stderr=log, env=environment)
        _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"{method} on {name} failed; see {output.with_suffix('.log')}")
    note.write_text(json.dumps({"peak_mb": round(usage.ru_maxrss / 1024), "threads": threads}))
    return output


def named(method: str, checkout: Path) -> str:
    """The method's name in the rows."""
    if checkout == ROOT:
        return method
    command = ["git", "-C", str(checkout), "rev-parse", "--short=8", "HEAD"]
    commit = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    return f"{method} at {commit}"


def score(labels: pd.Series, clusters: np.ndarray) -> dict[str, str]:
    """All metrics, on the labelled cells."""
    from scsiameseclu.metrics.agreement import agreement

    known = labels.to_numpy() != ""
    truth, found = labels.to_numpy()[known], np.asarray(clusters).astype(str)[known]
    scores = agreement(truth, found).to_dict()
    rare = pd.Series(truth).value_counts().index[-1]
    own = found[truth == rare]
    # recall of the rarest class in the cluster that holds most of it, if it rules that cluster
    best = pd.Series(own).value_counts().index[0]
    rules = pd.Series(truth[found == best]).value_counts().index[0] == rare
    recall = float((own == best).mean()) if rules else 0.0
    return {
        **{name: f"{value:.4f}" for name, value in scores.items()},
        "rarest_recall": f"{recall:.4f}",
        "n_clusters": str(np.unique(found).size),
    }


def rows_of(found: Path, labels: pd.Series, method: str) -> Iterator[dict[str, str]]:
    """Rows for k given, k unknown, and the other levels of the latter, as far as there are any."""
    parts = np.load(found, allow_pickle=True)
    note = json.loads(found.with_suffix(".json").read_text())
    shared = {
        "n_cells": str(labels.size),
        "seconds": f"{float(parts['seconds']):.1f}",
        "peak_mb": str(note["peak_mb"]),
        "threads": str(note["threads"]),
    }
    oracle = [parts[name] for name in parts.files if name.startswith("oracle")]
    if oracle:
        scored = [score(labels, clusters) for clusters in oracle]
        yield {"k": "by labels", **shared, **max(scored, key=lambda row: float(row["ari"]))}
    for name, k in (("given", "given"), ("unknown", "unknown"), *LEVELS.items()):
        if name in parts.files:
            yield {"k": k, **shared, **score(labels, parts[name])}


def main() -> None:
    """Measure what the CSV lacks."""
    from scsiameseclu import __version__

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the h5ad files")
    parser.add_argument(
        "--set",
        nargs=3,
        action="append",
        default=[],
        metavar=("FILE", "LABEL", "K"),
        help="your own data set (h5ad, label column, number of classes) instead of the panel",
    )
    parser.add_argument("--output", type=Path, default=HERE / "results" / "accuracy.csv")
    parser.add_argument("--cache", type=Path, default=HERE / "cache")
    parser.add_argument("--sets", nargs="*", default=list(SETS), help="or 'panel'")
    parser.add_argument("--methods", nargs="*", default=list(FULL), help="or 'variants'")
    parser.add_argument("--checkout", type=Path, default=ROOT, help="run methods of another commit")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1, help="threads per process")
    parser.add_argument("--jobs", type=int, default=2, help="number of parallel processes")
    arguments = parser.parse_args()
    variants = [*VARIANTS, *CLUSTERED, "components", *OPTIONS]
    methods = variants if arguments.methods == ["variants"] else arguments.methods
    known = [*VARIANTS, *CLUSTERED, *METHODS]
    unknown = set(methods) - set(known)
    if unknown:
        raise SystemExit(f"no method {', '.join(unknown)}; there are {', '.join(known)}")
    names = PANEL if arguments.sets == ["panel"] else arguments.sets
    sets = {
        name: (arguments.data / SETS[name][0], SETS[name][1], "cell_type", SETS[name][2])
        for name in names
    }
    if arguments.set:
        sets = {Path(f).stem: (Path(f), None, label, int(k)) for f, label, k in arguments.set}
    arguments.cache.mkdir(parents=True, exist_ok=True)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    checkout = arguments.checkout.resolve()
    done: set[tuple[str, ...]] = set()
    if arguments.output.is_file():
        with arguments.output.open() as table:
            done = {(r["set"], r["method"], r["seed"]) for r in csv.DictReader(table)}
    else:
        arguments.output.write_text(",".join(COLUMNS) + "\n")
    for name, (source, batch, label, _) in sets.items():
        if not (arguments.cache / f"{name}.h5ad").is_file():
            prepare(source, batch, label, arguments.cache / f"{name}.h5ad")
    fixed = {
        "machine": f"{platform.machine()} {os.cpu_count()} cores",
        "date": date.today().isoformat(),
        "version": __version__,
    }
    work = [
        (name, method, seed)
        for seed in range(arguments.seeds)
        for method in methods
        for name in sets
        if (name, named(method, checkout), str(seed)) not in done
    ]

    def task(item: tuple[str, str, int]) -> tuple[tuple[str, str, int], list[dict[str, str]]]:
        name, method, seed = item
        k, threads = sets[name][3], arguments.threads
        path = find(arguments.cache, name, method, seed, k, threads, checkout)
        table = pd.read_csv(
            arguments.cache / f"{name}.labels.csv", index_col=0, keep_default_na=False, dtype=str
        )
        return item, list(rows_of(path, table.iloc[:, 0], method))

    with ThreadPoolExecutor(arguments.jobs) as pool:
        for (name, method, seed), rows in pool.map(task, work):
            own = {"set": name, "method": named(method, checkout), "seed": str(seed)}
            with arguments.output.open("a", newline="") as table:
                csv.DictWriter(table, COLUMNS).writerows([fixed | own | row for row in rows])
            print(
                name,
                method,
                seed,
                [(row["k"], row["ari"], row["n_clusters"]) for row in rows],
                flush=True,
            )


if __name__ == "__main__":
    main()
