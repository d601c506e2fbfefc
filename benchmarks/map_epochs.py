"""Trustworthiness and time of the map, by the number of UMAP's epochs.

    python benchmarks/map_epochs.py --data ../shared/data

Maps of the principal components of at most 6,000 cells per set: the epochs that the package uses,
and others. Writes ``benchmarks/results/map-epochs.csv``: trustworthiness of 15 neighbours (Venna
and Kaski 2001, in scikit-learn), and CPU seconds.
"""

from __future__ import annotations

import argparse
import csv
import platform
import time
from datetime import date
from pathlib import Path

import numpy as np
from sklearn.manifold import trustworthiness

from scsiameseclu.io.readers import read_counts
from scsiameseclu.preprocess import layout
from scsiameseclu.preprocess.expression import (
    choose_variable_genes,
    log_normalise,
    principal_components,
)
from scsiameseclu.settings import ExpressionSettings

RESULTS = Path(__file__).resolve().parent / "results"
SETS = (
    *("pbmc3k", "baron_mouse", "joost_epidermis", "worm_neuron", "cite_cbmc"),
    "human_kidney_young",
)
EPOCHS = (100, 200, 300, 500)
MAX_CELLS, N_NEIGHBORS = 6_000, 15


def components(path: Path) -> np.ndarray:
    """Principal components of the first cells of a set, (n_cells, n_components)."""
    adata = read_counts(path)
    adata.X, _ = log_normalise(adata.X)
    settings = ExpressionSettings()
    choose_variable_genes(adata, settings)
    principal_components(adata, settings, seed=0)
    return adata.obsm["X_pca"][:MAX_CELLS]


def main() -> None:
    """Measure and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of the sets")
    parser.add_argument("--output", type=Path, default=RESULTS / "map-epochs.csv")
    arguments = parser.parse_args()
    with arguments.output.open("w", newline="") as table:
        writer = csv.writer(table)
        columns = ["set", "cells", "epochs", "trustworthiness", "cpu_s", "machine", "date"]
        writer.writerow(columns)
        for name in SETS:
            points = components(arguments.data / f"{name}.h5ad")
            for layout.N_EPOCHS in EPOCHS:
                begun = time.process_time()
                places = layout.map_cells(points, seed=0)
                taken = time.process_time() - begun
                trust = trustworthiness(points, places, n_neighbors=N_NEIGHBORS)
                row = [name, len(points), layout.N_EPOCHS, f"{trust:.4f}", f"{taken:.1f}"]
                writer.writerow([*row, platform.machine(), date.today().isoformat()])
                print(*row, flush=True)


if __name__ == "__main__":
    main()
