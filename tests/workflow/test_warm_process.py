"""Stages that are forked from the warm process do what they do in a process of their own."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import warm_process
from patience import PATIENCE_S
from runs import GOOD, QUICK, ROOT, Run, snakemake, write_inputs

from scsiameseclu.stages.endings import MUST_MEND
from scsiameseclu.stages.warm import VARIABLE
from scsiameseclu.stages.warm_server import MODULES

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux only")
SOURCE = ROOT / "src"
OF_PYTEST = "PYTEST_CURRENT_TEST"
"""A variable that differs from test to test."""
SERVER = """
import os, sys, time
from scsiameseclu.stages import graph, warm_server

def run(folder, *, settings: graph.GraphSettings, seed: int = 0) -> None:
    import numba, numpy, sklearn.cluster, threadpoolctl, torch
    if seed == 1:
        print("stage", os.getpid(), os.getppid(), flush=True)
        time.sleep(600)
    if seed == 2:
        os.kill(os.getpid(), 11)
    numpy.ones((500, 500)) @ numpy.ones((500, 500))
    pools = [pool["num_threads"] for pool in threadpoolctl.threadpool_info()]
    threads = {*pools, numba.get_num_threads(), torch.get_num_threads()}
    mask = os.umask(0)
    print(threads, os.getcwd(), os.environ["TMPDIR"], mask, sys.argv[1], sys.stdin.read())

graph.run = run
warm_server.serve(sys.argv[1], int(sys.argv[2]), MODULES)
"""


def launch(*server: str) -> warm_process.WarmProcess:
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(OF_PYTEST, raising=False)
        return warm_process.launch(SOURCE, tempfile.mkdtemp(), server)


def end(warm: warm_process.WarmProcess) -> None:
    os.close(warm.until)
    assert warm.process.wait(PATIENCE_S) == 0
    assert not Path(warm.socket).parent.exists()


@pytest.fixture(scope="module")
def warm() -> Iterator[warm_process.WarmProcess]:
    """A warm process with the libraries of the first stages."""
    modules = MODULES[: MODULES.index("torch_geometric")]
    warm = launch("-c", SERVER.replace("MODULES", repr(modules)))
    wait_for(warm)
    yield warm
    end(warm)


def wait_for(warm: warm_process.WarmProcess) -> None:
    """Until it greets after the last import, that of torch."""
    maps = Path(f"/proc/{warm.process.pid}/maps")
    deadline = time.monotonic() + PATIENCE_S
    while "libtorch" not in maps.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(warm.socket)
        connection.recv(1)


def command(stage: str, folder: Path, *more: object) -> list[str]:
    words = [sys.executable, ROOT / "scripts" / f"{stage}.py", "--folder", folder, *more]
    return [str(word) for word in words]


def environment(warm: warm_process.WarmProcess | None, **more: str) -> dict[str, str]:
    """The environment that jobs of a run with this process have."""
    path = os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH")]))
    own = {name: value for name, value in os.environ.items() if name != OF_PYTEST}
    return own | {"PYTHONPATH": path, VARIABLE: warm.socket if warm else ""} | more


def run(
    warm: warm_process.WarmProcess | None, stage: str, folder: Path, *more: object, **how: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(stage, folder, *more),
        env=environment(warm, **how),
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE_S,
    )


def shared(folder: Path, stage: str) -> float:
    """The memory that a stage shared with a warm process; 0 if there was none."""
    note = json.loads((folder / "stages" / "usage" / f"{stage}.json").read_text())
    return float(note.get("shared_mb", 0))


def sleeping(warm: warm_process.WarmProcess, folder: Path) -> tuple[subprocess.Popen[str], int]:
    """A stage that sleeps: its program here, and its process."""
    process = subprocess.Popen(
        command("graph", folder, "--seed", 1), env=environment(warm), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    word, stage, _ = process.stdout.readline().split()
    assert word == "stage"
    return process, int(stage)


def wait_for_end(process: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while Path(f"/proc/{process}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_warm_stages_write_the_same_bytes(warm: warm_process.WarmProcess, tmp_path: Path) -> None:
    more: dict[str, list[object]] = {
        "ingest": ["--source", "demo:a"],
        "train": ["--pretrain-steps", 12, "--networks", 2, "--device", "cpu"],
    }
    written = []
    for process in (None, warm):
        folder = tmp_path / str(bool(process)) / "a"
        for stage in ("ingest", "quality", "expression", "train"):
            if stage == "train":
                assert run(None, "graph", folder).returncode == 0
            done = run(process, stage, folder, "--threads", 1, *more.get(stage, []))
            assert done.returncode == 0, done.stderr
            assert f" a {stage}: " in done.stderr or stage != "train"  # its log
            assert bool(shared(folder, stage)) == bool(process)
        files = (path for path in folder.rglob("*") if path.is_file() and path.parts[-2] != "usage")
        written.append(
            {p.relative_to(folder): hashlib.sha256(p.read_bytes()).digest() for p in files}
        )
    assert len(written[0]) > 10
    assert written[0] == written[1]


@pytest.mark.parametrize("threads", [1, 3])
def test_a_warm_stage_has_threads_folder_and_streams_of_its_program(
    warm: warm_process.WarmProcess, tmp_path: Path, threads: int
) -> None:
    words = command("graph", tmp_path, "--threads", threads)
    done = subprocess.run(
        ["bash", "-c", 'umask 027; cd "$1"; exec "${@:2}"', "_", tmp_path, *words],
        env=environment(warm, TMPDIR=str(tmp_path / "t"), OMP_NUM_THREADS="2"),
        input="typed",
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    where = f"{tmp_path} {tmp_path / 't'} {0o027} --folder typed"
    assert done.stdout == f"{{{threads}}} {where}\n"


def test_a_failure_of_a_warm_stage_is_recorded_and_has_its_code(
    warm: warm_process.WarmProcess, tmp_path: Path
) -> None:
    done = run(warm, "ingest", tmp_path / "a", "--source", "none.h5ad")
    assert done.returncode == MUST_MEND
    assert done.stderr.startswith("error: sample a: file none.h5ad does not exist")
    note = json.loads((tmp_path / "a" / "stages" / "failure.json").read_text())
    assert (note["stage"], note["must_mend"]) == ("ingest", True)
    assert run(warm, "ingest", tmp_path / "a", "--unknown").returncode == 2
    crashed = run(warm, "graph", tmp_path / "a", "--seed", 2, "--asked-mb", 1000)
    assert crashed.returncode == 128 + signal.SIGSEGV
    assert "stage graph crashed in compiled code (SIGSEGV; used " in crashed.stderr
    assert int(crashed.stderr.partition("used ")[2].split()[0]) < 100  # without the libraries


def test_a_signal_to_the_program_reaches_the_warm_stage(
    warm: warm_process.WarmProcess, tmp_path: Path
) -> None:
    process, stage = sleeping(warm, tmp_path)
    process.terminate()
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 128 + signal.SIGTERM
    assert "stage graph was stopped by SIGTERM" in errors
    wait_for_end(stage)


def test_a_warm_stage_is_killed_with_its_program(
    warm: warm_process.WarmProcess, tmp_path: Path
) -> None:
    process, stage = sleeping(warm, tmp_path)
    process.kill()
    process.communicate(timeout=PATIENCE_S)
    wait_for_end(stage)


def test_a_stage_that_is_killed_from_outside_has_failed(
    warm: warm_process.WarmProcess, tmp_path: Path
) -> None:
    process, stage = sleeping(warm, tmp_path)
    os.kill(stage, signal.SIGKILL)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 128 + signal.SIGKILL
    assert "stage graph was killed (SIGKILL" in errors


def test_stages_go_on_when_the_warm_process_ends(tmp_path: Path) -> None:
    """It may be killed; where the keeper of a stage is killed, too, the stage starts again."""
    warm = launch("-c", SERVER.replace("MODULES", "()"))
    process, stage = sleeping(warm, tmp_path)
    warm.process.kill()
    warm.process.wait()
    assert process.poll() is None
    watcher = parent(stage)
    os.kill(parent(watcher), signal.SIGKILL)
    wait_for_end(stage)
    _, errors = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 1 + 64, errors  # without what graph reads
    assert "a stage to run before" in errors or "does not exist" in errors
    os.close(warm.until)
    shutil.rmtree(Path(warm.socket).parent)


def parent(process: int) -> int:
    stat = Path(f"/proc/{process}/stat").read_text()
    return int(stat.rpartition(")")[2].split()[1])


@pytest.mark.parametrize("what", ["gone", "off", "environment"])
def test_without_a_warm_process_of_its_kind_a_stage_runs_by_itself(
    warm: warm_process.WarmProcess, tmp_path: Path, what: str
) -> None:
    variables = {
        "gone": {VARIABLE: str(tmp_path / "socket")},
        "off": {VARIABLE: "off"},
        "environment": {"LC_ALL": "C.UTF-8", "NUMBA_DISABLE_JIT": "1"},
    }[what]
    done = run(warm, "ingest", tmp_path / "a", "--source", "demo:a", **variables)
    assert done.returncode == 0, done.stderr
    assert shared(tmp_path / "a", "ingest") == 0


def test_a_warm_process_with_threads_forks_nothing(tmp_path: Path) -> None:
    server = "import threading, time\nthreading.Thread(target=time.sleep, args=(1,)).start()\n"
    warm = launch("-c", server + SERVER.replace("MODULES", "()"))
    done = run(warm, "ingest", tmp_path / "a", "--source", "demo:a")
    assert done.returncode == 0, done.stderr
    assert shared(tmp_path / "a", "ingest") == 0
    end(warm)


def test_the_libraries_leave_one_thread_and_no_device(tmp_path: Path) -> None:
    """Threads are not forked, CUDA does not survive it, and nobody has drawn random numbers."""
    code = """
