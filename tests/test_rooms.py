"""A room of the package imports only from rooms below it, as the architecture page says."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "scsiameseclu"
PLAN = ROOT / "docs" / "explanation" / "architecture.md"


def floors() -> dict[str, int]:
    """Each room's row in the table of floors, counted from the top."""
    section = PLAN.read_text(encoding="utf-8").partition("## Floors")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    return {name: row for row, cell in enumerate(rows) for name in re.findall(r"`(\w+)`", cell)}


def room_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else path.stem


def imported(path: Path) -> Iterator[str]:
    """The rooms that a module imports, at its top or within functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            package, _, rest = name.partition(".")
            if package == "scsiameseclu" and rest and not rest.startswith("__"):
                yield rest.partition(".")[0]


def modules() -> Iterator[Path]:
    """All modules but the root package, which offers names of every room."""
    return (path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py")


def test_every_room_has_a_floor() -> None:
    assert {room_of(path) for path in modules()} == set(floors())


def test_rooms_import_only_from_below() -> None:
    plan = floors()
    upwards = [
        f"{path.relative_to(PACKAGE)} imports {other}"
        for path in modules()
        for other in imported(path)
        if other in plan and other != room_of(path) and plan[other] <= plan[room_of(path)]
    ]
    assert upwards == []
