"""The pipeline beside an earlier commit, scanpy and brisc, in turns on the same cells.

    git worktree add --detach ../before c448e88
    python benchmarks/race.py --data ../shared/data --before ../before --brisc ../brisc/bin/python

``--brisc`` names the Python of an environment with brisc 0.2.3 or newer. In each turn every path
analyses the same file from the start, one after the other, each stage of a pipeline in a process of
its own, so that a slow minute of the machine meets them all. Each path's seconds and the peak
memory of its largest process tree go to ``benchmarks/results/race-MACHINE.csv``, and medians of
the turn-by-turn ratios to a Markdown file beside it. The stages of a pipeline stay in the folder of
the work. Finished turns are not run again; a path that
is stopped after ``--limit-minutes`` is not tried on more cells.
"""

import argparse
import csv
import os
import platform
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from resample import write
from speed import measure, shape

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PATHS = {"now": "this pipeline", "before": "earlier commit", "scanpy": "scanpy", "brisc": "brisc"}
COLUMNS = [
    *("cells", "turn", "path", "seconds", "peak_mb", "status", "genes", "nonzeros"),
    *("threads", "machine", "date", "commit"),
]
Row = dict[str, str]


def pipeline(checkout: Path, folder: Path, n_cells: int, threads: int) -> Row:
    """All stages of a checkout, by its own speed.py: their sum, and the largest memory."""
    work = folder / str(n_cells)
    work.mkdir(parents=True)
    os.link(folder.parent / "input.h5ad", work / "input.h5ad")
    stages = folder / "stages.csv"
    command: list[object] = ["env", f"PYTHONPATH={checkout / 'src'}", sys.executable]
    command += [checkout / "benchmarks" / "speed.py", "--no-usual"]
    command += ["--min-cells", n_cells, "--max-cells", n_cells, "--threads", threads]
    command += ["--work", folder, "--output", stages]
    row = measure(command, folder / "log", float("inf"))
    with stages.open() as table:
        rows = list(csv.DictReader(table))
    return {
        "seconds": f"{sum(float(stage['wall_s']) for stage in rows):.2f}",
        "peak_mb": str(max(int(stage["peak_mb"]) for stage in rows)),
        "status": row["status"],
    }


