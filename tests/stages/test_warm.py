"""What a stage needs to know to run in a warm process; tests/workflow runs stages there."""

import json
import os
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from patience import PATIENCE_S

from scsiameseclu.report.resource_usage import usage_table
from scsiameseclu.stages.notes import note_usage, peak_mb
from scsiameseclu.stages.warm import FREE, VARIABLE, hand_over, settled


def test_variables_of_the_shell_and_of_threads_do_not_matter() -> None:
    kept = {"PYTHONPATH": "x", "CUDA_VISIBLE_DEVICES": ""}
    free = {"PWD": "/", "TMPDIR": "/t", "OPENBLAS_NUM_THREADS": "1", "VECLIB_MAXIMUM_THREADS": "1"}
    own = {VARIABLE: "x", "SCSIAMESECLU_LEFT_OUT": "a,b"}  # of the run that finishes cohorts
    assert settled(kept | free | own) == kept
    assert not {"PATH", "HOME", "LD_LIBRARY_PATH"} & FREE


@pytest.mark.parametrize("value", ["", "off", "relative/socket", "/none/socket"])
def test_without_a_socket_a_stage_is_not_handed_over(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv(VARIABLE, value)
    hand_over("graph", ["graph.py", "--help"])


@pytest.mark.parametrize("closed", ["", "<&-"])
def test_a_program_without_standard_input_is_not_handed_over(tmp_path: Path, closed: str) -> None:
    """A stage would inherit the connection in its place, and outlive its program."""
    path = tmp_path / "socket"
    program = "from scsiameseclu.stages.warm import hand_over; hand_over('graph', [''])"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.setblocking(False)
        command = f"exec {shlex.quote(sys.executable)} -c {shlex.quote(program)} {closed}"
        process = subprocess.Popen(["sh", "-c", command], env=os.environ | {VARIABLE: str(path)})
        try:
            if closed:
                process.wait(PATIENCE_S)
                with pytest.raises(BlockingIOError):
                    listener.accept()
            else:
                listener.settimeout(PATIENCE_S)
                listener.accept()[0].close()
        finally:
            process.kill()
            process.wait()


@pytest.mark.parametrize("shared", [0, 50, 10**6])
def test_shared_memory_is_noted_apart(tmp_path: Path, shared: int) -> None:
    note_usage(
        tmp_path, "graph", 1.0, threads=1, asked_mb=None, asked_minutes=None, shared_mb=shared
    )
    note = json.loads((tmp_path / "stages" / "usage" / "graph.json").read_text())
    assert note["peak_mb"] == pytest.approx(max(0, peak_mb() - shared), abs=2)
    assert note.get("shared_mb", 0) == shared
    table = usage_table([note])
    assert table is not None
    assert ("held once, are not counted" in table.caption) == (shared > 0)
