"""A default fit of 5,000 cells beside an earlier commit, in turns.

    git worktree add --detach ../before c448e88
    python benchmarks/fit_race.py --data ../shared/data --before ../before

Each fit runs in a process of its own: ``ScSiameseClu().fit`` on counts resampled from PBMC 3k, by
the code of one checkout. Its seconds, without imports and reading, go to
``benchmarks/results/fit-race-MACHINE.csv``.
"""

import argparse
import csv
import os
import platform
import statistics
import subprocess
import sys
from datetime import date
from pathlib import Path

from race import commit_of
from resample import write

HERE = Path(__file__).resolve().parent
COLUMNS = ["cells", "turn", "checkout", "seconds", "threads", "machine", "date", "commit"]
FIT = """
import sys, time, warnings
import anndata as ad
from scsiameseclu import ScSiameseClu
warnings.simplefilter("ignore")
adata = ad.read_h5ad(sys.argv[1])
started = time.monotonic()
ScSiameseClu(random_state=0, device="cpu").fit(adata)
print(time.monotonic() - started)
"""


def seconds(checkout: Path, source: Path, threads: int) -> float:
    """Of one fit by the code of a checkout."""
    names = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    environment = os.environ | dict.fromkeys(names, str(threads))
    environment["PYTHONPATH"] = str(checkout / "src")
    command = [sys.executable, "-c", FIT, str(source)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return float(done.stdout.split()[-1])


def main() -> None:
    """Fit in turns, and print the median of the ratios."""
    machine = f"{platform.machine()}-{os.cpu_count()}cores"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", type=Path, required=True, help="a checkout to compare with")
    parser.add_argument("--data", type=Path, required=True, help="the folder of pbmc3k.h5ad")
    parser.add_argument("--cells", type=int, default=5_000)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--work", type=Path, default=HERE / "cache")
    parser.add_argument("--output", type=Path, default=HERE / "results" / f"fit-race-{machine}.csv")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    source = arguments.work / f"{arguments.cells}.h5ad"
    if not source.is_file():
        write(arguments.data / "pbmc3k.h5ad", arguments.cells, source)
    shared = {"cells": arguments.cells, "threads": arguments.threads, "machine": machine}
    rows, ratios = [], []
    for turn in range(arguments.turns):
        spent = {}
        for name, checkout in (("now", HERE.parent), ("before", arguments.before.resolve())):
            spent[name] = seconds(checkout, source, arguments.threads)
            own = {"turn": turn, "checkout": name, "seconds": f"{spent[name]:.1f}"}
            where = {"date": date.today().isoformat(), "commit": commit_of(checkout)}
            rows.append({**shared, **own, **where})
        ratios.append(spent["now"] / spent["before"])
    with arguments.output.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    print(f"now / before: {statistics.median(ratios):.2f} (median of {len(ratios)} turns)")


if __name__ == "__main__":
    main()
