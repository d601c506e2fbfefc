"""Whole local runs of the workflow beside an earlier commit, in turns on the same files.

    git worktree add --detach ../before c448e88
    python benchmarks/local_runs.py --data ../shared/data --before ../before

Each run is one ``snakemake --cores N`` in an empty folder, with everything that a user waits for:
the jobs, their starts, and the pages of all samples, but without the joint analysis of a cohort,
which the earlier commit does not have. Samples are drawn from pbmc3k by ``resample.py``, each with
a seed of its own. Seconds go to
``benchmarks/results/local-runs-MACHINE.csv``, and medians of the turn-by-turn ratios to a Markdown
file beside it. Finished runs are not run again.
"""

import argparse
import csv
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import h5py
from race import commit_of
from resample import write

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
RUNS = ("1x1000", "1x10000", "24x3000")
PATHS = ("now", "before")
COLUMNS = ["run", "turn", "path", "seconds", "status", "cores", "machine", "date", "commit"]
Row = dict[str, str]


def sheet(run: str, data: Path, folder: Path) -> Path:
    """The sample sheet of a run such as ``24x3000``, with its files, in the folder."""
    n_samples, n_cells = map(int, run.split("x"))
    path = folder / "samples.tsv"
    lines = ["sample\tpath"]
    for number in range(n_samples):
        counts = folder / f"s{number}.h5ad"
        if not counts.is_file():
            write(data / "pbmc3k.h5ad", n_cells, counts, seed=number)
            without_nulls(counts)
        lines.append(f"s{number}\t{counts}")
    path.write_text("\n".join([*lines, ""]))
    return path


def without_nulls(path: Path) -> None:
    """Remove the elements that anndata writes for None, which the earlier commit cannot read."""
    nulls: list[str] = []
    with h5py.File(path, "a") as file:
        file.visititems(
            lambda name, node: nulls.append(name) if getattr(node, "shape", 0) is None else None
        )
        for name in nulls:
            del file[name]


def seconds_of(checkout: Path, samples: Path, folder: Path, cores: int) -> Row:
    """One run of the workflow of a checkout in an empty folder."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "config").mkdir(parents=True)
    config = "container: null\n"
    if "cohort:" in (checkout / "config" / "config.yaml").read_text():
        config += 'cohort: {run: "off"}\n'
    (folder / "config" / "config.yaml").write_text(config)
    command: list[str | Path] = [sys.executable, "-m", "snakemake"]
    command += ["--snakefile", checkout / "Snakefile"]
    command += ["--directory", folder, "--cores", str(cores), "--config", f"samples={samples}"]
    begun = time.monotonic()
    with (folder / "log").open("w") as log:
        done = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT)
    status = "ok" if done.returncode == 0 else f"exit {done.returncode}"
    return {"seconds": f"{time.monotonic() - begun:.1f}", "status": status}


def table(rows: list[Row]) -> str:
    """Medians of seconds, and of the ratios of this commit to the earlier one."""
    days = ", ".join(sorted({row["date"] for row in rows}))
    commits = {row["path"]: row["commit"] for row in rows}
    lines = [
        "# Whole local runs, in turns",
        "",
        f"`snakemake --cores {rows[0]['cores']}`. Machine: {rows[0]['machine']}. Date: {days}. "
        f"Commits: {commits.get('now', '–')} beside {commits.get('before', '–')}. Medians over the "
        "turns; the ratio is the median of the ratios within a turn.",
        "",
        "| samples x cells | turns | now, s | before, s | now / before |",
        "|---|---|---|---|---|",
    ]
    for run in dict.fromkeys(row["run"] for row in rows):
        done = {
            (row["path"], row["turn"]): float(row["seconds"])
            for row in rows
            if row["run"] == run and row["status"] == "ok"
        }
        turns = sorted({turn for _, turn in done})
        pairs = [turn for turn in turns if all((path, turn) in done for path in PATHS)]
        middle = [
            statistics.median(done[path, turn] for turn in turns if (path, turn) in done)
            for path in PATHS
            if any(key[0] == path for key in done)
        ]
        ratios = [done["now", turn] / done["before", turn] for turn in pairs]
        ratio = f"{statistics.median(ratios):.2f}" if ratios else "–"
        shown = " | ".join(f"{seconds:,.0f}" for seconds in middle)
        lines.append(f"| {run.replace('x', ' x ')} | {len(turns)} | {shown} | {ratio} |")
    return "\n".join([*lines, ""])


def main() -> None:
    """Measure what the CSV lacks, and write the table."""
    machine = f"{platform.machine()}-{os.cpu_count()}cores"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder of pbmc3k.h5ad")
    parser.add_argument("--before", type=Path, required=True, help="a checkout to compare with")
    parser.add_argument("--runs", nargs="+", default=RUNS, help="SAMPLESxCELLS")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--cores", type=int, default=os.cpu_count())
    parser.add_argument("--work", type=Path, default=HERE / "cache" / "local-runs")
    parser.add_argument(
        "--output", type=Path, default=HERE / "results" / f"local-runs-{machine}.csv"
    )
    arguments = parser.parse_args()
    rows: list[Row] = []
    if arguments.output.is_file():
        with arguments.output.open() as stream:
            rows = list(csv.DictReader(stream))
    finished = {(row["run"], row["turn"], row["path"]) for row in rows}
    checkouts = {"now": ROOT, "before": arguments.before.resolve()}
    for run in arguments.runs:
        folder = (arguments.work / run).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        samples = sheet(run, arguments.data, folder)
        for turn in map(str, range(arguments.repeats)):
            for path, checkout in checkouts.items():
                if (run, turn, path) in finished:
                    continue
                row = {"run": run, "turn": turn, "path": path, "commit": commit_of(checkout)}
                row |= {"cores": str(arguments.cores), "machine": machine}
                row |= {"date": date.today().isoformat()}
                row |= seconds_of(checkout, samples, folder / path, arguments.cores)
                if row["status"] == "ok":
                    shutil.rmtree(folder / path)
                rows.append(row)
                with arguments.output.open("w", newline="") as stream:
                    writer = csv.DictWriter(stream, COLUMNS)
                    writer.writeheader()
                    writer.writerows(rows)
                arguments.output.with_suffix(".md").write_text(table(rows))
                print(run, turn, path, row["seconds"], "s", row["status"], flush=True)


if __name__ == "__main__":
    main()
