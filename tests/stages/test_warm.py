"""What a stage needs to know to run in a warm process; tests/workflow runs stages there."""

import json
from pathlib import Path

import pytest

from scsiameseclu.report.resource_usage import usage_table
from scsiameseclu.stages.notes import note_usage, peak_mb
from scsiameseclu.stages.warm import FREE, VARIABLE, hand_over, settled


def test_variables_of_the_shell_and_of_threads_do_not_matter() -> None:
    kept = {"PYTHONPATH": "x", "CUDA_VISIBLE_DEVICES": ""}
    free = {"PWD": "/", "TMPDIR": "/t", "OPENBLAS_NUM_THREADS": "1", "VECLIB_MAXIMUM_THREADS": "1"}
    assert settled(kept | free | {VARIABLE: "x"}) == kept
    assert not {"PATH", "HOME", "LD_LIBRARY_PATH"} & FREE


@pytest.mark.parametrize("value", ["", "off", "relative/socket", "/none/socket"])
def test_without_a_socket_a_stage_is_not_handed_over(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv(VARIABLE, value)
    hand_over("graph", ["graph.py", "--help"])


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
