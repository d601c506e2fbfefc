"""What the stages took beside what was asked for them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from scsiameseclu.report.tables import Cell, Table, text, whole


def usage_table(notes: Sequence[dict[str, Any]]) -> Table | None:
    """Time and peak memory of the stages that noted them; None if none did.

    The stage that writes the page is still running, so it is missing.
    """
    if not notes:
        return None
    rows, columns = [_row(note) for note in notes], []
    if any(note.get("where") for note in notes):
        columns = ["Where"]
        rows = [[*row, text(_place(note))] for row, note in zip(rows, notes, strict=True)]
    return Table(
        "usage",
        "Time and memory of each stage, and what was asked for it (predicted from cells, genes and "
        "stored counts; at least 1,000 MB and 10 minutes; doubled when a job is tried again).",
        ["Stage", "Cores", "Time", "CPU time", "Memory, MB", "Asked, MB", "Asked, min", *columns],
        rows,
    )


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
    """``node gpu1, partition gpu, GPU 0, image.sif``, as far as it is known."""
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
