"""Reader for sample sheets, used by Snakemake, ``make check`` and the stage cohort.

Only the standard library is required, since Snakemake may run on hosts without NumPy.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scsiameseclu.errors import UserError
from scsiameseclu.io.request import hashtag_table
from scsiameseclu.options import Rule, as_declared, fits, from_text, reversed_limits
from scsiameseclu.stages.columns import COLUMNS, FREE, META, rule_of_column
from scsiameseclu.stages.input_files import file_problem
from scsiameseclu.stages.schema_messages import problems_with, reversed_range, unknown_name

SCHEMA: Rule = {
    "type": "object",
    "additionalProperties": False,
    "required": ["sample", "path"],
    "properties": COLUMNS,
    "patternProperties": {f"^{META.pattern}$": FREE},
}
QUOTED = re.compile(r'"((?:[^"]|"")*)"')
"""A cell quoted by a spreadsheet program, with doubled quotation marks inside."""
Row = dict[str, Any]
Cells = list[str]


@dataclass
class Line:
    """A line of a sheet.

    Attributes
    ----------
    number
        Its number in the file.
    row
        Its non-empty cells by column.
    problems
        What is wrong with its cells.
    file_problems
        Input files that cannot be read, which concern this sample only.
    """

    number: int
    row: Row
    problems: list[str] = field(default_factory=list)
    file_problems: list[str] = field(default_factory=list)


@dataclass
class Sheet:
    """A sample sheet.

    ``problems`` are those of the sheet itself; if its header is invalid, there are no lines.
    """

    lines: list[Line] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def rows(self) -> list[Row]:
        """The rows, with parsed numbers and without empty cells."""
        return [line.row for line in self.lines]

    @property
    def all_problems(self) -> list[str]:
        """All problems of header and cells, one message each, in the order of the lines."""
        return self.problems + [problem for line in self.lines for problem in line.problems]

    @property
    def file_problems(self) -> list[str]:
        """All problems of input files."""
        return [problem for line in self.lines for problem in line.file_problems]


def read_sheet(path: str | Path) -> Sheet:
    """Read a sample sheet and check its columns and cells, but not the input files.

    Parameters
    ----------
    path
        A tab-separated UTF-8 file with a header. Empty lines and lines that start with ``#`` are
        ignored; cells are stripped, and Excel's quotation marks are removed.
    """
    try:
        text = _text(Path(path))
    except UserError as error:
        return Sheet(problems=[str(error)])
    sheet = Sheet()
    header: Cells = []
    for number, written in enumerate(text.split("\n"), start=1):
        where = f"{path}, line {number}"
        cells = _cells(written)
        if not any(cells):
            continue
        if header:
            sheet.lines.append(Line(number, *_row(header, cells, where)))
            continue
        header = cells
        sheet.problems = _header_problems(header, where)
        if sheet.problems:
            return sheet
    if not header:
        sheet.problems.append(f"sample sheet {path} is empty; add a header with the column names")
    elif not sheet.lines:
        sheet.problems.append(
            f"sample sheet {path} has no samples; add one line per sample below the header"
        )
    _reject_repeated_names(sheet, path)
    return sheet


def check_sheet(path: str | Path) -> Sheet:
    """Read a sample sheet with :func:`read_sheet`, and check that its input files can be opened."""
    sheet = read_sheet(path)
    for line in sheet.lines:
        where = f"{path}, line {line.number}"
        line.file_problems = [f"{where}: {problem}" for problem in _file_problems(line.row)]
    return sheet


def sample_names(path: str | Path) -> list[str]:
    """The sample names of a sheet.

    Raises
    ------
    UserError
        The sheet is invalid.
    """
    sheet = read_sheet(path)
    if sheet.all_problems:
        raise UserError("; also: ".join(sheet.all_problems))
    return [row["sample"] for row in sheet.rows]


def _text(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8-sig")
        if "\0" in text:
            raise UnicodeError
    except FileNotFoundError as error:
        raise UserError(f"sample sheet {path} does not exist; set config key samples") from error
    except UnicodeError as error:
        raise UserError(f"sample sheet {path} is not UTF-8 text; save it as UTF-8") from error
    except OSError as error:
        raise UserError(
            f"sample sheet {path} cannot be read ({error.strerror}); check config key samples"
        ) from error
    return text


def _cells(line: str) -> Cells:
    """The cells of a line, stripped and without quotation marks; none for a comment."""
    cells = [_unquoted(cell.strip()) for cell in line.split("\t")]
    return [] if cells[0].startswith("#") else cells


def _unquoted(cell: str) -> str:
    quoted = QUOTED.fullmatch(cell)
    return quoted[1].replace('""', '"').strip() if quoted else cell


def _header_problems(header: Cells, where: str) -> list[str]:
    names = [name for name in header if name]
    for mark, name in ((",", "commas"), (";", "semicolons"), (" ", "spaces")):
        if len(names) == 1 and mark in names[0]:
            return [f"{where}: the columns seem to be separated by {name}; use tabs"]
    problems = [
        f"{where}: {unknown_name(name, list(COLUMNS), 'column')}"
        for name in names
        if rule_of_column(name) is None
    ]
    problems += [
        f"{where}: column {name!r} appears {header.count(name)} times; keep one"
        for name in dict.fromkeys(names)
        if header.count(name) > 1 and rule_of_column(name)
    ]
    problems += [
        f"{where}: column {name!r} is missing; add it"
        for name in SCHEMA["required"]
        if name not in header
    ]
    return problems


def _row(header: Cells, cells: Cells, where: str) -> tuple[Row, list[str]]:
    """The non-empty cells by column, and their problems."""
    named = [*header, *[""] * (len(cells) - len(header))]
    row: Row = {}
    problems = []
    for column, cell in zip(named, cells, strict=False):
        rule = rule_of_column(column)
        if cell and rule:
            row[column] = _value(cell, rule)
        elif cell:
            problems.append(f"{where}: {cell!r} is in a column without a name; name or remove it")
    problems += problems_with(
        row, SCHEMA, place=lambda path: f"{where}: {path[-1]}", section=lambda path: where
    )
    problems += [f"{where}: {text}" for text in (*reversed_range(row), *reversed_limits(row))]
    return row, problems


def _value(cell: str, rule: Rule) -> Any:
    """The cell converted to the type of its column, or unchanged if it is not of that type."""
    value = from_text(cell, rule)
    return as_declared(value, rule) if fits(value, rule) else cell


def _reject_repeated_names(sheet: Sheet, path: str | Path) -> None:
    first: dict[str, tuple[str, int]] = {}
    for line in sheet.lines:
        name = line.row.get("sample", "")
        if name.casefold() in first:
            earlier, number = first[name.casefold()]
            line.problems.append(
                f"{path}, line {line.number}: sample {name!r} is already defined in line {number}; "
                "sample names must be unique"
                if name == earlier
                else f"{path}, line {line.number}: sample {name!r} differs from {earlier!r} in "
                f"line {number} only by case, and some file systems ignore case; rename one"
            )
        elif name:
            first[name.casefold()] = name, line.number


def _file_problems(row: Row) -> Iterator[str]:
    for column, rule in COLUMNS.items():
        if rule.get("file") and column in row and (problem := file_problem(row[column], rule)):
            yield f"{column} {problem}"
    hashtags = hashtag_table(row.get("hashtags"))
    if hashtags and (problem := file_problem(hashtags, {"file": True})):
        yield f"hashtags {problem}"
