"""Which cohorts are finished after a run in which samples failed, and that a cancelled run ends."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from on_failure import without_failed_samples
from patience import PATIENCE_S
from runs import ROOT

MEMBERS = {"x": ["a", "b", "c"], "y": ["d", "e"], "z": ["f", "g"]}


def test_a_cohort_goes_on_without_samples_that_failed() -> None:
    assert without_failed_samples(MEMBERS, ["b"], ["b"]) == {"x": ["a", "c"]}


def test_two_samples_are_needed() -> None:
    assert without_failed_samples(MEMBERS, ["d", "a", "b"], ["d", "a", "b"]) == {}


def test_a_sample_that_failed_late_takes_part() -> None:
    assert without_failed_samples(MEMBERS, [], ["e"]) == {"y": ["d", "e"]}
    assert without_failed_samples(MEMBERS, ["a"], ["a", "e"]) == {"x": ["b", "c"], "y": ["d", "e"]}


def test_nothing_is_done_where_nothing_failed() -> None:
    assert without_failed_samples(MEMBERS, [], []) == {}


SNAKEFILE = """
import sys
sys.path.insert(0, {lib!r})
from on_failure import is_cancelled, note_cancellation

onstart:
    note_cancellation()
onerror:
    print("cancelled:", is_cancelled(), flush=True)

rule all:
    output: "out"
    shell: "echo begun > begun; sleep {seconds}; false"
"""


@pytest.mark.parametrize("number", [None, signal.SIGINT, signal.SIGTERM])
def test_a_run_knows_whether_it_was_cancelled(
    tmp_path: Path, number: signal.Signals | None
) -> None:
    lib = str(ROOT / "workflow" / "lib")
    seconds = 0 if number is None else 2
    (tmp_path / "Snakefile").write_text(SNAKEFILE.format(lib=lib, seconds=seconds))
    process = subprocess.Popen(
        [sys.executable, "-m", "snakemake", "--cores", "1", "--keep-going"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        text=True,
    )
    if number is not None:
        while not (tmp_path / "begun").exists() and process.poll() is None:
            time.sleep(0.1)
        process.send_signal(number)
    out, _ = process.communicate(timeout=PATIENCE_S)
    assert f"cancelled: {number is not None}" in out
