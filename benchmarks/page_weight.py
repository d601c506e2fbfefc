"""Size of a sample page, and time and memory needed to render it.

    python benchmarks/page_weight.py FOLDER ...

Each folder holds the files of a finished sample, as one below ``results/samples`` does. Rows go to
``benchmarks/results/page.csv``.
"""

import argparse
import csv
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

from scsiameseclu.store.folder import SampleFolder

HERE = Path(__file__).resolve().parent
SCRIPT = HERE.parent / "scripts" / "report.py"
COLUMNS = ["cells", "mb", "seconds", "peak_mb", "threads", "machine", "date"]


def measure(directory: Path) -> dict[str, object]:
    """Row of one sample, whose page is rendered in a folder of links to its files."""
    with tempfile.TemporaryDirectory() as work:
        copy = Path(work) / directory.name
        shutil.copytree(directory, copy, copy_function=os.symlink)
        folder = SampleFolder(copy, directory.name)
        page = folder.path("report")
        page.unlink(missing_ok=True)
        words = ["--folder", copy, "--threads", 2]
        subprocess.run([sys.executable, SCRIPT, *map(str, words)], check=True)
        taken = next(note for note in folder.usage() if note["stage"] == "report")
        metrics = folder.json("metrics")
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
