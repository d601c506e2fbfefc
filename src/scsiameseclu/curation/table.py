"""Reading and writing ``curation.tsv``, with one line per cluster.

Only the standard library is required, since Snakemake may run on hosts without other dependencies.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from scsiameseclu.errors import UserError
from scsiameseclu.store.atomic import write_json, write_text

FILE = "curation.tsv"
RECORD = "stages/curation.json"
"""For which clusters the table was written; both files are relative to the folder of a sample."""
COLUMNS = ("cluster", "cell_type", "merge_into", "split", "note")
YES, NO = "yes", "no"


@dataclass(frozen=True)
class Line:
    """A line of the table; empty cells are empty strings.

    Attributes
    ----------
    number
        Number of the line in the file, from 1.
    cluster
        Name of the cluster.
    cell_type
        Name that replaces the predicted one.
    merge_into
        Name of the cluster that it becomes a part of.
    split
        Whether it is clustered again.
    note
        Free text for the page.
    source
        Where the line is from, for messages.
    """

    number: int
    cluster: str
    cell_type: str = ""
    merge_into: str = ""
    split: bool = False
    note: str = ""
    source: str = FILE

    @property
    def changes_clusters(self) -> bool:
        """Whether the line merges or splits the cluster."""
        return bool(self.merge_into or self.split)

    @property
    def edited(self) -> bool:
        """Whether the line says more than the name of the cluster."""
        return self.changes_clusters or bool(self.cell_type or self.note)


def read_lines(directory: Path) -> list[Line]:
    """The lines of the table in the folder of a sample; none without a table.

    Raises
    ------
    UserError
        The file is not UTF-8 text or not separated by tabs, a column is missing or unknown, or a
        value is invalid.
    """
    path = directory / FILE
    if not path.exists():
        return []
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeError) as error:
        raise UserError(f"{path} cannot be read as UTF-8 text; save it as such") from error
    rows = csv.reader(text.splitlines(), delimiter="\t")
    numbered = [(number, [cell.strip() for cell in row]) for number, row in enumerate(rows, 1)]
    numbered = [(number, row) for number, row in numbered if any(row)]
    if not numbered:
        return []
    header = numbered[0][1]
    while header and not header[-1]:
        header.pop()
    if sorted(header) != sorted(COLUMNS):
        raise UserError(
            f"{path}, line {numbered[0][0]}: the columns are {', '.join(header)}, but must be "
            f"{', '.join(COLUMNS)}, separated by tabs; correct the header"
        )
    return [_line(path, number, header, row) for number, row in numbered[1:]]


def edited_lines(directory: Path) -> list[Line]:
    """The lines of a table with edits; none of a table as the run wrote it, which may be outdated.

    Raises
    ------
    UserError
        As of :func:`read_lines`.
    """
    lines, known = read_lines(directory), read_record(directory)[0]
    names = [line.cluster for line in lines]
    edited = any(line.edited for line in lines) or not set(names) <= set(known)
    return lines if edited or len(set(names)) < len(names) else []


def _line(path: Path, number: int, header: Sequence[str], row: Sequence[str]) -> Line:
    where = f"{path}, line {number}"
    if any(row[len(header) :]):
        raise UserError(f"{where} has more cells than the header; remove them")
    values = dict(zip(header, [*row, *[""] * len(header)], strict=False))
    split = values["split"].casefold()
    if split not in (YES, NO, ""):
        raise UserError(f"{where}: split is {values['split']!r}; write yes, no or nothing")
    if not values["cluster"]:
        raise UserError(f"{where} names no cluster; add its name or remove the line")
    texts = {name: values[name] for name in COLUMNS if name != "split"}
    return Line(number, **texts, split=split == YES)


def write_lines(directory: Path, names: Sequence[str]) -> None:
    """Write a table without edits, with one line per cluster."""
    empty = "\t" * (len(COLUMNS) - 1)
    rows = ["\t".join(COLUMNS), *(f"{name}{empty}" for name in names)]
    write_text(directory / FILE, "".join(f"{row}\n" for row in rows))


def write_record(directory: Path, names: Sequence[str], checksum: str) -> None:
    """Record for which clusters the table is: their names, and a checksum of their cells."""
    write_json(directory / RECORD, {"clusters": list(names), "checksum": checksum})


def read_record(directory: Path) -> tuple[list[str], str]:
    """The clusters for which the table was written, and the checksum of their cells."""
    path = directory / RECORD
    if not path.is_file():
        return [], ""
    content = json.loads(path.read_text(encoding="utf-8"))
    return list(content["clusters"]), str(content["checksum"])


def content_for(directory: Path, *, clusters_only: bool) -> str:
    """What a stage depends on in the table, as text that changes with it; empty without edits.

    Parameters
    ----------
    directory
        Folder of the sample.
    clusters_only
        Whether the stage depends on merged and split clusters only, and not on their names.
    """
    try:
        lines = edited_lines(directory)
    except UserError as error:  # the stage will report it
        return str(error)
    known = read_record(directory)[0]
    kept: Iterable[Line] = (line for line in lines if line.edited or line.cluster not in known)
    if clusters_only:
        kept = (line for line in lines if line.changes_clusters)
    rows = [{k: v for k, v in asdict(line).items() if v and k in COLUMNS} for line in kept]
    if clusters_only:
        rows = [{k: row[k] for k in ("cluster", "merge_into", "split") if k in row} for row in rows]
    repeated = len({line.cluster for line in lines}) < len(lines)
    return json.dumps([*rows, *(["repeated"] if repeated else [])]) if rows or repeated else ""
