"""Time and memory of every stage, for 1,000 to 1,000,000 cells, compared with scanpy.

    python benchmarks/speed.py --data ../shared/data --max-cells 30000

Cells are resampled from real ones (``resample.py``). Each stage and the scanpy analysis
(``usual.py``) runs in a separate process; its wall time, CPU time and the peak memory of its
process tree, and on a machine with an NVIDIA GPU that one's memory and utilisation, go to
``benchmarks/results/speed-<machine>-<date>.csv``. What is in that file is not done again, and once
the scanpy analysis was stopped, it is not run on more cells. ``--source`` names other cells to
resample, ``--counts`` real cells to measure as they are; give these an ``--output`` of their own.
"""

import argparse
import csv
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import psutil

from scsiameseclu.store.manifest import AMBIENT, planned

HERE = Path(__file__).resolve().parent
SCRIPTS = HERE.parent / "scripts"
SIZES = (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
COLUMNS = [
    *("cells", "genes", "nonzeros", "stage", "wall_s", "cpu_s", "peak_mb", "status"),
    *("device", "threads", "machine", "date", "version", "torch", "scanpy", "python"),
    *("gpu_mb", "gpu_busy"),
]
USUAL = "scanpy"
EVERY = 0.2  # seconds between two looks at the memory
MEMORY_SHARE = 0.95  # of the machine's; a process that takes more is stopped


def commands(folder: Path, threads: int, device: str) -> Iterator[tuple[str, list[object]]]:
    """Stages of a sample in order, then the scanpy analysis."""
    options: dict[str, list[object]] = {
        "ingest": ["--source", folder / "input.h5ad"],
        "train": ["--device", device],
    }
    for stage in planned([AMBIENT]):
        program = [sys.executable, SCRIPTS / f"{stage}.py", "--folder", folder / "sample"]
        program += ["--features", AMBIENT]
        yield stage, [*program, "--threads", threads, *options.get(stage, [])]
    usual = [sys.executable, HERE / "usual.py", folder / "input.h5ad", folder / "usual.h5ad"]
    yield USUAL, [*usual, "--threads", threads]


def measure(command: list[object], log: Path, limit_s: float) -> dict[str, str]:
    """Run a command; returns its time in seconds and the peak MB of all its processes.

    One that takes longer than ``limit_s``, or almost all of the machine's memory, is stopped, and
    the status says so.
    """
    started, peak, stopped = time.monotonic(), 0, ""
    most = MEMORY_SHARE * psutil.virtual_memory().total
    with log.open("w") as stream:
        child = psutil.Popen([str(part) for part in command], stdout=stream, stderr=stream)
        while child.poll() is None:
            peak = max(peak, _resident(child))
            if time.monotonic() - started > limit_s:
                stopped = "stopped: time"
            elif peak > most:
                stopped = "stopped: memory"
            if stopped:
                for process in (*_children(child), child):
                    process.kill()
                child.wait()
                break
            time.sleep(EVERY)
    wall = time.monotonic() - started
    return {
        "wall_s": f"{wall:.2f}",
        "peak_mb": f"{peak / 2**20:.0f}",
        "status": stopped or ("ok" if child.returncode == 0 else f"exit {child.returncode}"),
    }


def _resident(process: psutil.Process) -> int:
    total = 0
    for one in (process, *_children(process)):
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return list(process.children(recursive=True))
    except psutil.NoSuchProcess:
        return []


@contextmanager
def gpu_watched(log: Path) -> Iterator[None]:
    """Log the state of the first GPU twice per second; nothing without a GPU."""
    if shutil.which("nvidia-smi") is None:
        yield
        return
    asked = ["--query-gpu=utilization.gpu,memory.used", "--format=csv,noheader,nounits"]
    with log.open("w") as stream:
        command = ["nvidia-smi", "--id=0", *asked, "--loop-ms=500"]
        watching = subprocess.Popen(command, stdout=stream, stderr=subprocess.DEVNULL)
        try:
            yield
        finally:
            watching.terminate()
            watching.wait()


def gpu_use(log: Path) -> dict[str, str]:
    """Peak MB above the start, and mean GPU utilisation."""
    if not log.is_file():
        return {}
    rows = [line.split(",") for line in log.read_text().splitlines() if line.count(",") == 1]
    if not rows:
        return {}
    busy, used = zip(*[(float(share), float(mb)) for share, mb in rows], strict=True)
    return {
        "gpu_mb": f"{max(used) - used[0]:.0f}",
        "gpu_busy": f"{sum(busy) / len(busy) / 100:.3f}",
    }


def source(data: Path | None, folder: Path) -> Path:
    """The given file, else PBMC 3k in the data folder, else the demo cells."""
    if data is not None and data.is_file():
        return data
    if data is not None and (data / "pbmc3k.h5ad").is_file():
        return data / "pbmc3k.h5ad"
    from scsiameseclu.io.readers import read_counts

    path = folder / "demo.h5ad"
    read_counts("demo:a").write_h5ad(path)
    return path


def shape(path: Path) -> dict[str, str]:
    """Cells, genes and non-zeros, from the header."""
    import h5py

    with h5py.File(path) as file:
        x = file["X"]
        n_cells, n_genes = x.attrs["shape"] if "data" in x else x.shape
        n_stored = x["data"].shape[0] if "data" in x else int((x[:] != 0).sum())
    return {"cells": str(n_cells), "genes": str(n_genes), "nonzeros": str(n_stored)}


def main() -> None:
    """Measure what the CSV lacks."""
    from importlib.metadata import version

    machine = f"{platform.machine()}-{os.cpu_count()}cores"
    today = date.today().isoformat()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, help="folder with pbmc3k.h5ad (default: demo cells)")
    parser.add_argument("--min-cells", type=int, default=SIZES[0])
    parser.add_argument("--max-cells", type=int, default=SIZES[-1])
    parser.add_argument("--source", type=Path, help="the cells to resample (h5ad)")
    parser.add_argument(
        "--counts", type=Path, help="a file of real cells (h5ad) to measure on its own"
    )
    parser.add_argument(
        "--limit-minutes", type=float, default=30, help="time limit of the scanpy analysis"
    )
    parser.add_argument("--no-usual", action="store_true", help="skip the scanpy analysis")
    parser.add_argument(
        "--stages", nargs="*", help="run these stages only, in pipeline order (default: all)"
    )
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--device", choices=["auto", "cpu", "cuda"], default="auto")
    parser.add_argument("--work", type=Path, default=HERE / "cache" / "speed")
    parser.add_argument(
        "--output", type=Path, default=HERE / "results" / f"speed-{machine}-{today}.csv"
    )
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    fixed = {
        "device": arguments.device,
        "threads": str(arguments.threads),
        "machine": machine,
        "date": today,
        "version": version("scsiameseclu"),
        "torch": version("torch"),
        "scanpy": version("scanpy"),
        "python": platform.python_version(),
    }
    done: set[tuple[str, str]] = set()
    usual_ended = arguments.no_usual
    columns = COLUMNS
    if arguments.output.is_file():
        with arguments.output.open() as table:
            reader = csv.DictReader(table)
            rows, columns = list(reader), list(reader.fieldnames or COLUMNS)
        done = {(row["cells"], row["stage"]) for row in rows}
        usual_ended |= any(row["stage"] == USUAL and row["status"] != "ok" for row in rows)
    else:
        arguments.output.write_text(",".join(COLUMNS) + "\n")
    sizes = [size for size in SIZES if arguments.min_cells <= size <= arguments.max_cells]
    if arguments.counts is not None:
        sizes = [int(shape(arguments.counts)["cells"])]
    for n_cells in sizes:
        folder = arguments.work / str(n_cells)
        steps = [
            (stage, command)
            for stage, command in commands(folder, arguments.threads, arguments.device)
            if (str(n_cells), stage) not in done
            and not (stage == USUAL and usual_ended)
            and (arguments.stages is None or stage in arguments.stages)
        ]
        if not steps:
            continue
        folder.mkdir(exist_ok=True)
        if arguments.counts is not None:
            shutil.copy(arguments.counts, folder / "input.h5ad")
        elif not (folder / "input.h5ad").is_file():
            from resample import write

            real = source(arguments.source or arguments.data, folder)
            write(real, n_cells, folder / "input.h5ad")
        for stage, command in steps:
            before = os.times()
            limit_s = 60 * arguments.limit_minutes if stage == USUAL else float("inf")
            watched = folder / f"{stage}.gpu"
            with gpu_watched(watched):
                row = measure(command, folder / f"{stage}.log", limit_s)
            after = os.times()
            used = after.children_user + after.children_system
            used -= before.children_user + before.children_system
            row |= fixed | shape(folder / "input.h5ad") | {"stage": stage, "cpu_s": f"{used:.2f}"}
            row |= gpu_use(watched)
            with arguments.output.open("a", newline="") as table:
                csv.DictWriter(table, columns, extrasaction="ignore").writerow(row)
            print(
                n_cells, stage, row["wall_s"], "s", row["peak_mb"], "MB", row["status"], flush=True
            )
            usual_ended |= stage == USUAL and row["status"] != "ok"
            if row["status"] != "ok" and stage != USUAL:
                raise SystemExit(f"{stage} failed; see {folder / stage}.log")
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
