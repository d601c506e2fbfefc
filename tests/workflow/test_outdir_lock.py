"""One run per output folder: a second is refused, and a dead one holds up nobody."""

import json
import os
import platform
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from outdir_lock import DEAD_AFTER_S, NAME
from patience import PATIENCE_S
from runs import GOOD, QUICK, ROOT, snakemake, write_inputs

CLAIM = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from outdir_lock import claim
print(claim(Path(sys.argv[2])) or "claimed", flush=True)
time.sleep(float(sys.argv[3]))
"""


def start(outdir: Path, seconds: float) -> "subprocess.Popen[str]":
    library = str(ROOT / "workflow" / "lib")
    return subprocess.Popen(
        [sys.executable, "-c", CLAIM, library, str(outdir), str(seconds)],
        stdout=subprocess.PIPE,
        text=True,
    )


def answer(outdir: Path) -> str:
    shown, _ = start(outdir, 0).communicate(timeout=PATIENCE_S)
    return shown.strip()


def test_a_second_run_is_refused_until_the_first_ends_or_is_killed(tmp_path: Path) -> None:
    outdir = tmp_path / "results"
    first = start(outdir, 600)
    assert first.stdout is not None
    assert first.stdout.readline() == "claimed\n"
    refused = answer(outdir)
    assert refused.startswith(f"folder {outdir} is in use by process {first.pid} on ")
    assert refused.endswith(f"remove {outdir / NAME}")
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert (outdir / NAME).is_file()
    assert answer(outdir) == "claimed"
    assert not (outdir / NAME).exists()


@pytest.mark.parametrize("age", [0.0, DEAD_AFTER_S + 1])
def test_a_run_on_another_host_is_alive_as_long_as_it_shows(tmp_path: Path, age: float) -> None:
    note = tmp_path / NAME
    note.write_text(json.dumps({"host": "elsewhere", "process": 7}))
    os.utime(note, times=(time.time() - age, time.time() - age))
    expected = "claimed" if age else f"folder {tmp_path} is in use by process 7 on elsewhere"
    assert answer(tmp_path).startswith(expected)


@pytest.mark.parametrize("content", ["", "{", '{"host": 1}', "[]"])
def test_a_damaged_note_holds_up_nobody(tmp_path: Path, content: str) -> None:
    (tmp_path / NAME).write_text(content)
    assert answer(tmp_path) == "claimed"


def test_snakemake_is_refused_from_another_folder(tmp_path: Path) -> None:
    outdir = tmp_path / "results"
    first = start(outdir, 600)
    try:
        assert first.stdout is not None
        first.stdout.readline()
        write_inputs(tmp_path / "b", GOOD[:1], QUICK | {"outdir": str(outdir)})
        done = snakemake(tmp_path / "b")
        assert done.returncode == 1
        where = f"process {first.pid} on {platform.node()}"
        assert f"folder {outdir} is in use by {where}; wait for that run" in done.stdout
        assert "Traceback" not in done.stdout
        assert not (outdir / "samples").exists()
        assert snakemake(tmp_path / "b", "--dry-run").returncode == 0
    finally:
        first.kill()
        first.wait()
