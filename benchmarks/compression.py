"""Size and speed of sparse counts and of log-normalised values in HDF5, by compression.

    python benchmarks/compression.py --data ../shared/data/pbmc_10x_4k.h5ad

Needs ``pip install hdf5plugin`` for zstd and bitshuffle, which a reader must have too; gzip, lzf
and the shuffle filter are part of h5py, and gzip and shuffle of HDF5 itself. Values and column
indices are written as anndata writes them, or as the pipeline does ("gzip 1, ISA-L"): chunks are
compressed by ISA-L, and the bytes of indices and counts are shuffled. Each is written and read five
times in turns; the fastest CPU seconds of all threads go to ``benchmarks/results/compression.csv``.
"""

import argparse
import csv
import os
import platform
import tempfile
import time
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import anndata as ad
import h5py
import hdf5plugin
import numpy as np
import scipy.sparse as sp

from scsiameseclu.store.sparse import read_sparse, write_sparse

RESULTS = Path(__file__).resolve().parent / "results"
TURNS = 5
WAYS: dict[str, Mapping[str, Any] | None] = {
    "none": {},
    "gzip 1": {"compression": "gzip", "compression_opts": 1},
    "gzip 1, shuffle": {"compression": "gzip", "compression_opts": 1, "shuffle": True},
    "gzip 1, ISA-L": None,
    "gzip 4": {"compression": "gzip", "compression_opts": 4},
    "lzf": {"compression": "lzf"},
    "lzf, shuffle": {"compression": "lzf", "shuffle": True},
    "zstd 1": hdf5plugin.Zstd(clevel=1),
    "zstd 1, shuffle": {**hdf5plugin.Zstd(clevel=1), "shuffle": True},
    "bitshuffle, zstd 1": hdf5plugin.Bitshuffle(cname="zstd", clevel=1),
}


def cpu_seconds(work: Callable[[], None]) -> float:
    """CPU seconds of a call."""
    begun = time.process_time()
    work()
    return time.process_time() - begun


def written(path: Path, matrix: sp.csr_matrix, options: Mapping[str, Any] | None) -> None:
    """Write values and indices, with options of h5py or as the pipeline does."""
    with h5py.File(path, "w") as file:
        if options is None:
            write_sparse(file, "matrix", [matrix], n_stored=matrix.nnz)
            return
        file.create_dataset("data", data=matrix.data, **options)
        file.create_dataset("indices", data=matrix.indices, **options)


def read(path: Path) -> None:
    """Read them."""
    with h5py.File(path) as file:
        if "matrix" in file:
            read_sparse(file["matrix"])
            return
        assert file["data"][:].size == file["indices"][:].size


def main() -> None:
    """Measure, and write the rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="an h5ad file with sparse counts")
    parser.add_argument("--output", type=Path, default=RESULTS / "compression.csv")
    arguments = parser.parse_args()
    counts = sp.csr_matrix(ad.read_h5ad(arguments.data).X).astype(np.float32)
    totals = np.asarray(counts.sum(axis=1)).ravel()
    logs = sp.csr_matrix(sp.diags(1e4 / totals) @ counts).log1p().astype(np.float32)
    machine = f"{platform.machine()}-{os.cpu_count()}cores"
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.h5"
        for name, matrix in {"counts": counts, "log-normalised": logs}.items():
            seconds = {way: ([np.inf], [np.inf]) for way in WAYS}
            sizes = {}
            for _ in range(TURNS):
                for way, options in WAYS.items():
                    seconds[way][0].append(
                        cpu_seconds(lambda m=matrix, o=options: written(path, m, o))
                    )
                    sizes[way] = path.stat().st_size
                    seconds[way][1].append(cpu_seconds(lambda: read(path)))
            for way, (writing, reading) in seconds.items():
                rows.append({
                    "set": arguments.data.stem, "matrix": name, "stored": matrix.nnz,
                    "compression": way, "mb": f"{sizes[way] / 1e6:.1f}",
                    "write_s": f"{min(writing):.3f}", "read_s": f"{min(reading):.3f}",
                    "machine": machine, "date": date.today().isoformat(),
                })  # fmt: skip
                print(rows[-1], flush=True)
    with arguments.output.open("w", newline="") as table:
        writer = csv.DictWriter(table, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main()
