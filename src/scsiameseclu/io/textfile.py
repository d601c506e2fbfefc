"""Opening of plain and compressed text tables, and detection of their separator."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TextIO

from scsiameseclu.io.loaded import Origin, list_names

SEPARATORS = {",": "comma", "\t": "tab", ";": "semicolon", " ": "space"}
GZIP = b"\x1f\x8b"
ZIP = b"PK\x03\x04"
# Headers that R, pandas and users give to a column of row names.
NAMELESS = {"", "unnamed: 0", "index", "id", "x", "v1", "rownames", "row.names"}


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
        buffered = stack.enter_context(io.BufferedReader(raw, 1 << 20))
        if b"\0" in buffered.peek(4096)[:4096]:
            raise origin.error("is not text despite its name; use a csv or tsv file")
        yield io.TextIOWrapper(buffered, encoding="utf-8-sig", errors="replace", newline="")


def table_rows(stream: TextIO) -> tuple[str, Iterator[tuple[int, list[str]]]]:
    """The separator, and the non-empty rows with their line numbers."""
    first = stream.readline()
    while first and not first.strip():
        first = stream.readline()
    separator = sniff(first)
    reader = csv.reader(_chain(first, stream), delimiter=separator)
    return separator, ((reader.line_num, row) for row in reader if any(row))


def _chain(first: str, stream: TextIO) -> Iterator[str]:
    yield first
    yield from stream


def sniff(line: str) -> str:
    """The separator that occurs most often in a line, outside quoted text."""
    outside = "".join(line.split('"')[::2])
    return max(SEPARATORS, key=outside.count)
