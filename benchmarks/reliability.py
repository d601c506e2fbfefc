"""Calibration: whether confidence predicts agreement with another run.

    python benchmarks/reliability.py

No label is read. On each data set each run of ours is compared with a reference that it had no part
in: of the runs with other seeds, the one whose partition is most like the others'. Clusters of the
run are mapped one-to-one to those of the reference, and a cell agrees where its mapped cluster is
the reference's. Writes ``benchmarks/results/reliability.csv`` and prints the calibration error.
"""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from accuracy import PANEL, SETS
from rows import HERE, NOT_MEASURED, RESULTS

N_BINS = 10
KINDS = ("given", "unknown")


def agrees(run: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Cells whose cluster, mapped one-to-one to the reference's clusters, is the reference's."""
    from scipy.optimize import linear_sum_assignment

    from scsiameseclu.metrics.agreement import contingency

    own, other = np.unique(run), np.unique(reference)
    rows, columns = linear_sum_assignment(contingency(run, reference), maximize=True)
    mapped = dict(zip(own[rows], other[columns], strict=True))
    # a cluster without a partner agrees with nothing
    return np.array([mapped.get(a) == b for a, b in zip(run, reference, strict=True)])


def reference_of(partitions: Sequence[np.ndarray], run: int) -> int:
    """The partition with the largest mean ARI to the others, ``run`` excluded."""
    from sklearn.metrics import adjusted_rand_score

    others = [i for i in range(len(partitions)) if i != run]

    def likeness(i: int) -> float:
        pairs = [adjusted_rand_score(partitions[i], partitions[j]) for j in others if j != i]
        return float(np.mean(pairs)) if pairs else 0.0

    return max(others, key=likeness)


def bins(
    partitions: Sequence[np.ndarray], confidences: Sequence[np.ndarray]
) -> Iterator[dict[str, float]]:
    """Agreement in equal bins of confidence, summed over runs; empty bins are omitted."""
    if len(partitions) < 2:
        return
    agreed = [
        agrees(run, partitions[reference_of(partitions, i)]) for i, run in enumerate(partitions)
    ]
    hit, sure = np.concatenate(agreed), np.concatenate(confidences).astype(np.float64)
    place = np.clip((sure * N_BINS).astype(int), 0, N_BINS - 1)
    for b in np.unique(place):
        inside = place == b
        yield {
            "low": b / N_BINS,
            "high": (b + 1) / N_BINS,
            "n_cells": int(inside.sum()),
            "mean_confidence": round(float(sure[inside].mean()), 4),
            "agreement": round(float(hit[inside].mean()), 4),
        }


def calibration_errors(
    table: pd.DataFrame, k: str, names: Sequence[str] = PANEL
) -> tuple[float, float, int]:
    """Expected calibration error over some data sets, by default the panel.

    On each set it is the mean over cells of how far the agreement of their bin is from the mean
    confidence there.

    Returns
    -------
    The mean of the sets weighted by their cells, the plain mean, and the number of sets.
    """
    part = table[(table["k"] == k) & table["set"].isin(names)]
    if part.empty:
        return np.nan, np.nan, 0
    off = (part["agreement"] - part["mean_confidence"]).abs() * part["n_cells"]
    cells = part.groupby("set")["n_cells"].sum()
    of_sets = off.groupby(part["set"]).sum()
    return float(of_sets.sum() / cells.sum()), float((of_sets / cells).mean()), len(cells)


def told(table: pd.DataFrame, names: Sequence[str] = PANEL) -> list[str]:
    """The calibration errors as sentences."""
    sentences = []
    for k in KINDS:
        by_cells, by_sets, n_sets = calibration_errors(table, k, names)
        if n_sets:
            sentences.append(
                f"Expected calibration error, k {k}: {by_cells:.3f} weighted by cells, "
                f"{by_sets:.3f} as the mean of {n_sets} of {len(names)} sets."
            )
        else:
            sentences.append(f"Expected calibration error, k {k}: {NOT_MEASURED}.")
    return sentences


def runs(cache: Path, name: str) -> list[dict[str, np.ndarray]]:
    """Finished runs of scSiameseClu on a data set, by seed."""
    found = {
        int(path.stem.rsplit("-", 1)[1]): path
        for path in cache.glob(f"{name}-ours-*.npz")
        if path.with_suffix(".json").is_file()
    }
    return [dict(np.load(found[seed])) for seed in sorted(found)]


def main() -> None:
    """Compare the cached runs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=HERE / "cache")
    parser.add_argument("--output", type=Path, default=RESULTS / "reliability.csv")
    arguments = parser.parse_args()
    rows = []
    for k in KINDS:
        for name in SETS:
            parts = runs(arguments.cache, name)
            partitions = [part[k] for part in parts]
            confidences = [part[f"confidence_{k}"] for part in parts]
            rows += [{"k": k, "set": name, **row} for row in bins(partitions, confidences)]
    columns = ["k", "set", "low", "high", "n_cells", "mean_confidence", "agreement"]
    table = pd.DataFrame(rows, columns=columns)
    table.to_csv(arguments.output, index=False)
    print("\n".join(told(table)))


if __name__ == "__main__":
    main()
