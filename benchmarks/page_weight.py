"""Size of a sample's page, and the time and memory that making it takes.

    python benchmarks/page_weight.py FOLDER ...

Each folder holds the files of a finished sample, as one below ``results/samples`` does. Rows go to
``benchmarks/results/page.csv``.
"""

import argparse
import csv
import json
import platform
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

HERE = Path(__file__).resolve().parent
SCRIPT = HERE.parent / "scripts" / "report.py"
COLUMNS = ["cells", "mb", "seconds", "peak_mb", "threads", "machine", "date"]


def measure(folder: Path) -> dict[str, object]:
    """The row of one sample."""
    with tempfile.TemporaryDirectory() as work:
        page, usage = Path(work) / "report.html", Path(work) / "usage.json"
        words = ["--directory", folder, "--output", page, "--usage", usage, "--threads", 2]
        subprocess.run([sys.executable, SCRIPT, *map(str, words)], check=True)
        taken = json.loads(usage.read_text())
        metrics = json.loads((folder / "metrics.json").read_text())
        return {
            "cells": metrics["n_cells"],
            "mb": round(page.stat().st_size / 1e6, 2),
            "seconds": taken["seconds"],
            "peak_mb": taken["peak_mb"],
            "threads": 2,
            "machine": platform.machine(),
            "date": date.today().isoformat(),
        }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--output", type=Path, default=HERE / "results" / "page.csv")
    arguments = parser.parse_args()
    rows = [measure(folder) for folder in arguments.folders]
    with arguments.output.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    for row in rows:
        print(row)


if __name__ == "__main__":
    main()
