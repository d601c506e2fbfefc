"""How a program of a stage ends: exit codes, reasons, and what is recorded of a killed one."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from patience import PATIENCE_S

from scsiameseclu.errors import UserError
from scsiameseclu.report.cohort_samples import read_entries
from scsiameseclu.stages.endings import MAY_PASS, MUST_MEND, UNEXPECTED, ending_of, ending_of_signal

NOTE = Path("stages/failure.json")
ROOT = Path(__file__).resolve().parents[2]
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs prctl")


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (UserError("file x is empty; use another"), MUST_MEND, "file x is empty"),
        (ValueError("odd"), UNEXPECTED, "unexpected ValueError in stage quality"),
        (MemoryError(), MAY_PASS, "out of memory in stage quality (asked for 1,500 MB)"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: 9"), MAY_PASS, "out of memory"),
        (RuntimeError("shapes differ"), UNEXPECTED, "unexpected RuntimeError"),
        (OSError(errno.ENOSPC, "full"), MAY_PASS, "no space left (or no quota) for"),
        (RuntimeError("Can't write (No space left on device)"), MAY_PASS, "no space left"),
        (caused(UserError("cannot write"), OSError(errno.EDQUOT, "q")), MAY_PASS, "no space left"),
        (caused(UserError("cannot read x"), OSError(errno.EIO, "io")), MAY_PASS, "cannot read x"),
        (caused(UserError("cannot read"), OSError(errno.EACCES, "no")), MUST_MEND, "cannot read"),
        (FileNotFoundError(errno.ENOENT, "none"), UNEXPECTED, "unexpected FileNotFoundError"),
    ],
)
def test_exit_codes(error: Exception, code: int, words: str, tmp_path: Path) -> None:
    ending = ending_of(error, "quality", tmp_path, 1500)
    assert ending.code == code
    assert words in ending.reason


def test_a_full_device_is_named_with_what_is_left(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space") as caught, Path("/dev/full").open("w") as full:
        full.write("x" * 100_000)
    reason = ending_of(caught.value, "quality", tmp_path, None).reason
    assert f"for {tmp_path}, whose device has" in reason
    assert "MB free" in reason


def ingest(folder: Path, source: Path, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, ROOT / "scripts" / "ingest.py", "--folder", folder]
    return subprocess.run(
        [*command, "--source", source, *more], capture_output=True, text=True, check=False
    )


def test_what_a_user_must_mend_is_not_tried_again(tmp_path: Path) -> None:
    folder, source = tmp_path / "s", tmp_path / "none.h5ad"
    first = ingest(folder, source)
    assert first.returncode == MUST_MEND
    assert json.loads((folder / NOTE).read_text())["must_mend"] is True
    second = ingest(folder, source, "--attempt", "2")
    assert second.returncode == MUST_MEND
    assert second.stderr.strip().endswith("(not tried again)")
    mended = ingest(folder, Path("demo:a"))
    assert mended.returncode == 0, mended.stderr
    assert not (folder / NOTE).exists()
    assert not (folder / "stages" / "running").exists()


WATCHED = """
import os, signal, sys, time
from scsiameseclu.stages.watching import watch
def died(death):
    print(signal.Signals(death.number).name, death.peak_mb > 5, flush=True)
    return 99
watch(died)
print("child", os.getpid(), flush=True)
{body}
"""


def watched(body: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WATCHED.format(body=body)], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize(("peak_mb", "blames_memory"), [(300, False), (1900, True)])
def test_memory_is_blamed_only_where_the_stage_used_it(peak_mb: float, blames_memory: bool) -> None:
    ending = ending_of_signal(
        signal.SIGKILL, "train", peak_mb=peak_mb, asked_mb=2000, out_of_memory=False
    )
    assert ("lack of memory" in ending.reason) == blames_memory
    assert f"used {peak_mb:,} MB, asked for 2,000 MB" in ending.reason


@linux
@pytest.mark.parametrize("name", ["SIGKILL", "SIGSEGV", "SIGABRT", "SIGALRM"])
def test_a_signal_that_ends_the_stage_is_seen(name: str) -> None:
    process = watched(f"os.kill(os.getpid(), signal.{name})")
    shown, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 99
    assert shown.splitlines()[1] == f"{name} True"


@linux
@pytest.mark.parametrize("code", [0, 3, 65])
def test_other_exit_codes_are_those_of_the_stage(code: int) -> None:
    process = watched(f"sys.exit({code})")
    shown, _ = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == code
    assert len(shown.splitlines()) == 1


@linux
def test_signals_reach_the_stage_and_it_ends_with_its_watcher() -> None:
    process = watched("time.sleep(600)")
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGTERM)
    shown, _ = process.communicate(timeout=PATIENCE_S)
    assert shown.startswith("SIGTERM")
    process = watched("time.sleep(600)")
    assert process.stdout is not None
    child = int(process.stdout.readline().split()[1])
    process.kill()
    process.wait()
    deadline = time.monotonic() + PATIENCE_S
    while Path(f"/proc/{child}/cmdline").is_file() and "sleep(600)" in cmdline(child):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def cmdline(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return ""


@linux
def test_a_killed_stage_has_its_reason_on_the_page(tmp_path: Path) -> None:
    """With its watching process alive, and with both killed."""
    samples = tmp_path / "samples"
    command = [sys.executable, ROOT / "scripts" / "ingest.py", "--source", "demo:a"]
    for name in ("child", "both"):
        folder = samples / name
        process = subprocess.Popen(
            [*command, "--folder", folder, "--asked-mb", "1000", "--attempt", "3"],
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        running = folder / "stages" / "running" / "ingest.json"
        while not running.is_file():
            assert process.poll() is None
            time.sleep(0.001)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        if name == "both":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            os.kill(int(children[0]), signal.SIGKILL)
        assert process.wait() == (-9 if name == "both" else 137)
    child, both, other = read_entries(tmp_path, ["child", "both", "other"])
    assert child.stage == both.stage == other.stage == "ingest"
    assert "stage ingest was killed" in child.reason
    assert "asked for 1,000 MB)" in child.reason
    assert child.reason.endswith("(tried 3 times)")
    assert both.reason.startswith("killed, at attempt 3")
    assert "(asked for 1,000 MB)" in both.reason
    assert other.reason.startswith("not reached")


def test_a_stage_whose_folder_is_in_its_settings_is_recorded_there(tmp_path: Path) -> None:
    settings = {"directory": str(tmp_path / "reference"), "settings": {"path": "none.h5ad"}}
    (tmp_path / "s.json").write_text(json.dumps(settings))
    command = [sys.executable, ROOT / "scripts" / "reference.py", "--settings"]
    done = subprocess.run([*command, tmp_path / "s.json"], capture_output=True, text=True)
    assert done.returncode == MUST_MEND
    note = json.loads((tmp_path / "reference" / NOTE).read_text())
    assert note["stage"] == note["sample"] == "reference"
    assert "none.h5ad" in note["reason"]
