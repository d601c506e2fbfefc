"""Fit the model of memory and time that the rules ask Slurm with to rows of speed.py.

    python benchmarks/fit_resources.py benchmarks/results/speed-x86_64-2cores-2026-11-28*.csv

For each stage the linear model is sought that is never below what was measured, with a margin, and
whose largest ratio to it is smallest: a linear programme. Writes ``resources.json`` of the package,
and a table of ratios beside the CSV.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import linprog
from speed import USUAL

from scsiameseclu.resources import COEFFICIENTS, Size

MARGIN = 1.15  # of one run over another
FEATURES = {
    "ingest": ("base", "nonzeros"),  # of a user's file no more is known
    "markers": ("base", "nonzeros", "entries"),  # ranks are of dense blocks
}
FEATURES |= dict.fromkeys(("graph", "layout"), ("base", "cells", "descent"))
# They hold the counts. All samples of the benchmark have as many stored values a cell, so the rows
# alone cannot tell cells from values; real samples have several times as many.
FEATURES |= dict.fromkeys(
    ("quality", "expression", "annotate", "assemble"), ("base", "sampled", "nonzeros")
)
OTHERS = ("base", "cells", "sampled", "nonzeros")
KINDS = {"mb": "peak_mb", "seconds": "wall_s"}


def fit(features: np.ndarray, measured: np.ndarray) -> tuple[np.ndarray, float]:
    """Coefficients >= 0 with ``measured * MARGIN <= prediction <= ratio * measured``, least ratio.

    Parameters
    ----------
    features
        (n_rows, n_features).
    measured
        (n_rows,), above 0.
    """
    n_rows, n_features = features.shape
    goal = np.r_[np.zeros(n_features), 1.0]
    below = np.c_[-features, np.zeros(n_rows)]
    above = np.c_[features, -measured]
    found = linprog(
        goal, A_ub=np.r_[below, above], b_ub=np.r_[-MARGIN * measured, np.zeros(n_rows)]
    )
    if not found.success:
        raise SystemExit(found.message)
    return found.x[:-1], float(found.x[-1])


def measured(files: Sequence[Path]) -> pd.DataFrame:
    """Rows of the pipeline's stages that ended well; of one size the latest in each file."""
    tables = [pd.read_csv(path).drop_duplicates(["cells", "stage"], keep="last") for path in files]
    rows = pd.concat(tables, ignore_index=True)
    return rows[(rows["status"] == "ok") & (rows["stage"] != USUAL)]


def main() -> None:
    """Read the rows, write the model and the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("csv", type=Path, nargs="+", help="the first names the table of ratios")
    parser.add_argument("--output", type=Path, default=COEFFICIENTS)
    arguments = parser.parse_args()
    rows = measured(arguments.csv)
    stages: dict[str, dict[str, dict[str, float]]] = {}
    lines = [
        "| stage | memory: prediction / measured | time: prediction / measured |",
        "|---|---|---|",
    ]
    for stage, own in rows.groupby("stage", sort=False):
        names = FEATURES.get(stage, OTHERS)
        sizes = [Size(r.cells, r.genes, r.nonzeros).features for r in own.itertuples()]
        table = np.array([[size[name] for name in names] for size in sizes])
        stages[stage], told = {}, []
        for kind, column in KINDS.items():
            seen = own[column].to_numpy(float)
            values, _ = fit(table, seen)
            stages[stage][kind] = {
                name: round(float(value), 4)
                for name, value in zip(names, values, strict=True)
                if value > 0
            }
            ratios = table @ values / seen
            told.append(f"{ratios.min():.2f} to {ratios.max():.2f}")
        lines.append(f"| {stage} | {' | '.join(told)} |")
    files = [f"benchmarks/results/{path.name}" for path in arguments.csv]
    model = {"fitted_to": files, "sizes": sorted(map(int, set(rows["cells"]))), "stages": stages}
    arguments.output.write_text(json.dumps(model, indent=2) + "\n")
    machine, days = rows["machine"].iloc[0], ", ".join(sorted(set(rows["date"])))
    head = ["# Memory and time, predicted", "", f"Machine: {machine}. Date: {days}.", ""]
    text = "\n".join([*head, *lines, ""])
    first = arguments.csv[0]
    first.with_name(first.stem + "-predicted.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
