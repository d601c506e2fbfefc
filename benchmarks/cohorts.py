"""Cohorts through Snakemake: joint clusters, mixing, and the cost of the joint analysis.

    python benchmarks/cohorts.py --data ../shared/data [--sets NAME …] [--cores 2] [--keep FOLDER]

Each set is a sheet in an empty folder; its rows select the samples of one file by their batch. Sets
named ``made_SAMPLESxCELLS`` are drawn from pbmc_10x_4k by ``resample.py``, so that all samples have
the same types and no batch effect; 5,000 other cells are then mapped onto the finished cohort. Rows
go to ``benchmarks/results/cohorts.csv``: numbers of samples and cells, clusters and ARI of the
joint analysis and the mean ARI of the samples' own, mixing of the samples before and after
alignment, CPU seconds of the samples' stages and of the joint stages, their ratio, the seconds of
the whole run, the largest peak memory of a joint stage, the number of types tested between
conditions, the seconds of the stage that maps, and the share of its cells with a cluster.
"""

import argparse
import csv
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import yaml
from resample import write

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
ROWS = HERE / "results" / "cohorts.csv"
MADE = re.compile(r"made_(\d+)x(\d+)")
N_MAPPED = 5000
SETS = ("baron_mouse", "zilionis_mouse_lung")
COLUMNS = [
    *("set", "status", "samples", "cells", "clusters", "ari", "ari_samples"),
    *("mixing_before", "mixing_after", "samples_cpu_s", "joint_cpu_s", "ratio", "wall_s"),
    *("joint_peak_mb", "types_tested", "mapping_s", "mapped", "cores", "machine", "date"),
]


def sheet_of(name: str, data: Path, folder: Path) -> list[dict[str, str]]:
    """Rows of the sample sheet of a set; files that are made are written to ``folder``."""
    if made := MADE.fullmatch(name):
        rows = []
        for number in range(int(made[1])):
            file = folder / f"input{number}.h5ad"
            write(data / "pbmc_10x_4k.h5ad", int(made[2]), file, seed=number)
            rows.append({"sample": f"s{number}", "path": str(file)})
        return rows
    file = data / f"{name}.h5ad"
    batches = ad.read_h5ad(file, backed="r").obs["batch"].astype(str).unique()
    rows = [
        {"sample": batch, "path": str(file), "subset": f"batch={batch}", "label": "cell_type"}
        for batch in sorted(batches)
    ]
    if name == "zilionis_mouse_lung":
        for row in rows:
            row["condition"] = {"h": "healthy", "t": "tumour"}[row["sample"][0]]
            row["donor"] = row["sample"]
    return rows


