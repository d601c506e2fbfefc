"""How many cells umap-learn up to 0.5.11 gives a graph without weights, on the benchmark's sets.

    python benchmarks/graph_weights.py --cache benchmarks/cache

Reads what ``accuracy.py`` prepared. Where the width of a cell's neighbourhood is above 1, these
versions with numba 0.62 or newer give all its neighbours the weight 1
(``findings/umap-learn-0511-weighs-all-neighbours-alike.sh``).
"""

import argparse
import platform
from datetime import date
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from accuracy import PANEL

from scsiameseclu.graph.fuzzy_graph import neighbourhood_widths

RESULTS = Path(__file__).resolve().parent / "results"


def share_above_one(path: Path) -> float:
    """Share of the cells of a prepared set whose width is above 1."""
    with h5py.File(path) as file:
        stored = file["obsp/distances"]
        n_cells = int(stored.attrs["shape"][0])
        distances = stored["data"][:].reshape(n_cells, -1).astype(np.float32)
    return float((neighbourhood_widths(distances) > 1).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--output", type=Path, default=RESULTS / "graph-weights.csv")
    arguments = parser.parse_args()
    rows = pd.DataFrame(
        {
            "set": PANEL,
            "share": [share_above_one(arguments.cache / f"{name}.h5ad") for name in PANEL],
            "machine": platform.machine(),
            "date": date.today().isoformat(),
        }
    )
    rows.to_csv(arguments.output, index=False, float_format="%.3f")
    print(rows.to_string())


if __name__ == "__main__":
    main()
