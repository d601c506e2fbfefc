"""Prediction of the memory and time of a stage from the size of its input.

The model is linear in the numbers of cells, of stored values and of entries of the matrix. Its
coefficients in ``resources.json`` are fitted to the speed benchmark by
``benchmarks/fit_resources.py``, such that no prediction is below a measurement. Only the standard
library is required, since Snakemake may run on hosts without other dependencies.
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
from scsiameseclu.stages.declared import declared_values

MIN_MB, MIN_MINUTES = 1000, 10
CALLING_BASE_MB, CALLING_MB = 200, 6
"""Memory of the calling of cells: a constant, and per million values of the raw matrix; see
``benchmarks/droplets.py``."""
MAX_SAMPLED_CELLS = 20_000
"""Number of cells above which models are fitted to a subsample."""
TIME_FACTOR = 2
"""How much slower than the benchmark's machine a node may be; two machines with the same model name
and number of cores differed by this factor."""
SNAKEMAKE_MB = 200
"""Memory of Snakemake itself inside a cluster job."""
SHALLOW_VALUES, TYPICAL_GENES = 500, 20_000
"""Assumed values per cell and number of genes if only the number of stored values is known."""
MAX_VALUES_PER_BYTE = 1000
"""Upper bound for the number of values per byte of a compressed file."""
MAX_HEADER_LINES, MAX_HEADER_LINE = 1000, 10_000
"""Number and length of the lines of a MatrixMarket file in which its header is sought."""
COEFFICIENTS = Path(__file__).with_name("resources.json")


@dataclass(frozen=True)
class Size:
    """Size of the counts of a sample: numbers of cells, genes and stored values."""

    cells: int
    genes: int
    nonzeros: int

    @property
    def features(self) -> dict[str, float]:
        """Features of the linear model: thousands of cells, millions of values and entries.

        ``sampled`` is the number of cells up to 20,000, the maximum for steps that use a subsample;
        ``scored`` is the number of values in cells whose doublets are scored together; ``descent``
        is 1 if neighbours are found by nearest-neighbour descent, which has to be compiled.
        """
        scored = min(1.0, MAX_SCORED_CELLS / self.cells) if self.cells else 0.0
        return {
            "base": 1.0,
            "cells": self.cells / 1e3,
            "sampled": min(self.cells, MAX_SAMPLED_CELLS) / 1e3,
            "nonzeros": self.nonzeros / 1e6,
            "scored": self.nonzeros / 1e6 * scored,
            "entries": self.cells * self.genes / 1e6,
            "descent": float(self.cells > MAX_EXACT_CELLS),
        }

    def to_dict(self) -> dict[str, int]:
        """Convert to plain values, as written by the stage ingest."""
        return asdict(self)

    @classmethod
    def read(cls, path: Path) -> Size:
        """Read the file written by the stage ingest."""
        return cls(**json.loads(path.read_text(encoding="utf-8")))

    @classmethod
    def of_files(cls, files: Iterable[Path]) -> Size:
        """Upper bound for input files, from their headers or their sizes on disk.

        Only the number of stored values is estimated, which determines the cost of reading.
        """
        return cls(0, 0, sum(_stored_values(file) for file in files))

    def with_typical_shape(self) -> Size:
        """Fill in the numbers of cells and genes of a shallow sample with as many stored values."""
        return Size(self.nonzeros // SHALLOW_VALUES, TYPICAL_GENES, self.nonzeros)


@dataclass(frozen=True)
class Request:
    """Memory in MB and time in minutes to request from a cluster."""

    mem_mb: int
    minutes: int


def predicted(stage: str, size: Size) -> tuple[float, float]:
    """Upper estimate of peak memory in MB and of seconds on two cores."""
    model = coefficients()[stage]
    memory, seconds = (_sum(model[kind], size.features) for kind in ("mb", "seconds"))
    return memory, seconds


def request(stage: str, size: Size, attempt: int = 1) -> Request:
    """Resources to request: predicted memory and twice the predicted time, doubled at each retry.

    The minimum is 1,000 MB and 10 minutes.
    """
    memory, seconds = predicted(stage, size)
    factor = 2 ** (attempt - 1)
    return Request(
        math.ceil(max(MIN_MB, memory + SNAKEMAKE_MB)) * factor,
        math.ceil(max(MIN_MINUTES, TIME_FACTOR * seconds / 60)) * factor,
    )


def calling_mb(size: Size) -> int:
    """Memory in MB that the calling of cells among droplets needs beyond that of reading."""
    return math.ceil(CALLING_BASE_MB + CALLING_MB * size.nonzeros / 1e6)


@cache
def coefficients() -> dict[str, Any]:
    """Coefficients of the features for ``mb`` and ``seconds``, by stage."""
    return dict(json.loads(COEFFICIENTS.read_text(encoding="utf-8"))["stages"])


def _sum(terms: Mapping[str, float], features: Mapping[str, float]) -> float:
    return sum(value * features[name] for name, value in terms.items())


def _stored_values(file: Path) -> int:
    """Number of values stored in a count file, or an upper bound."""
    try:
        if not file.is_file():
            return 0
        n_bytes = file.stat().st_size
    except OSError:  # no permission; the stage that reads it reports it
        return 0
    most = n_bytes * MAX_VALUES_PER_BYTE  # a damaged header may declare any number
    if ".mtx" in file.suffixes:
        return min(_of_mtx(file), most) or n_bytes
    if file.suffix in {".h5", ".h5ad", ".hdf5", ".loom"}:
        return min(declared_values([file])[0], most) or n_bytes
    # uncompressed text has at least one digit and one separator per value
    return n_bytes if file.suffix in {".gz", ".zip", ".bz2", ".xz"} else n_bytes // 2


def _of_mtx(file: Path) -> int:
    """The number of entries in a MatrixMarket header; 0 if it cannot be read."""
    reader = gzip.open if file.suffix == ".gz" else open
    try:
        with reader(file, "rt") as lines:
            for _ in range(MAX_HEADER_LINES):
                line = lines.readline(MAX_HEADER_LINE)
                if not line.startswith("%"):
                    return int(line.split()[2])
    except Exception:  # whatever the file contains, ingest reports it
        pass
    return 0
