"""Mutation tests: small changes of the arithmetic, each of which the tests of its room must catch.

python benchmarks/mutants.py                        the committed list, mutants.toml
python benchmarks/mutants.py --random 200 --seed 0  a sample of mechanical changes

Each change is made in a temporary copy of the package and tested in a fork of this process, which
has imported the third-party packages, so that a mutant takes the seconds of its tests alone. Tests
that are slow, or read the real data sets, are left out. What does not end in time is caught.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import signal
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from datetime import date
from pathlib import Path

from forked_tests import PACKAGE, ROOT, Mutant, Verdict, try_all
from mutations import changes

HERE = Path(__file__).resolve().parent
LIST = HERE / "mutants.toml"
ROOMS = ("module", "training", "clustering", "annotation")


def listed(path: Path = LIST) -> list[Mutant]:
    """The committed list.

    Raises
    ------
    SystemExit
        An old text is not in its file exactly once: the list must follow the code.
    """
    found = []
    for entry in tomllib.loads(path.read_text(encoding="utf-8"))["mutant"]:
        source = (PACKAGE / entry["file"]).read_text(encoding="utf-8")
        times = source.count(entry["old"])
        if times != 1:
            sys.exit(f"{path.name}: {entry['file']} holds {times} times: {entry['old']}")
        changed = source.replace(entry["old"], entry["new"])
        found.append(Mutant(entry["file"], entry["what"], changed, tuple(entry["tests"])))
    return found


def population(rooms: Iterable[str] = ROOMS) -> list[Mutant]:
    """Every mechanical change of some rooms or files, in the order of files and lines."""
    found = []
    for room in rooms:
        paths = sorted((PACKAGE / room).glob("*.py")) or [PACKAGE / room]
        for path in paths:
            source, name = path.read_bytes(), str(path.relative_to(PACKAGE))
            for change in changes(source):
                what = f"{change.line}: {change.words(source)}"
                found.append(Mutant(name, what, change.apply(source).decode(), tests_of(path)))
    return found


def tests_of(path: Path) -> tuple[str, ...]:
    """The tests of a file's room, those of the file itself first."""
    room = ROOT / "tests" / path.parent.relative_to(PACKAGE)
    own = sorted(room.glob(f"test_{path.stem}*.py"))
    others = [other for other in sorted(room.glob("test_*.py")) if other not in own]
    return tuple(str(one.relative_to(ROOT)) for one in [*own, *others])


def resumed(mutants: list[Mutant], kept: Path | None) -> tuple[list[Mutant], list[Verdict]]:
    """What is still to be tried, and what an earlier run with this file has caught."""
    if kept is None or not kept.exists():
        return mutants, []
    lines = kept.read_text(encoding="utf-8").splitlines()
    earlier = {(v.file, v.what): v for v in (Verdict(**json.loads(line)) for line in lines)}
    caught = {key for key, verdict in earlier.items() if verdict.caught}
    left = [mutant for mutant in mutants if (mutant.file, mutant.what) not in caught]
    names = {(mutant.file, mutant.what) for mutant in mutants}
    return left, [earlier[key] for key in caught if key in names]


def report(verdicts: list[Verdict], seed: int) -> str:
    """The result of a random sample as a page."""
    alive = sorted((v for v in verdicts if not v.caught), key=lambda v: (v.file, v.what))
    rooms = Counter(Path(v.file).parts[0] for v in verdicts)
    lost = Counter(Path(v.file).parts[0] for v in alive)
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    lines = [
        "# Mutation tests",
        "",
        f"{date.today().isoformat()}, {machine}, commit {commit}: `make mutants`. A random sample "
        f"(seed {seed}) of {len(verdicts)} mechanical changes of {', '.join(sorted(rooms))}, each "
        f"tested by the fast tests of its room: {len(alive)} survive "
        f"({len(alive) / max(len(verdicts), 1):.1%}).",
        "",
        "| room | changes | survive |",
        "|---|---:|---:|",
        *(f"| {room} | {rooms[room]} | {lost[room]} |" for room in sorted(rooms)),
        "",
        "Those that survive:",
        "",
        *(
            f"- `{v.file}`, line {v.what.split(':')[0]}: `{v.what.partition(': ')[2]}`"
            for v in alive
        ),
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Try mutants, say what became of each, and fail where one of the list survives."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--random", type=int, metavar="N", help="sample N changes, not the list")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", metavar="ROOM", help="these rooms or files")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--resume", type=Path, help="keep verdicts here, and skip those caught")
    parser.add_argument("--output", type=Path, help="write the result of a sample as a page")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    if options.random is None:
        mutants = [m for m in listed() if m.file.startswith(tuple(options.only or [""]))]
    else:
        mutants = population(options.only or ROOMS)
        count = min(options.random, len(mutants))
        mutants = random.Random(options.seed).sample(mutants, count)
    left, verdicts = resumed(mutants, options.resume)
    for verdict in try_all(left, options.jobs) if left else ():
        verdicts.append(verdict)
        end = f"caught by {verdict.by}" if verdict.caught else "SURVIVED"
        print(f"[{len(verdicts)}/{len(mutants)}] {verdict.file} {verdict.what}: {end}", flush=True)
        if options.resume:
            with options.resume.open("a", encoding="utf-8") as kept:
                kept.write(json.dumps(asdict(verdict)) + "\n")
    alive = [verdict for verdict in verdicts if not verdict.caught]
    print(f"{len(alive)} of {len(verdicts)} survive")
    for verdict in alive:
        print(f"  {verdict.file} {verdict.what}")
    if options.output:
        options.output.write_text(report(verdicts, options.seed), encoding="utf-8")
    if options.random is None and alive:
        sys.exit(1)


if __name__ == "__main__":
    main()
