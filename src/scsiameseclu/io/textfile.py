"""Opening of plain and compressed text tables, and detection of their separator."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any, TextIO

from scsiameseclu.io.bounded import bounded
from scsiameseclu.io.loaded import Origin, list_names
from scsiameseclu.io.numbers import is_number

SEPARATORS = {",": "comma", "\t": "tab", ";": "semicolon", " ": "space"}
GZIP = b"\x1f\x8b"
ZIP = b"PK\x03\x04"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
"""First bytes of the Unicode text that Excel writes."""
COMMENTS = ("#", '"#')
GCT = "#1.2"
"""First line of the GCT format; the second has the numbers of genes and of cells."""


@contextmanager
def open_text(path: Path, origin: Origin) -> Iterator[TextIO]:
    """Open plain, gzipped or zipped text; compression is detected from the first bytes.

    Raises
    ------
    UserError
        A zip archive does not contain exactly one file, or the file is binary.
    """
    with ExitStack() as stack:
        raw: Any = stack.enter_context(path.open("rb"))
        magic = raw.read(4)
        raw.seek(0)
        if magic.startswith(GZIP):
            raw = stack.enter_context(gzip.open(raw))
        elif magic == ZIP:
            archive = stack.enter_context(zipfile.ZipFile(raw))
            members = [
                name for name in archive.namelist()
                if not name.endswith("/") and not name.startswith("__MACOSX")
            ]  # fmt: skip
            if len(members) != 1:
                raise origin.error(
                    f"is an archive of {len(members)} files ({list_names(members)}); "
                    "use an archive of one table"
                )
            raw = stack.enter_context(archive.open(members[0]))
        buffered: Any = stack.enter_context(bounded(raw, origin.limits))
        start = buffered.peek(4096)[:4096]
        encoding = "utf-16" if start.startswith(UTF_16) else "utf-8-sig"
        if b"\0" in start and encoding != "utf-16":
            raise origin.error("is not text despite its name; use a csv or tsv file")
        yield io.TextIOWrapper(buffered, encoding=encoding, errors="replace", newline="")


def table_rows(stream: TextIO) -> tuple[str, Iterator[tuple[int, list[str]]]]:
    """The separator, and the non-empty rows with their line numbers.

    Comment lines before the header are skipped. If a header starts with ``#`` (``#gene``), it is
    the last comment line and has as many fields as the rows.
    """
    lines: list[str] = []
    comment, skipped = "", 0
    for line in stream:
        if line.strip() and not line.startswith(COMMENTS):
            lines = [line]
            break
        comment = line if line.strip() else comment
        skipped += 1
        if line.strip() == GCT:
            skipped += len(list(islice(stream, 1)))
    lines += islice(stream, 1)
    separator = sniff(lines[0], lines[-1]) if lines else sniff(comment, "")
    if lines and _is_header(comment, lines[0], separator):
        lines.insert(0, comment)
        skipped -= 1
    reader = csv.reader(chain(lines, stream), delimiter=separator)
    return separator, ((skipped + reader.line_num, row) for row in reader if any(row))


def _is_header(comment: str, row: str, separator: str) -> bool:
    names, fields = (next(csv.reader([line], delimiter=separator)) for line in (comment, row))
    several = 1 < len(fields) <= len(names) + 1 <= len(fields) + 1
    return several and all(map(is_number, fields[1:]))


def sniff(header: str, row: str) -> str:
    """The separator of a table, from its header and its first row.

    It occurs most often in the header, outside quoted text. A space is a separator only if no other
    one occurs in both lines, since names may contain spaces.
    """
    in_header, in_row = ("".join(line.split('"')[::2]) for line in (header, row))
    in_both = [mark for mark in SEPARATORS if mark in in_header and mark in in_row and mark != " "]
    regular = [mark for mark in in_both if abs(in_header.count(mark) - in_row.count(mark)) <= 1]
    return max(regular or in_both or SEPARATORS, key=in_header.count)
