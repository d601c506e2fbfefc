"""The exponent of the votes, chosen leaving studies out. No label is read.

    python benchmarks/sharpness.py

For each exponent, the calibration error of the runs that ``accuracy.py`` left in
``benchmarks/cache`` (see ``reliability.py``), and for each study the error with the exponent that
is best on the others. Writes ``benchmarks/results/sharpness.csv`` and prints the means.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from accuracy import PANEL, STUDIES
from reliability import KINDS, bins, calibration_errors, runs
from rows import HERE, RESULTS

from scsiameseclu.clustering.consensus import SHARPNESS

EXPONENTS = (1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0)
CHOSEN = "best on the other studies"


def confidence(probability: np.ndarray, exponent: float) -> np.ndarray:
    """Confidence of cells, (n_cells,), had the votes had another exponent."""
    votes = np.asarray(probability, dtype=np.float64) ** (exponent / SHARPNESS)
    return np.asarray(votes.max(axis=1) / votes.sum(axis=1))


def errors(cache: Path) -> pd.DataFrame:
    """Calibration error by k, study and exponent: columns of the exponents."""
    found = []
    for name in PANEL:
        parts = runs(cache, name)
        for k in KINDS if len(parts) > 1 else ():
            partitions = [part[k] for part in parts]
            line = {"k": k, "study": STUDIES.get(name, name)}
            for exponent in EXPONENTS:
                sure = [confidence(part[f"probability_{k}"], exponent) for part in parts]
                table = pd.DataFrame(bins(partitions, sure)).assign(k=k, set=name)
                line[f"{exponent:g}"] = calibration_errors(table, k, [name])[1]
            found.append(line)
    return pd.DataFrame(found).groupby(["k", "study"], sort=False).mean()


def left_out(table: pd.DataFrame) -> pd.DataFrame:
    """The errors, and that of the exponent with the smallest mean of both kinds elsewhere."""
    own = []
    for k, study in table.index:
        others = table[table.index.get_level_values("study") != study]
        own.append(table.loc[(k, study), others.mean().idxmin()])
    return table.assign(**{CHOSEN: own})


def main() -> None:
    """Write the table and print its means."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=HERE / "cache")
    parser.add_argument("--output", type=Path, default=RESULTS / "sharpness.csv")
    arguments = parser.parse_args()
    table = left_out(errors(arguments.cache))
    table.round(4).to_csv(arguments.output)
    print(table.groupby(level="k", sort=False).mean().round(4).to_string())


if __name__ == "__main__":
    main()
