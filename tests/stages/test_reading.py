"""Files are read by a process with limits, and a process that is stopped is one sentence."""

import os
import time
from pathlib import Path

import pytest

from scsiameseclu.errors import UserError
from scsiameseclu.stages import reading
from scsiameseclu.stages.reading import StoppedError, memory_limit, read_apart


def test_the_result_and_what_ends_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = "sample a: x.h5"
    assert read_apart(divmod, 17, 5, files=[], where=where, preload=()) == (3, 2)
    with pytest.raises(StoppedError, match=r"^sample a: x.h5 cannot be read \(the process .* kill"):
        read_apart(os._exit, 9, files=[], where=where, preload=())
    monkeypatch.setattr(reading, "reading_limit", lambda files: 0.6)
    with pytest.raises(UserError, match=r"^sample a: x.h5 could not be read in 0 minutes; check"):
        read_apart(time.sleep, 600, files=[], where=where, preload=())


def test_memory_follows_the_size_and_what_the_machine_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "_available_mb", lambda: 50_000.0)
    assert memory_limit([]) == reading.MIN_MB
    with (tmp_path / "a.csv").open("wb") as stream:
        stream.truncate(2 * 10**9)
    assert reading.MIN_MB < memory_limit([str(tmp_path / "a.csv")]) <= 50_000
    monkeypatch.setattr(reading, "_available_mb", lambda: 2000.0)
    assert memory_limit([]) == 2000.0
    monkeypatch.undo()
    assert 100 < reading._available_mb() < 10**8
