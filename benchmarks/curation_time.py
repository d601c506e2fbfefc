"""Time until the pages are renewed after an edit of curation.tsv.

    python benchmarks/curation_time.py SOURCE WORK [--cells 10000]

Cells are resampled from SOURCE (an h5ad file with gene names), and the workflow runs once, with a
short training, since nothing is trained again afterwards. Then clusters are named, merged and
split, the edit is undone, and after each edit the same command runs again. For each, the seconds
until the page and until everything is renewed, the CPU seconds of Snakemake and of each stage, and
the load of the machine are added to ``curation-time.csv``. WORK is reused if its first run is
finished.
"""

import argparse
import csv
import json
import os
import platform
import resource
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RESULTS = HERE / "results"
CONFIG = {
    "samples": "config/samples.tsv",
    "quality": {"doublets": "off"},
    "model": {"networks": 2, "pretrain_steps": 60},
}
EDITS = {
    "name": {"1": "1\tMy cells\t\t\t"},
    "merge": {"1": "1\tMy cells\t0\t\t"},
    "split": {"1": "1\tMy cells\t0\t\t", "2": "2\t\t\tyes\t"},
    "undo": {},
}


def snakemake(work: Path) -> None:
    """Run the workflow to its end."""
    words = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    done = subprocess.run(
        [*words, "--directory", str(work), "--cores", "2"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(done.stdout[-5000:])


def prepare(source: Path, work: Path, n_cells: int) -> None:
    """The cells, the config, and the first run."""
    from resample import write

    cells = work / f"cells{n_cells}.h5ad"
    (work / "config").mkdir(parents=True, exist_ok=True)
    if not cells.is_file():
        write(source, n_cells, cells)
    (work / "config" / "samples.tsv").write_text(f"sample\tpath\tn_clusters\na\t{cells}\t10\n")
    (work / "config" / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    snakemake(work)


def cpu_seconds() -> float:
    """CPU time of all child processes that have ended, and of theirs."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure(work: Path, untouched: str, edits: dict[str, str]) -> dict[str, object]:
    """One edit and the run that follows."""
    folder = work / "results" / "samples" / "a"
    lines = [edits.get(line.split("\t")[0], line) for line in untouched.splitlines()]
    (folder / "curation.tsv").write_text("\n".join(lines) + "\n")
    start, used, load = time.time(), cpu_seconds(), os.getloadavg()[0]
    snakemake(work)
    end = time.time()
    usage = [json.loads(path.read_text()) for path in (folder / "stages" / "usage").glob("*.json")]
    written = {
        path.stem: path.stat().st_mtime for path in (folder / "stages" / "usage").glob("*.json")
    }
    stages = {one["stage"]: one for one in usage if written[one["stage"]] > start}
    total = cpu_seconds() - used
    return {
        "page_seconds": round((folder / "report.html").stat().st_mtime - start, 1),
        "seconds": round(end - start, 1),
        "cpu_seconds": round(total, 1),
        "load": round(load, 1),
        "stages": "; ".join(
            f"{name} {one['seconds']} ({one['cpu_seconds']} CPU)" for name, one in stages.items()
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("source", type=Path)
    parser.add_argument("work", type=Path)
    parser.add_argument("--cells", type=int, default=10_000)
    parser.add_argument("--edits", nargs="*", default=list(EDITS), choices=EDITS)
    parser.add_argument("--output", type=Path, default=RESULTS / "curation-time.csv")
    arguments = parser.parse_args()
    work = arguments.work.resolve()
    prepare(arguments.source, work, arguments.cells)
    table = work / "results" / "samples" / "a" / "curation.tsv"
    untouched = work / "curation.tsv"
    if not untouched.is_file():
        untouched.write_text(table.read_text())
    for name in arguments.edits:
        row = {"cells": arguments.cells, "edit": name}
        row |= measure(work, untouched.read_text(), EDITS[name])
        row |= {"machine": f"{platform.machine()} {os.cpu_count()} cores", "date": date.today()}
        print(row, flush=True)
        new = not arguments.output.is_file()
        with arguments.output.open("a", newline="") as file:
            writer = csv.DictWriter(file, list(row))
            if new:
                writer.writeheader()
            writer.writerow(row)


if __name__ == "__main__":
    main()
