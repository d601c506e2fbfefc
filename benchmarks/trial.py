"""What can go wrong, tried by a seed: damage, tampering, odd settings, kills, full disks.

    make trial TRIAL="[--files 1000] [--models 200] [--settings 2000] [--kills 200]
                      [--full 5] [--seed 0] [--work FOLDER] [--output FILE]"

Prints and records the number of trials by outcome, and exits with 1 if any outcome is bad. All
inputs are made here from harmless ones. A trial that is in ``FOLDER/trials.csv`` is not repeated.

files
    One damage in a file of each format in turn. Good: ``read`` or ``refused`` in one sentence.
    Bad: ``raised`` (another exception), ``stuck`` (60 s), ``ended`` (the process), ``silent`` (a
    binary file from which cells or genes are missing without a word).
models
    One damage in a file of a saved model. Good: ``refused``. Bad: ``loaded``, ``raised``.
settings
    One odd value in the config or the sheet. Good: ``refused`` or ``accepted``. Bad: ``raised``,
    and ``accepted`` for what is no number.
kills
    A stage of a finished run (with a reference, a trajectory and a cohort), killed at a random
    moment and run again. Good: ``same`` (its files are equal to those before). Bad: ``partial`` (a
    file with its final name differs after the kill), ``lost`` (it fails, or its files differ).
full
    A stage on a full disk (needs root), then with space. Good: ``said`` (exit code 75, and the
    reason says that there is no space), then equal files. Bad: ``unsaid``, ``lost``.
"""

import argparse
import csv
import platform
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import trial_files
import trial_runs

BAD = ("raised", "stuck", "ended", "silent", "loaded", "partial", "lost", "unsaid")
PARTS: dict[str, Callable[[Path], Callable[[random.Random], tuple[str, str]]]] = {
    "files": trial_files.damaged_file,
    "models": trial_files.damaged_model,
    "settings": trial_files.odd_setting,
    "kills": trial_runs.killed_stage,
    "full": trial_runs.full_disk,
}
DEFAULTS = {"files": 1000, "models": 200, "settings": 2000, "kills": 200, "full": 5}


def trials(part: str, number: int, seed: int, work: Path) -> Iterator[tuple[str, str]]:
    """Outcome and description of each trial of a part; those of an earlier run from its file."""
    record = work / "trials.csv"
    done = {}
    if record.is_file():
        with record.open(newline="") as stream:
            done = {row[0]: (row[1], row[2]) for row in csv.reader(stream)}
    attempt = None
    for index in range(number):
        key = f"{part} {seed} {index}"
        if key not in done:
            attempt = attempt or PARTS[part](work)
            done[key] = attempt(random.Random(key))
            with record.open("a", newline="") as stream:
                csv.writer(stream).writerow([key, *done[key]])
        yield done[key]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for part, number in DEFAULTS.items():
        parser.add_argument(f"--{part}", type=int, default=number)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=Path, help="folder for the inputs and the record")
    parser.add_argument("--output", type=Path, help="table of the counts")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = (options.work or Path(temporary)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        rows, n_bad = [], 0
        for part in PARTS:
            number = getattr(options, part)
            outcomes: Counter[str] = Counter()
            for outcome, what in trials(part, number, options.seed, work):
                outcomes[outcome] += 1
                if outcome in BAD:
                    print(f"BAD  {part}: {outcome}: {what}", flush=True)
            n_bad += sum(outcomes[outcome] for outcome in BAD)
            print(part, dict(sorted(outcomes.items())), flush=True)
            rows += [
                {"part": part, "outcome": outcome, "trials": outcomes[outcome]}
                for outcome in sorted(outcomes)
            ]
    if options.output:
        about = {"seed": options.seed, "machine": platform.machine(), "date": date.today()}
        with options.output.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, ["part", "outcome", "trials", *about])
            writer.writeheader()
            writer.writerows(row | about for row in rows)
    print(f"{n_bad} bad outcomes")
    sys.exit(1 if n_bad else 0)


if __name__ == "__main__":
    main()
