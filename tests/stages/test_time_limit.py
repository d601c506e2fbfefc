"""Reading that never returns ends with its process, and leaves a reason."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from patience import PATIENCE_S

from scsiameseclu.stages.notes import note_failure
from scsiameseclu.stages.time_limit import MIN_SECONDS, ended_after, reading_limit
from scsiameseclu.store.folder import SampleFolder

FAILURE = {"sample": "a", "stage": "ingest", "reason": "took too long"}
STUCK = """
import pathlib, sys
from scsiameseclu.stages.time_limit import ended_after
with ended_after(0.2, directory=pathlib.Path(sys.argv[1]), sample="a", stage="ingest",
                 reason="took too long"):
    pow(3, 10**9)  # one instruction of Python, for hours
"""


def test_a_call_that_does_not_return_is_ended(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", STUCK, tmp_path], timeout=PATIENCE_S)
    assert done.returncode == -signal.SIGALRM
    assert SampleFolder(tmp_path, "a").failure() == FAILURE | {"must_mend": True}


def test_nothing_is_left_of_a_block_that_ends(tmp_path: Path) -> None:
    folder = SampleFolder(tmp_path, "a")
    before = signal.getsignal(signal.SIGALRM)
    with ended_after(100, directory=tmp_path, **FAILURE):
        assert folder.failure() == FAILURE | {"must_mend": True}
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 90
    with pytest.raises(ValueError, match="error"), ended_after(100, directory=tmp_path, **FAILURE):
        raise ValueError("error")
    assert folder.failure() is None
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
    assert signal.getsignal(signal.SIGALRM) == before


def test_a_failure_of_another_stage_is_kept(tmp_path: Path) -> None:
    with ended_after(100, directory=tmp_path, **FAILURE):
        note_failure(tmp_path, "a", "train", "other")
    assert SampleFolder(tmp_path, "a").failure()["stage"] == "train"


def test_large_files_have_more_time(tmp_path: Path) -> None:
    (tmp_path / "counts").write_bytes(bytes(3_000_000))
    assert reading_limit([tmp_path / "counts", "absent"]) == pytest.approx(MIN_SECONDS + 3)
