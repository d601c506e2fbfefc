"""Fit the model of memory and time requests for Slurm to rows of speed.py.

    python benchmarks/fit_resources.py benchmarks/results/speed-M-DATE{,-deep,-cluster}.csv

For each stage the linear model is sought that is never below what was measured, with a margin, and
whose largest ratio to it is smallest: a linear programme. Memory is fitted to the rows of all
files. Time is fitted to those of the first file with the stage, since machines differ; that of the
others, which hold cells of other depths, must fit into what a job asks for, twice the time
predicted. Writes ``resources.json`` of the package, and a table of ratios beside the first file.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import linprog
from speed import USUAL

from scsiameseclu.stages.resources import COEFFICIENTS, TIME_FACTOR, Size

MARGIN = 1.15  # of one run over another
FEATURES = {
    "ingest": ("base", "nonzeros"),  # of a user's file no more is known
    "markers": ("base", "nonzeros", "entries"),  # ranks are of dense blocks
}
FEATURES |= dict.fromkeys(("graph", "layout"), ("base", "cells", "descent"))
FEATURES |= dict.fromkeys(
    ("quality", "annotate", "report"), ("base", "cells", "sampled", "nonzeros", "scored")
)
OTHERS = ("base", "cells", "sampled", "nonzeros")
KINDS = {"mb": "peak_mb", "seconds": "wall_s"}
REPLACED = {"cluster": "2026-11-29"}
"""Stages whose rows before a date are of other work: train made the ensemble until then."""


def fit(
    features: np.ndarray, measured: np.ndarray, floors: np.ndarray | None = None
) -> tuple[np.ndarray, float]:
    """Coefficients >= 0 with ``measured * MARGIN <= prediction <= ratio * measured``, least ratio.

    Parameters
    ----------
    features
        (n_rows, n_features).
    measured
        (n_rows,), above 0.
    floors
        What predictions must not be below, in place of ``measured * MARGIN``. Rows whose
        ``measured`` is infinite have no other bound.
    """
    n_rows, n_features = features.shape
    floors = MARGIN * measured if floors is None else floors
    bounded = np.isfinite(measured)
    goal = np.r_[np.zeros(n_features), 1.0]
    below = np.c_[-features, np.zeros(n_rows)]
    above = np.c_[features, -measured][bounded]
    solution = linprog(goal, A_ub=np.r_[below, above], b_ub=np.r_[-floors, np.zeros(bounded.sum())])
    if not solution.success:
        raise SystemExit(solution.message)
    return solution.x[:-1], float(solution.x[-1])


def measured(files: Sequence[Path]) -> pd.DataFrame:
    """Rows of successful pipeline stages; the latest per size in each file."""
    tables = [pd.read_csv(path).drop_duplicates(["cells", "stage"], keep="last") for path in files]
    rows = pd.concat([t.assign(file=n) for n, t in enumerate(tables)], ignore_index=True)
    replaced = rows["date"] < rows["stage"].map(REPLACED).fillna("")
    rows = rows[(rows["status"] == "ok") & (rows["stage"] != USUAL) & ~replaced]
    return rows.assign(first=rows["file"] == rows.groupby("stage")["file"].transform("min"))


def main() -> None:
    """Read the rows; write the model and the table."""
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
    for stage, group in rows.groupby("stage", sort=False):
        names = FEATURES.get(stage, OTHERS)
        sizes = [Size(r.cells, r.genes, r.nonzeros).features for r in group.itertuples()]
        table = np.array([[size[name] for name in names] for size in sizes])
        stages[stage], shown = {}, []
        for kind, column in KINDS.items():
            seen = group[column].to_numpy(float)
            within = np.ones(len(group), dtype=bool) if kind == "mb" else group["first"].to_numpy()
            floors = MARGIN * np.where(within, seen, seen / TIME_FACTOR)
            values, _ = fit(table, np.where(within, seen, np.inf), floors)
            stages[stage][kind] = {
                name: round(float(value), 4)
                for name, value in zip(names, values, strict=True)
                if value > 0
            }
            ratios = (table @ values / seen)[within]
            shown.append(f"{ratios.min():.2f} to {ratios.max():.2f}")
        lines.append(f"| {stage} | {' | '.join(shown)} |")
    files = [f"benchmarks/results/{path.name}" for path in arguments.csv]
    model = {"fitted_to": files, "sizes": sorted(map(int, set(rows["cells"]))), "stages": stages}
    arguments.output.write_text(json.dumps(model, indent=2) + "\n")
    machine, days = rows["machine"].iloc[0], ", ".join(sorted(set(rows["date"])))
    read = ", ".join(path.name for path in arguments.csv)
    rows_of = (
        f"Rows: {read}; time of the first file with the stage alone. Machine: {machine}. "
        f"Date: {days}."
    )
    head = ["# Memory and time, predicted", "", rows_of, ""]
    text = "\n".join([*head, *lines, ""])
    first = arguments.csv[0]
    first.with_name(first.stem + "-predicted.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
