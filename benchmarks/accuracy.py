"""Accuracy, time and memory of the default model on labelled data sets, stage by stage.

Every stage runs as its own process, as in the workflow; only the last one sees the labels. Rows go
to a CSV as they are measured; a row that is there is not measured again.

    python benchmarks/accuracy.py --data ../shared/data --output benchmarks/results/accuracy.csv
"""

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parent.parent / "scripts"
# name: file, subset of its cells, published number of classes
SETS = {
    "mouse1": ("baron_mouse.h5ad", "batch=mouse1", 13),
    "mouse2": ("baron_mouse.h5ad", "batch=mouse2", 13),
    "worm_neuron": ("worm_neuron.h5ad", None, 10),
    "pbmc3k": ("pbmc3k.h5ad", None, 9),
    "zheng_sorted_ref": ("zheng_sorted_ref.h5ad", None, 9),
    "mouse_bladder_2100": ("mouse_bladder_2100.h5ad", None, 16),
    "cite_cbmc": ("cite_cbmc.h5ad", None, 15),
}
# published labels cover every cell, so the comparison keeps every cell
KEEP_ALL = [f"--mad-{what}=1000" for what in ("counts", "genes", "top20", "mito")] + [
    "--floor-pct-mito=100",
    "--doublets=off",
]
MEASURES = ("acc", "nmi", "ari", "macro_f1")
COLUMNS = [
    *("set", "n_clusters_given", "options", "seed", "method", "n_cells", "n_clusters"),
    *MEASURES,
    *("train_seconds", "train_peak_mb", "threads", "machine", "date", "version"),
]


def stage(name: str, *arguments: object) -> tuple[float, float]:
    """Run one stage's program; its wall time in seconds and its peak memory in MB."""
    command = [sys.executable, str(SCRIPTS / f"{name}.py"), *map(str, arguments)]
    started = time.monotonic()
    child = subprocess.Popen(command, stderr=subprocess.PIPE)
    assert child.stderr is not None
    message = child.stderr.read().decode()
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"stage {name} failed:\n{message}")
    return time.monotonic() - started, usage.ru_maxrss / 1024


def prepare(folder: Path, source: Path, subset: str | None) -> None:
    """The stages before training; they do not depend on the seed of the model."""
    reading = ["--subset", subset] if subset else []
    stage("ingest", "--input", source, "--output", folder / "counts.h5ad", *reading)
    stage(
        *("quality", "--counts", folder / "counts.h5ad", "--output", folder / "filtered.h5ad"),
        *("--table", folder / "quality.tsv", *KEEP_ALL),
    )
    stage(
        *("expression", "--counts", folder / "counts.h5ad"),
        *("--filtered", folder / "filtered.h5ad", "--output", folder / "expression.h5ad"),
    )
    stage("graph", "--expression", folder / "expression.h5ad", "--output", folder / "graph.h5ad")


def measure(
    folder: Path, n_clusters: int | None, seed: int, threads: int, options: list[str]
) -> list[dict[str, object]]:
    """Train, cluster and evaluate once; one row for ours and one for Leiden on the same graph."""
    shared = ["--expression", folder / "expression.h5ad", "--graph", folder / "graph.h5ad"]
    common = ["--seed", seed, "--threads", threads]
    changed = [f"--{option.replace('_', '-')}" for option in options]
    given = ["--n-clusters", n_clusters] if n_clusters else []
    embedding, clusters = folder / "embedding.h5ad", folder / "clusters.h5ad"
    model = ["--model", folder / "model", "--embedding", embedding]
    seconds, memory = stage(
        *("train", *shared, *model, "--history", folder / "training.tsv"), *common, *given, *changed
    )
    stage("cluster", *shared[2:], *model, "--output", clusters, *common)
    stage(
        *("evaluate", "--counts", folder / "counts.h5ad", *shared, "--embedding", embedding),
        *("--clusters", clusters, "--output", folder / "metrics.json", "--label", "cell_type"),
    )
    metrics = json.loads((folder / "metrics.json").read_text())
    rows: list[dict[str, object]] = []
    for method in ("siamese", "leiden"):
        row = {name: f"{metrics['labels'][method][name]:.4f}" for name in MEASURES}
        rows.append({"method": method, "n_cells": metrics["n_cells"], **row})
    rows[0] |= {"n_clusters": metrics["n_clusters"], "train_seconds": f"{seconds:.1f}"}
    rows[0] |= {"train_peak_mb": f"{memory:.0f}"}
    return rows


def main() -> None:
    """Measure what is not yet in the CSV."""
    from scsiameseclu import __version__

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the h5ad files")
    parser.add_argument("--output", type=Path, required=True, help="CSV to add rows to")
    parser.add_argument("--sets", nargs="*", default=list(SETS), choices=list(SETS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--k-unknown", action="store_true", help="let the model choose k")
    parser.add_argument(
        "--options", nargs="*", default=[], help="training settings to change: likelihood=nb …"
    )
    arguments = parser.parse_args()
    done: set[tuple[str, ...]] = set()
    if arguments.output.is_file():
        with arguments.output.open() as table:
            key = ("set", "n_clusters_given", "options", "seed")
            done = {tuple(row[name] for name in key) for row in csv.DictReader(table)}
    else:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        arguments.output.write_text(",".join(COLUMNS) + "\n")
    options = " ".join(arguments.options)
    machine = f"{platform.machine()} {os.cpu_count()} cores"
    for name in arguments.sets:
        source, subset, classes = SETS[name]
        given = not arguments.k_unknown
        wished = range(arguments.seeds)
        seeds = [s for s in wished if (name, str(given), options, str(s)) not in done]
        if not seeds:
            continue
        with tempfile.TemporaryDirectory() as scratch:
            prepare(Path(scratch), arguments.data / source, subset)
            for seed in seeds:
                wanted = classes if given else None
                rows = measure(Path(scratch), wanted, seed, arguments.threads, arguments.options)
                fixed = {"set": name, "n_clusters_given": given, "options": options}
                fixed |= {"seed": seed}
                fixed |= {"threads": arguments.threads, "machine": machine}
                fixed |= {"date": date.today().isoformat(), "version": __version__}
                with arguments.output.open("a", newline="") as table:
                    csv.DictWriter(table, COLUMNS).writerows([fixed | row for row in rows])
                print(name, f"seed {seed}", rows[0], flush=True)


if __name__ == "__main__":
    main()
