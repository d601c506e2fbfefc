"""Startup time: import of the package, and ``--help`` of every program.

python benchmarks/startup.py

Each is started five times, and the fastest and the median go to
``benchmarks/results/startup-<machine>-<date>.csv``: what the machine did besides is not ours.
"""

import argparse
import csv
import os
import platform
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
SCRIPTS = HERE.parent / "scripts"
TIMES = 5


def commands() -> dict[str, list[str]]:
    """Commands by name."""
    found = {"import scsiameseclu": [sys.executable, "-c", "import scsiameseclu"]}
    for script in sorted(SCRIPTS.glob("*.py")):
        found[f"{script.name} --help"] = [sys.executable, str(script), "--help"]
    return found


def seconds(command: list[str]) -> float:
    """Wall time of one start, in seconds."""
    started = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return time.monotonic() - started


def main() -> None:
    """Measure and write the table."""
    machine = f"{platform.machine()}-{os.cpu_count()}cores"
    today = date.today().isoformat()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--output", type=Path, default=HERE / "results" / f"startup-{machine}-{today}.csv"
    )
    output = parser.parse_args().output
    with output.open("w", newline="") as table:
        writer = csv.writer(table)
        writer.writerow(["command", "fastest_s", "median_s", "machine", "date", "python"])
        for name, command in commands().items():
            taken = [seconds(command) for _ in range(TIMES)]
            row = [name, f"{min(taken):.2f}", f"{median(taken):.2f}"]
            writer.writerow([*row, machine, today, platform.python_version()])
            print(*row)


if __name__ == "__main__":
    main()
