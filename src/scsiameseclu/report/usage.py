"""What the stages took beside what was asked for them."""

import json
from pathlib import Path
from typing import Any

from scsiameseclu.report.inputs import SIDECARS
from scsiameseclu.report.tables import Cell, Table, text, whole

ORDER = (*SIDECARS, "markers", "evaluate", "report", "assemble")


def usage_table(directory: Path) -> Table | None:
    """Time and peak memory of the stages that noted them (``usage/{stage}.json``); None for none.

    The stage that writes the page is not over yet, so it is missing.
    """
    notes = [_read(directory / "usage" / f"{stage}.json") for stage in ORDER]
    rows = [_row(note) for note in notes if note is not None]
    if not rows:
        return None
    return Table(
        "usage",
        "Time and memory of each stage, and what was asked for it (predicted from cells, genes and "
        "stored counts; at least 1,000 MB and 20 minutes; doubled when a job is tried again).",
        ["Stage", "Cores", "Time", "CPU time", "Memory, MB", "Asked, MB", "Asked, min"],
        rows,
    )


def _read(path: Path) -> dict[str, Any] | None:
    if not path.is_file():
        return None
    note: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return note


def _row(note: dict[str, Any]) -> list[Cell]:
    seconds, cpu = float(note["seconds"]), float(note["cpu_seconds"])
    return [
        text(note["stage"]),
        _known(note["threads"]),
        Cell(duration(seconds), number=seconds),
        Cell(duration(cpu), number=cpu),
        whole(note["peak_mb"]),
        _known(note["asked_mb"]),
        _known(note["asked_minutes"]),
    ]


def _known(value: float | None) -> Cell:
    return Cell("–") if value is None else whole(value)


def duration(seconds: float) -> str:
    """``43 s``, ``12 min 5 s`` or ``3 h 20 min``."""
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
