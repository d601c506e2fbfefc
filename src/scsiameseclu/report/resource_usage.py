"""Resources used by each stage, and those requested for it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scsiameseclu.report.tables import Cell, Table, text, whole


def usage_table(notes: Sequence[dict[str, Any]]) -> Table | None:
    """Time and peak memory by stage; None if no stage recorded them.

    The report stage itself is missing, because it is still running.
    """
    if not notes:
        return None
    rows, columns = [_row(note) for note in notes], []
    if any(note.get("where") for note in notes):
        columns = ["Where"]
        rows = [[*row, text(_place(note))] for row, note in zip(rows, notes, strict=True)]
    return Table(
        "usage",
        "Time and memory used and requested by stage. Requests are predicted from the numbers of "
        "cells, genes and stored counts (at least 1,000 MB and 10 minutes) and doubled on retry."
        + _shared(notes),
        [
            "Stage",
            "Cores",
            "Time",
            "CPU time",
            "Peak MB",
            "Requested MB",
            "Requested min",
            *columns,
        ],
        rows,
    )


def _shared(notes: Sequence[dict[str, Any]]) -> str:
    """A sentence on memory that is not part of the peaks, if there is such memory."""
    most = max(note.get("shared_mb", 0) for note in notes)
    if not most:
        return ""
    return f" Libraries that the stages of the run share, {most:,} MB held once, are not counted."


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


def _place(note: dict[str, Any]) -> str:
    """``node gpu1, partition gpu, GPU 0, image.sif``, as far as known."""
    where = note.get("where") or {}
    words = {"node": "node", "partition": "partition", "gpus": "GPU"}
    parts = [f"{word} {where[name]}" for name, word in words.items() if name in where]
    return ", ".join([*parts, *([Path(where["image"]).name] if "image" in where else [])])


def _known(value: float | None) -> Cell:
    return Cell("–") if value is None else whole(value)


def duration(seconds: float) -> str:
    """``43 s``, ``12 min 5 s`` or ``3 h 20 min``."""
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
