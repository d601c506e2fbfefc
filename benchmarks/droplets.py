"""Time, memory and accuracy of the calling of cells among the droplets of a large raw matrix.

    python benchmarks/droplets.py [--barcodes 700000] [--genes 30000]

Makes a 10x HDF5 file with known cells: five types of large cells, a rare type of small ones, and
empty droplets with 1 to 200 counts of their mixture. The stage ingest reads the file and calls
the cells in a process of its own. Rows go to
``benchmarks/results/droplets-<machine>-<date>.csv``.
"""

import argparse
import csv
import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

import anndata as ad
import h5py
import numpy as np

HERE = Path(__file__).resolve().parent
SCRIPT = HERE.parent / "scripts" / "ingest.py"
N_TYPES, N_LARGE, N_SMALL, MAX_EMPTY = 5, 4500, 500, 200
BLOCK = 20_000
LARGE = [f"large {number}" for number in range(N_TYPES)]
KINDS = [*LARGE, "small", "empty"]


def profiles(n_genes: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Proportions of the genes in cells and, mixed from them, in empty droplets."""
    base = rng.lognormal(0, 2, n_genes)
    parts = {kind: base * rng.lognormal(0, 1.2, n_genes) for kind in KINDS[:-1]}
    parts = {kind: weights / weights.sum() for kind, weights in parts.items()}
    mixed = 0.95 * np.mean([parts[kind] for kind in LARGE], axis=0) + 0.05 * parts["small"]
    return parts | {"empty": mixed}


def rows(
    totals: np.ndarray, proportions: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Multinomial droplets: number of genes in each, and gene and count of each value."""
    n_genes = proportions.size
    drawn = rng.choice(n_genes, totals.sum(), p=proportions)
    keys, counts = np.unique(
        np.repeat(np.arange(totals.size), totals) * n_genes + drawn, return_counts=True
    )
    lengths = np.bincount(keys // n_genes, minlength=totals.size)
    return lengths, keys % n_genes, counts


def make(path: Path, n_barcodes: int, n_genes: int, seed: int = 0) -> np.ndarray:
    """Write the file as Cell Ranger does, and return the kind of each barcode."""
    rng = np.random.default_rng(seed)
    sizes = [N_LARGE // N_TYPES] * N_TYPES + [N_SMALL, n_barcodes - N_LARGE - N_SMALL]
    kinds = np.repeat(KINDS, sizes)
    totals = np.concatenate(
        [
            rng.lognormal(np.log(5000), 0.4, N_LARGE).astype(np.int64),
            rng.integers(300, 1200, N_SMALL),
            rng.integers(1, MAX_EMPTY + 1, n_barcodes - N_LARGE - N_SMALL),
        ]
    )
    order = rng.permutation(n_barcodes)
    kinds, totals = kinds[order], totals[order]
    shares = profiles(n_genes, rng)
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix")
        stored = {
            name: group.create_dataset(
                name, (0,), kind, maxshape=(None,), chunks=(1 << 18,), compression="gzip"
            )
            for name, kind in (("data", "int32"), ("indices", "int64"))
        }
        lengths = np.zeros(n_barcodes, dtype=np.int64)
        for start in range(0, n_barcodes, BLOCK):
            block = np.arange(start, min(start + BLOCK, n_barcodes))
            parts = {}
            for kind in KINDS:
                members = block[kinds[block] == kind]
                found, genes, counts = rows(totals[members], shares[kind], rng)
                lengths[members] = found
                ends = np.cumsum(found)
                for member, end, size in zip(members, ends, found, strict=True):
                    parts[member] = genes[end - size : end], counts[end - size : end]
            for place, name in enumerate(("indices", "data")):
                values = np.concatenate([parts[member][place] for member in block])
                stored[name].resize(stored[name].size + values.size, axis=0)
                stored[name][-values.size :] = values
        group["indptr"] = np.append(0, np.cumsum(lengths))
        group["shape"] = np.array([n_genes, n_barcodes], dtype="int32")
        group["barcodes"] = np.array([f"B{number:016d}-1" for number in range(n_barcodes)], "S")
        group["features/id"] = np.array([f"ENSG{number:011d}" for number in range(n_genes)], "S")
        group["features/name"] = np.array([f"SYM{number}" for number in range(n_genes)], "S")
        group["features/feature_type"] = np.full(n_genes, b"Gene Expression")
        group["features/genome"] = np.full(n_genes, b"GRCh38")
    return kinds


def measure(n_barcodes: int, n_genes: int, work: Path) -> dict[str, object]:
    """Row of one file."""
    source, folder = work / "raw_feature_bc_matrix.h5", work / "made"
    kinds = make(source, n_barcodes, n_genes)
    with h5py.File(source, "r") as file:
        n_values = file["matrix/data"].size
    options = {"source": str(source), "droplets": {"cells": "call"}}
    (work / "settings.json").write_text(json.dumps(options))
    words = ["--folder", folder, "--settings", work / "settings.json", "--threads", 1]
    subprocess.run([sys.executable, SCRIPT, *map(str, words)], check=True)
    usage = json.loads((folder / "stages/usage/ingest.json").read_text())
    counts = ad.read_h5ad(folder / "stages/counts.h5ad", backed="r")
    droplets = counts.uns["droplets"]
    called = np.zeros(n_barcodes, dtype=bool)
    called[counts.obs_names.str[1:17].astype(int)] = True
    return {
        "barcodes": n_barcodes,
        "genes": n_genes,
        "million_values": round(n_values / 1e6, 1),
        "seconds": usage["seconds"],
        "peak_mb": usage["peak_mb"],
        "tested": int(droplets["n_tested"]),
        "simulations": int(droplets["n_simulations"]),
        "knee": round(float(droplets["knee"])),
        "called": int(called.sum()),
        "recall_large": round(float(called[np.isin(kinds, LARGE)].mean()), 4),
        "recall_small": round(float(called[kinds == "small"].mean()), 4),
        "false_share": round(float((kinds[called] == "empty").mean()), 5),
        "threads": 1,
        "machine": f"{platform.machine()}-{os.cpu_count()}cores",
        "date": date.today().isoformat(),
    }


def main() -> None:
    """Measure and write the table."""
    machine = f"{platform.machine()}-{os.cpu_count()}cores"
    name = f"droplets-{machine}-{date.today().isoformat()}.csv"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--barcodes", type=int, nargs="+", default=[100_000, 700_000])
    parser.add_argument("--genes", type=int, default=30_000)
    parser.add_argument("--output", type=Path, default=HERE / "results" / name)
    arguments = parser.parse_args()
    with arguments.output.open("w", newline="") as file:
        writer = None
        for n_barcodes in arguments.barcodes:
            with tempfile.TemporaryDirectory() as work:
                row = measure(n_barcodes, arguments.genes, Path(work))
            if writer is None:
                writer = csv.DictWriter(file, list(row))
                writer.writeheader()
            writer.writerow(row)
            print(row)


if __name__ == "__main__":
    main()