def commit_of(checkout: Path) -> str:
    """The commit of a checkout, short."""
    command = ["git", "-C", str(checkout), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def one_process(program: list[object], folder: Path, threads: int, limit_s: float) -> Row:
    """A script that analyses the whole file."""
    command = [*program, folder.parent / "input.h5ad", folder / "out.h5ad", "--threads", threads]
    row = measure(command, folder / "log", limit_s)
    return {"seconds": row["wall_s"], "peak_mb": row["peak_mb"], "status": row["status"]}


def run(path: str, folder: Path, n_cells: int, arguments: argparse.Namespace) -> Row:
    """One path on one file, in an empty folder."""
    folder.mkdir()
    if path in ("now", "before"):
        checkout = ROOT if path == "now" else arguments.before.resolve()
        row = pipeline(checkout, folder, n_cells, arguments.threads)
        return row | {"commit": commit_of(checkout)}
    python = arguments.brisc if path == "brisc" else sys.executable
    script = HERE / ("usual_brisc.py" if path == "brisc" else "usual.py")
    limit_s = 60 * arguments.limit_minutes
    return one_process([python, script], folder, arguments.threads, limit_s)


def table(rows: list[Row]) -> str:
    """Medians of seconds and memory, and of the ratios of this pipeline to the others."""
    machine, threads = rows[0]["machine"], rows[0]["threads"]
    days = ", ".join(sorted({row["date"] for row in rows}))
    head = [f"{name}, s (MB)" for name in PATHS.values()]
    head += [f"now / {name}" for path, name in PATHS.items() if path != "now"]
    lines = [
        "# The pipeline beside others, in turns",
        "",
        f"Machine: {machine}, {threads} threads. Date: {days}. Medians over the turns; a ratio is "
        "the median of the ratios within a turn.",
        "",
        f"| cells | turns | {' | '.join(head)} |",
        "|---" * (len(head) + 2) + "|",
    ]
    for n_cells in sorted({int(row["cells"]) for row in rows}):
        these = [row for row in rows if row["cells"] == str(n_cells)]
        done = [row for row in these if row["status"] == "ok"]
        seconds = {(row["path"], row["turn"]): float(row["seconds"]) for row in done}
        turns = sorted({row["turn"] for row in these})
        cells = []
        for path in PATHS:
            mine = [row for row in done if row["path"] == path]
            stopped = next((row["status"] for row in these if row["path"] == path), "–")
            if not mine:
                cells.append(stopped)
                continue
            middle = statistics.median(float(row["seconds"]) for row in mine)
            memory = statistics.median(float(row["peak_mb"]) for row in mine)
            cells.append(f"{middle:,.0f} ({memory:,.0f})")
        for path in list(PATHS)[1:]:
            pairs = [
                seconds["now", turn] / seconds[path, turn]
                for turn in turns
                if ("now", turn) in seconds and (path, turn) in seconds
            ]
            cells.append(f"{statistics.median(pairs):.2f}" if pairs else "–")
        lines.append(f"| {n_cells:,} | {len(turns)} | {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


def wanted(arguments: argparse.Namespace, rows: list[Row]) -> Iterator[tuple[int, int, str]]:
    """Cells, turn and path of what has no row yet."""
    done = {(row["cells"], row["turn"], row["path"]) for row in rows}
    for n_cells in sorted(arguments.cells):
        for turn in range(arguments.repeats):
            for path in arguments.paths:
                if path == "before" and arguments.before is None:
                    continue
                if path == "brisc" and arguments.brisc is None:
                    continue
                if (str(n_cells), str(turn), path) not in done:
                    yield n_cells, turn, path


def main() -> None:
    """Measure what the CSV lacks, and write the table."""
    machine = f"{platform.machine()}-{os.cpu_count()}cores"
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--before", type=Path, help="a checkout of the commit to compare with")
    parser.add_argument("--brisc", type=Path, help="a Python with brisc")
    parser.add_argument("--data", type=Path, required=True, help="the folder of pbmc3k.h5ad")
    parser.add_argument("--cells", type=int, nargs="+", default=[1_000, 10_000, 30_000, 100_000])
    parser.add_argument("--paths", nargs="+", choices=PATHS, default=list(PATHS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--limit-minutes", type=float, default=20)
    parser.add_argument("--work", type=Path, default=HERE / "cache" / "race")
    parser.add_argument("--output", type=Path, default=HERE / "results" / f"race-{machine}.csv")
    arguments = parser.parse_args()
    rows: list[Row] = []
    if arguments.output.is_file():
        with arguments.output.open() as stream:
            rows = list(csv.DictReader(stream))
    ended = {row["path"] for row in rows if row["status"] != "ok"}
    for n_cells, turn, path in list(wanted(arguments, rows)):
        if path in ended:
            continue
        size = arguments.work / str(n_cells)
        size.mkdir(parents=True, exist_ok=True)
        if not (size / "input.h5ad").is_file():
            write(arguments.data / "pbmc3k.h5ad", n_cells, size / "input.h5ad")
        shutil.rmtree(size / path, ignore_errors=True)
        row = run(path, size / path, n_cells, arguments)
        row |= shape(size / "input.h5ad") | {"turn": str(turn), "path": path, "machine": machine}
        row |= {"threads": str(arguments.threads), "date": date.today().isoformat()}
        if row["status"] != "ok":
            ended.add(path)
        else:
            if path in ("now", "before"):
                shutil.copy(size / path / "stages.csv", size / f"{path}-{turn}-stages.csv")
            shutil.rmtree(size / path)
        rows.append(row)
        with arguments.output.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
        arguments.output.with_suffix(".md").write_text(table(rows))
        print(n_cells, turn, path, row["seconds"], "s", row["peak_mb"], "MB", row["status"])


if __name__ == "__main__":
    main()
