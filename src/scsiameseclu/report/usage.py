"""What the stages took beside what was asked for them."""

import json
from pathlib import Path
from typing import Any

from scsiameseclu.report.inputs import SIDECARS
from scsiameseclu.report.tables import Cell, Table, text, whole

ORDER = (*SIDECARS, "evaluate", "report", "assemble")


def usage_table(directory: Path) -> Table | None:
    """Time and peak memory of the stages that noted them (``usage/{stage}.json``); None for none.

    The stage that writes the page is not over yet, so it is missing.
    """
    notes = [_read(directory / "usage" / f"{stage}.json") for stage in ORDER]
    found = [note for note in notes if note is not None]
    if not found:
        return None
    rows, columns = [_row(note) for note in found], []
    if any(note.get("where") for note in found):
        columns = ["Where"]
        rows = [[*row, text(_place(note))] for row, note in zip(rows, found, strict=True)]
    return Table(
        "usage",
        "Time and memory of each stage, and what was asked for it (predicted from cells, genes and "
        "stored counts; at least 1,000 MB and 10 minutes; doubled when a job is tried again).",
        ["Stage", "Cores", "Time", "CPU time", "Memory, MB", "Asked, MB", "Asked, min", *columns],
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


def _place(note: dict[str, Any]) -> str:
    """``node gpu1, partition gpu, GPU 0, image.sif``, as far as it is known."""
    where = note.get("where") or {}
    words = {"node": "node", "partition": "partition", "gpus": "GPU"}
    told = [f"{word} {where[name]}" for name, word in words.items() if name in where]
    return ", ".join([*told, *([Path(where["image"]).name] if "image" in where else [])])


def _known(value: float | None) -> Cell:
    return Cell("–") if value is None else whole(value)


def duration(seconds: float) -> str:
    """``43 s``, ``12 min 5 s`` or ``3 h 20 min``."""
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"