import importlib, os, random, sys
from scsiameseclu.stages.warm_server import MODULES, NO_THREADS
os.environ |= NO_THREADS
import numpy
def state():
    return random.getstate(), numpy.random.get_state()[1].tolist(), numpy.random.get_state()[2]
before = state()
for module in MODULES:
    importlib.import_module(module)
import torch
print(len(os.listdir("/proc/self/task")), torch.cuda.is_initialized(), state() == before)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.split() == ["1", "False", "True"], done.stderr


@pytest.mark.slow
def test_the_stages_of_a_run_are_forked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", tempfile.mkdtemp())  # paths of sockets are short
    write_inputs(tmp_path, GOOD[:1], QUICK)
    run = Run(tmp_path, snakemake(tmp_path))
    assert run.done.returncode == 0, run.done.stdout
    folder = run.results / "samples" / "a"
    stages = {path.stem for path in (folder / "stages" / "usage").iterdir()}
    assert {stage for stage in stages if not shared(folder, stage)} <= {"ingest", "quality"}
    assert "trained on the CPU" in (run.results / "logs" / "a" / "train.log").read_text()
    assert "share" in (folder / "report.html").read_text().partition("Time and memory used")[2]
    deadline = time.monotonic() + PATIENCE_S
    while list(Path(os.environ["TMPDIR"]).glob("scsiameseclu-*")):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    shutil.rmtree(os.environ["TMPDIR"])
