"""The sample sheet: a tab-separated file, checked whole, with one sentence for each problem."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sentences import Schema, problems_with, unknown_name

DEMO = ("demo:a", "demo:b")
FILE_COLUMNS = ("path", "metadata")
Row = dict[str, Any]
Line = tuple[int, list[str]]


def read_sheet(path: str | Path, schema: Schema) -> tuple[list[Row], list[str]]:
    """The rows of the sheet and what is wrong with them.

    Parameters
    ----------
    path
        The sheet. Blank lines and lines that begin with ``#`` are left out.
    schema
        The JSON schema of one row; its properties are the columns there can be.

    Returns
    -------
    The rows (only the cells that are filled, numbers as numbers), and the problems as sentences.
    """
    lines, problems = _lines(Path(path))
    if problems:
        return [], problems
    (number, header), *body = lines
    problems = _header_problems(header, schema, f"{path}, line {number}")
    if problems:
        return [], problems
    rows = []
    lines_of: dict[str, int] = {}
    for number, cells in body:
        where = f"{path}, line {number}"
        if len(cells) > len(header):
            problems.append(
                f"{where}: {len(cells)} values for {len(header)} columns; "
                "remove the extra tabs or name the columns in the header"
            )
        row = _typed(header, cells, schema)
        problems += _value_problems(row, schema, where) + list(_missing_files(row, where))
        sample = row.get("sample")
        if sample in lines_of:
            problems.append(
                f"{where}: sample {sample!r} was there before, in line {lines_of[sample]}; "
                "give each line a name of its own"
            )
        elif sample:
            lines_of[sample] = number
        rows.append(row)
    if not body:
        problems.append(f"{path} names no samples; write one line for each below the header")
    return rows, problems


def input_files(row: Row) -> list[str]:
    """The files of a sample that Snakemake is to watch; those inside it for a 10x folder."""
    files = [row["metadata"]] if "metadata" in row else []
    source = Path(row["path"])
    if row["path"] in DEMO:
        return files
    if not source.is_dir():
        return [row["path"], *files]
    inside = sorted(str(item) for item in source.iterdir() if {".mtx", ".tsv"} & set(item.suffixes))
    return [*(inside or [row["path"]]), *files]


def _lines(path: Path) -> tuple[list[Line], list[str]]:
    """The sheet's lines that say something, each with its number and its cells."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return [], [f"the sample sheet {path} does not exist; name it in config key samples"]
    except (OSError, UnicodeDecodeError) as error:
        return [], [f"the sample sheet {path} cannot be read as text ({type(error).__name__})"]
    lines = [
        (number, [cell.strip() for cell in line.split("\t")])
        for number, line in enumerate(text.splitlines(), start=1)
        if line.strip() and not line.startswith("#")
    ]
    if not lines:
        return [], [f"the sample sheet {path} is empty; its first line names the columns"]
    return lines, []


def _header_problems(header: list[str], schema: Schema, where: str) -> list[str]:
    known = list(schema["properties"])
    for mark, name in ((",", "commas"), (";", "semicolons"), (" ", "spaces")):
        if len(header) == 1 and mark in header[0]:
            return [f"{where}: the columns look separated by {name}; separate them by tabs"]
    problems = [
        f"{where}: {unknown_name(name, known, 'column')}" for name in header if name not in known
    ]
    problems += [
        f"{where}: column {name!r} is there {header.count(name)} times; keep one"
        for name in known
        if header.count(name) > 1
    ]
    problems += [
        f"{where}: there is no column {name!r}; the sheet needs it"
        for name in schema["required"]
        if name not in header
    ]
    return problems


def _typed(header: list[str], cells: list[str], schema: Schema) -> Row:
    """The filled cells by column; text that should be a number and is not stays text."""
    row: Row = {}
    for column, cell in zip(header, cells, strict=False):
        if not cell:
            continue
        row[column] = _number(cell, schema["properties"][column]["type"])
    return row


def _number(cell: str, kind: str) -> str | int | float:
    """The cell as the number that its column asks for, or as it stands."""
    try:
        if kind == "integer":
            return int(cell)
        if kind == "number" and math.isfinite(float(cell)):
            return float(cell)
    except ValueError:
        pass
    return cell


def _value_problems(row: Row, schema: Schema, where: str) -> list[str]:
    return problems_with(
        row, schema, place=lambda path: f"{where}: {path[-1]}", section=lambda path: where
    )


def _missing_files(row: Row, where: str) -> Iterator[str]:
    for column in FILE_COLUMNS:
        path = row.get(column)
        if not path or (column == "path" and path in DEMO):
            continue
        if column == "path" and path.startswith("demo:"):
            yield f"{where}: {path} is not a part of the demo data; there are {' and '.join(DEMO)}"
        elif not Path(path).exists():
            yield (
                f"{where}: {column} {path} does not exist; "
                f"paths are absolute or relative to {Path.cwd()}"
            )
