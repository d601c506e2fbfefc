"""Mutation tests: small changes of the arithmetic, each of which the tests of its room must catch.

python benchmarks/mutants.py                        the committed list, mutants.toml
python benchmarks/mutants.py --random 200 --seed 0  a sample of mechanical changes

Each change is made in a temporary copy of the package and tested in a fork of this process, which
has imported the third-party packages, so that a mutant takes the seconds of its tests alone. Tests
that are slow, or read the real data sets, are left out. What does not end in time is caught.
"""

from __future__ import annotations

import os

if __name__ == "__main__":  # before numpy and numba are imported: one thread, safe to fork
    variables = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
    os.environ.update(variables, NUMBA_THREADING_LAYER="workqueue")

import argparse
import importlib
import json
import multiprocessing
import platform
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import anndata
import numpy
import pytest
from mutations import changes

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
PACKAGE = ROOT / "src" / "scsiameseclu"
LIST = HERE / "mutants.toml"
ROOMS = ("module", "training", "clustering", "annotation")
THIRD_PARTY = ("anndata", "decoupler", "ot", "pynndescent", "scanpy", "sklearn", "torch", "umap")
PATIENCE = 5.0  # times what the tests take on the package as it is


@dataclass(frozen=True)
class Mutant:
    """A changed file of the package, and the tests that are to notice."""

    file: str
    what: str
    source: str
    tests: tuple[str, ...]


@dataclass(frozen=True)
class Verdict:
    """Whether the tests noticed, and which did first."""

    file: str
    what: str
    caught: bool
    by: str


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


class _FastTests:
    """A pytest plugin: leaves out slow tests and real data, and keeps the first failure."""

    def __init__(self) -> None:
        self.failed = ""

    def pytest_collection_modifyitems(self, items: list[pytest.Function]) -> None:
        items[:] = [
            item
            for item in items
            if not ({"slow", "gpu"} & {mark.name for mark in item.iter_markers()})
            and "data_dir" not in item.fixturenames
        ]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed and not self.failed:
            self.failed = report.nodeid


def _run_tests(source: Path, tests: tuple[str, ...], answer: int) -> None:
    """In a fork: import the package from ``source``, run the tests, and write what came of it."""
    os.setsid()
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)
    sys.path[:] = [str(source), *(entry for entry in sys.path if Path(entry) != PACKAGE.parent)]
    os.environ["PYTHONPATH"] = str(source)
    plugin = _FastTests()
    code = int(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests], plugins=[plugin]))
    used = sys.modules.get("scsiameseclu")
    place = str(getattr(used, "__file__", source))
    os.write(answer, json.dumps([code, plugin.failed, place]).encode())


def run(source: Path, tests: tuple[str, ...], seconds: float) -> tuple[int, str]:
    """Exit code of pytest and the test that failed first; code -1 where time was up."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _run_tests(source, tests, writing)
        finally:
            os._exit(0)
    os.close(writing)
    deadline = time.monotonic() + seconds
    while os.waitpid(child, os.WNOHANG)[0] == 0:
        if time.monotonic() > deadline:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            os.close(reading)
            return -1, "time limit"
        time.sleep(0.02)
    with os.fdopen(reading) as answer:
        text = answer.read()
    if not text:
        return -2, "crash"
    code, failed, place = json.loads(text)
    if not place.startswith(str(source)):
        sys.exit(f"tests ran on {place}, not on the copy in {source}")
    return code, failed


def copy_package(folder: Path) -> Path:
    """A copy of ``src`` in a folder; its path."""
    return Path(shutil.copytree(PACKAGE.parent, folder / "src"))


def _warm_up() -> None:
    """Import and compile once what every fork would need to."""
    for name in THIRD_PARTY:
        importlib.import_module(name)
    cells = anndata.AnnData(numpy.random.default_rng(0).normal(size=(60, 10)))
    importlib.import_module("scanpy").pp.neighbors(cells, n_neighbors=5, use_rep="X")


_copy: Path
_limits: dict[tuple[str, ...], float] = {}


def _start_worker(folder: str, limits: dict[tuple[str, ...], float]) -> None:
    global _copy
    sys.dont_write_bytecode = True  # a mutant's must not outlive it
    _copy = copy_package(Path(tempfile.mkdtemp(dir=folder)))
    _limits.update(limits)


def _try(mutant: Mutant) -> Verdict:
    """In a worker: put the changed file into the copy, test, and put the old one back."""
    path = _copy / PACKAGE.name / mutant.file
    path.write_text(mutant.source, encoding="utf-8")
    code, by = run(_copy, mutant.tests, _limits[tuple(sorted(mutant.tests))])
    shutil.copy2(PACKAGE / mutant.file, path)
    if code == pytest.ExitCode.NO_TESTS_COLLECTED:
        sys.exit(f"no test ran for {mutant.file}: {' '.join(mutant.tests)}")
    return Verdict(mutant.file, mutant.what, code != 0, by)


def try_all(mutants: list[Mutant], jobs: int) -> Iterator[Verdict]:
    """Verdicts as they come.

    Raises
    ------
    SystemExit
        The tests fail on the package as it is.
    """
    _warm_up()
    limits: dict[tuple[str, ...], float] = {}
    with tempfile.TemporaryDirectory() as folder:
        whole = copy_package(Path(folder))
        for tests in {tuple(sorted(mutant.tests)) for mutant in mutants}:
            started = time.monotonic()
            code, failed = run(whole, tests, 3600)
            if code != 0:
                sys.exit(f"without any change {' '.join(tests)} end with {code}: {failed}")
            limits[tests] = 10 + PATIENCE * (time.monotonic() - started)
        fork = multiprocessing.get_context("fork")
        with fork.Pool(jobs, _start_worker, (folder, limits)) as pool:
            yield from pool.imap_unordered(_try, mutants)


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
