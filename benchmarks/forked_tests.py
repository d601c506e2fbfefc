"""Tests of a changed package, each in a fork of a process that has imported everything else.

Slow tests, and tests that read the real data sets, are left out. What does not end in time is
caught.
"""

from __future__ import annotations

import importlib
import json
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "scsiameseclu"
THIRD_PARTY = ("decoupler", "ot", "pynndescent", "sklearn", "torch", "umap")
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
    os.chdir(ROOT)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
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
    ended = False
    try:
        deadline = time.monotonic() + seconds
        while not (ended := os.waitpid(child, os.WNOHANG)[0] == child):
            if time.monotonic() > deadline:
                break
            time.sleep(0.02)
    finally:
        if not ended:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    with os.fdopen(reading) as answer:
        text = answer.read() if ended else ""
    if not ended:
        return -1, "time limit"
    if not text:
        return -2, "crash"
    code, failed, place = json.loads(text)
    if not place.startswith(str(source)):
        raise RuntimeError(f"tests ran on {place}, not on the copy in {source}")
    return code, failed


def copy_package(folder: Path) -> Path:
    """A copy of ``src`` in a folder; its path."""
    return Path(shutil.copytree(PACKAGE.parent, folder / "src"))


def _warm_up() -> None:
    """Import and compile once what every fork would need to; one thread, of a kind that forks."""
    os.environ.update(OMP_NUM_THREADS="1", NUMBA_NUM_THREADS="1")
    os.environ["NUMBA_THREADING_LAYER"] = "workqueue"
    for name in THIRD_PARTY:
        importlib.import_module(name)
    import anndata
    import numpy
    import scanpy

    cells = anndata.AnnData(numpy.random.default_rng(0).normal(size=(60, 10)))
    scanpy.pp.neighbors(cells, n_neighbors=5, use_rep="X")


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
        raise RuntimeError(f"no test ran for {mutant.file}: {' '.join(mutant.tests)}")
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