def run(
    folder: Path, rows: list[dict[str, str]], cores: int, cohort: dict[str, str] | None = None
) -> tuple[int, float]:
    """Run the workflow as a user would; returns its exit status and seconds."""
    (folder / "config").mkdir()
    with (folder / "config" / "samples.tsv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]), delimiter="\t")
        writer.writeheader()
        writer.writerows(rows)
    config = {"samples": "config/samples.tsv", "container": None, "cohort": cohort or {}}
    (folder / "config" / "config.yaml").write_text(yaml.safe_dump(config))
    begun = time.monotonic()
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile"]
    with (folder / "log").open("w") as log:
        done = subprocess.run(
            [*command, "--directory", folder, "--cores", str(cores), "--keep-going"],
            stdout=log,
            stderr=subprocess.STDOUT,
            env=os.environ | {"SCSIAMESECLU_WARM": "off"},  # peak memory with the libraries
        )
    return done.returncode, time.monotonic() - begun


def usage(folder: Path) -> list[dict[str, Any]]:
    """Time and memory of the stages of a sample or cohort."""
    return [json.loads(path.read_text()) for path in (folder / "stages" / "usage").glob("*.json")]


def ari(folder: Path) -> float:
    """ARI of the clusters with the labels; NaN without labels."""
    labels = json.loads((folder / "stages" / "metrics.json").read_text())["labels"]
    return float(labels["siamese"]["ari"]) if labels else float("nan")


def mapping(cohort: Path, data: Path, folder: Path, cores: int) -> dict[str, float]:
    """Seconds of the stage that maps new cells onto a cohort, and the share that got a cluster."""
    other = folder / "mapping"
    other.mkdir()
    file = other / "input.h5ad"
    write(data / "pbmc_10x_4k.h5ad", N_MAPPED, file, seed=12345)
    run(other, [{"sample": "new", "path": str(file)}], cores, {"model": str(cohort)})
    sample = other / "results" / "samples" / "new"
    (stage,) = (stage for stage in usage(sample) if stage["stage"] == "map")
    clusters = ad.read_h5ad(sample / "new.h5ad", backed="r").obs["cohort_cluster"].astype(str)
    return {"mapping_s": stage["seconds"], "mapped": float((clusters != "Unknown").mean())}


def measured(name: str, data: Path, folder: Path, cores: int) -> dict[str, Any]:
    """The row of a set."""
    rows = sheet_of(name, data, folder)
    status, wall = run(folder, rows, cores)
    print((folder / "log").read_text()[-1500:], file=sys.stderr)
    samples = [folder / "results" / "samples" / row["sample"] for row in rows]
    cohort = folder / "results" / "cohorts" / "all"
    with (folder / "results" / "cohorts.tsv").open(newline="") as table:
        (entry,) = csv.DictReader(table, delimiter="\t")
    row = {"set": name, "status": f"{entry['status']} ({status})", "samples": len(rows)}
    row |= {"wall_s": wall, "cores": cores, "machine": platform.machine()}
    if entry["status"] == "FAIL":
        return row | {"status": f"FAIL: {entry['stage']}: {entry['reason'][:150]}"}
    metrics = json.loads((cohort / "stages" / "metrics.json").read_text())
    own = [sum(stage["cpu_seconds"] for stage in usage(sample)) for sample in samples]
    joint = usage(cohort)
    joint_s = sum(stage["cpu_seconds"] for stage in joint)
    row |= {
        "cells": json.loads((cohort / "stages" / "size.json").read_text())["cells"],
        "clusters": metrics["n_clusters"],
        "ari": ari(cohort),
        "ari_samples": float(np.mean([ari(sample) for sample in samples])),
        "mixing_before": metrics["mixing"]["before"]["overall"],
        "mixing_after": metrics["mixing"]["after"]["overall"],
        "samples_cpu_s": sum(own),
        "joint_cpu_s": joint_s,
        "ratio": joint_s / sum(own),
        "joint_peak_mb": max(stage["peak_mb"] for stage in joint),
    }
    if (table := cohort / "differential_expression.tsv.gz").exists():
        import pandas as pd

        tested = pd.read_csv(table, sep="\t")
        row["types_tested"] = tested.iloc[:, 0].nunique()
    if MADE.fullmatch(name):
        row |= mapping(cohort, data, folder, cores)
    return row


def main() -> None:
    """Measure every set, and add its row to the file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="empty folder for the runs, which is kept")
    parser.add_argument("--output", type=Path, default=ROWS)
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    for name in options.sets:
        with tempfile.TemporaryDirectory() as temporary:
            folder = (options.keep or Path(temporary)) / name
            folder.mkdir(parents=True)
            row = measured(name, options.data.resolve(), folder, options.cores)
        row["date"] = date.today().isoformat()
        print(row, flush=True)
        new = not options.output.exists()
        with options.output.open("a", newline="") as stream:
            writer = csv.DictWriter(stream, COLUMNS)
            if new:
                writer.writeheader()
            rounded = {k: f"{v:.4g}" if isinstance(v, float) else v for k, v in row.items()}
            writer.writerow(rounded)


if __name__ == "__main__":
    main()
