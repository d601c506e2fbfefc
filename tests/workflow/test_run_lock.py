"""The lock of a dead run is removed, and the lock of a live one never."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from run_lock import clear_lock_of_killed_run
from runs import ROOT

HOLD = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from run_lock import hold
hold(Path(sys.argv[2]))
print("held", flush=True)
if sys.argv[3] == "stay":
    time.sleep(60)
"""


@pytest.fixture
def note(tmp_path: Path) -> Path:
    (tmp_path / "locks").mkdir()
    (tmp_path / "locks" / "0.output.lock").touch()
    return tmp_path / "running"


def start(note: Path, how: str) -> "subprocess.Popen[str]":
    library = str(ROOT / "workflow" / "lib")
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, library, str(note), how], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_live_and_killed_run(note: Path) -> None:
    locks = note.parent / "locks"
    process = start(note, "stay")
    assert not clear_lock_of_killed_run(note, locks)
    assert locks.is_dir()
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert clear_lock_of_killed_run(note, locks)
    assert not locks.exists()
    assert not note.exists()


def test_a_run_that_ended_by_itself_leaves_no_note(note: Path) -> None:
    start(note, "end").wait()
    assert not note.exists()
    assert not clear_lock_of_killed_run(note, note.parent / "locks")
    assert (note.parent / "locks").is_dir()


def test_a_run_of_another_host_is_left_alone(note: Path) -> None:
    note.write_text("another-host")
    assert not clear_lock_of_killed_run(note, note.parent / "locks")
    assert (note.parent / "locks").is_dir()
