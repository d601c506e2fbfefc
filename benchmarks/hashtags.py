"""Accuracy of the demultiplexing of made hashtags, beside hashsolo of scanpy.

    python benchmarks/hashtags.py

The counts are those of the tests (``tests/made_capture.py``): hashtags of unequal efficiency in
cells of unequal depth, with 10 % doublets and 5 % cells without a hashtag, in five draws of each
kind. Rows go to ``benchmarks/results/hashtags.csv``.
"""

import contextlib
import csv
import io
import os
import platform
import sys
import warnings
from datetime import date
from importlib.metadata import version
from pathlib import Path

import anndata as ad
import numpy as np

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "tests"))

from made_capture import DOUBLET, NEGATIVE, Hashed, hashed  # noqa: E402

from scsiameseclu.demultiplexing import demultiplex  # noqa: E402

CASES = [
    {"n_hashtags": n_hashtags, "background": background}
    for n_hashtags in (2, 3, 4, 8, 12)
    for background in (0, 15, 60)
]
SEEDS, N_CELLS = 5, 3000


def by_mixture(made: Hashed) -> np.ndarray:
    """This package."""
    return np.asarray(demultiplex(made.counts).hashtag)


def by_hashsolo(made: Hashed) -> np.ndarray:
    """Scanpy, with its defaults; of two hashtags, one has to be named as noise."""
    import scanpy.external as sce

    counts = made.counts.set_axis([str(n) for n in range(len(made.counts))], axis=0)
    adata = ad.AnnData(np.zeros((len(counts), 1)), obs=counts)
    noise = {"number_of_noise_barcodes": 1} if counts.shape[1] == 2 else {}
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        sce.pp.hashsolo(adata, list(counts.columns), **noise)
    return adata.obs["Classification"].astype(str).to_numpy()


METHODS = {"scsiameseclu": by_mixture, "hashsolo": by_hashsolo}


def main() -> None:
    """Measure and write the table."""
    with (HERE / "results" / "hashtags.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["method", "hashtags", "background", "cells", "accuracy", "doublets", "negative",
             "scanpy", "machine", "date"]
        )  # fmt: skip
        for case in CASES:
            drawn = [hashed(N_CELLS, seed=seed, **case) for seed in range(SEEDS)]
            for name, method in METHODS.items():
                right = [method(made) == made.truth for made in drawn]
                truths = np.concatenate([made.truth for made in drawn])
                joined = np.concatenate(right)
                shares = [joined[truths == kind].mean() for kind in (DOUBLET, NEGATIVE)]
                numbers = [f"{value:.3f}" for value in (joined.mean(), *shares)]
                machine = f"{platform.machine()}-{os.cpu_count()}cores"
                row = [name, *case.values(), N_CELLS, *numbers]
                writer.writerow([*row, version("scanpy"), machine, date.today().isoformat()])
                print(*row)


if __name__ == "__main__":
    main()
