"""How much memory and time a stage needs, from the size of its input.

The model is linear in the cells, the stored values and the entries of the matrix. Its coefficients,
in ``resources.json``, are fitted to the speed benchmark by ``benchmarks/fit_resources.py``, so that
no prediction lies below what was measured. Nothing but the standard library is needed: Snakemake
asks on hosts where nothing else is installed.
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from scsiameseclu.limits import MAX_EXACT_CELLS, MAX_SCORED_CELLS

MIN_MB, MIN_MINUTES = 1000, 10
SAMPLED_CELLS = 20_000
SLOWER_NODES = 2
"""How much slower than the machine of the benchmark a node may be before its time runs out; two
machines of one kind, by name and cores, differed by as much."""
SNAKEMAKE_MB = 200
"""What Snakemake itself takes inside a cluster's job, beside the stage."""
SHALLOW, MANY_GENES = 500, 20_000
"""Values of a cell and genes, where only the stored values of a file are known."""
COEFFICIENTS = Path(__file__).with_name("resources.json")


@dataclass(frozen=True)
class Size:
    """The size of a sample's counts: cells, genes, and values that are stored."""

    cells: int
    genes: int
    nonzeros: int

    @property
    def features(self) -> dict[str, float]:
        """What the model is linear in: thousands of cells, millions of values and of entries.

        ``sampled`` are thousands of cells up to 20,000, of which what is fitted to a sample of the
        cells takes no more, ``scored`` the values of as many cells as are scored for doublets at
        once. ``descent`` is 1 where neighbours are no longer sought exactly, which takes time to
        compile.
        """
        scored = min(1.0, MAX_SCORED_CELLS / self.cells) if self.cells else 0.0
        return {
            "base": 1.0,
            "cells": self.cells / 1e3,
            "sampled": min(self.cells, SAMPLED_CELLS) / 1e3,
            "nonzeros": self.nonzeros / 1e6,
            "scored": self.nonzeros / 1e6 * scored,
            "entries": self.cells * self.genes / 1e6,
            "descent": float(self.cells > MAX_EXACT_CELLS),
        }

    def to_dict(self) -> dict[str, int]:
        """Plain values, as the stage ingest writes them."""
        return asdict(self)

    @classmethod
    def read(cls, path: Path) -> Size:
        """From the file that the stage ingest wrote."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    @classmethod
    def of_files(cls, files: Iterable[Path]) -> Size:
        """An upper bound for a user's files, from their headers or else from their bytes.

        Only the stored values are known; they are what reading a file is paid by.
        """
        return cls(0, 0, sum(_stored_values(file) for file in files))

    def guessed(self) -> Size:
        """The same with cells and genes as in a shallow sample with as many stored values."""
        return Size(self.nonzeros // SHALLOW, MANY_GENES, self.nonzeros)


@dataclass(frozen=True)
class Request:
    """Memory in MB and time in minutes to ask a cluster for."""

    mem_mb: int
    minutes: int


def predicted(stage: str, size: Size) -> tuple[float, float]:
    """Peak memory in MB and seconds on two cores that a stage is expected to take at most."""
    model = coefficients()[stage]
    memory, seconds = (_sum(model[kind], size.features) for kind in ("mb", "seconds"))
    return memory, seconds


def request(stage: str, size: Size, attempt: int = 1) -> Request:
    """What to ask for: the memory predicted and twice the time, doubled again at each retry.

    At least 1,000 MB and 10 minutes.
    """
    memory, seconds = predicted(stage, size)
    times = 2 ** (attempt - 1)
    return Request(
        math.ceil(max(MIN_MB, memory + SNAKEMAKE_MB)) * times,
        math.ceil(max(MIN_MINUTES, SLOWER_NODES * seconds / 60)) * times,
    )


@cache
def coefficients() -> dict[str, Any]:
    """The fitted model: for each stage ``mb`` and ``seconds``, a coefficient for each feature."""
    return dict(json.loads(COEFFICIENTS.read_text(encoding="utf-8"))["stages"])


def _sum(terms: Mapping[str, float], features: Mapping[str, float]) -> float:
    return sum(value * features[name] for name, value in terms.items())


def _stored_values(file: Path) -> int:
    """Values stored in a file of counts, or a bound for them."""
    if not file.is_file():
        return 0
    n_bytes = file.stat().st_size
    if ".mtx" in file.suffixes:
        return _of_mtx(file) or n_bytes
    if file.suffix in {".h5", ".h5ad", ".hdf5", ".loom"}:
        return _of_hdf5(file) or n_bytes
    # one digit and one separator for each value; compressed, zeros take next to nothing
    return n_bytes if file.suffix in {".gz", ".zip", ".bz2", ".xz"} else n_bytes // 2


def _of_mtx(file: Path) -> int:
    """The third number of a Matrix Market header; 0 where there is none."""
    reader = gzip.open if file.suffix == ".gz" else open
    try:
        with reader(file, "rt") as lines:
            for line in lines:
                if not line.startswith("%"):
                    return int(line.split()[2])
    except (OSError, EOFError, ValueError, IndexError):
        pass
    return 0


def _of_hdf5(file: Path) -> int:
    """Values of the largest numeric dataset; 0 where it cannot be told."""
    try:
        import h5py
    except ImportError:
        return 0
    sizes = [0]

    def look(name: str, node: Any) -> None:
        if isinstance(node, h5py.Dataset) and node.dtype.kind in "iuf":
            sizes.append(int(node.size or 0))  # None for a null element

    try:
        with h5py.File(file, "r") as content:
            content.visititems(look)
    except (OSError, RuntimeError):
        return 0
    return max(sizes)
