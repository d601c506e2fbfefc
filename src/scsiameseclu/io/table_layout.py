"""Roles of the columns of a text table: row names, counts, and annotation of the rows.

A column is annotation if its header names a property (``Length``, ``Chr``, ``n_counts``), if most
of its first fields are text, or if it only numbers the rows. The first column contains the row
names, unless it looks like the columns of counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from scsiameseclu.io.annotation_columns import (
    ABOUT_CELLS,
    ABOUT_GENES,
    annotation_columns,
    is_annotation,
)
from scsiameseclu.io.loaded import Origin
from scsiameseclu.io.numbers import CANONICAL_INTEGER, MISSING, is_number
from scsiameseclu.io.orientation import CELL_CORNERS, GENE_CORNERS, corner_key

Row = tuple[int, list[str]]

# Headers that R, pandas and users give to a column of row names.
NAMELESS = {"", "unnamed:_0", "index", "id", "x", "v1", "rownames", "row_names"}
ONE_LIBRARY = {
    "RSEM": {"expected_count", "tpm"},
    "salmon": {"numreads", "tpm"},
    "kallisto": {"est_counts", "tpm"},
    "StringTie": {"coverage", "fpkm"},
    "Cufflinks": {"fpkm", "fpkm_conf_lo"},
}
"""Columns of programs that write one file per library, with several values per gene."""
KIND_OF_VALUE = re.compile(
    r"[_.: -]((?:raw|expected|est|read|umi)?_?counts?|reads|umis?|tpm|fpkm|rpkm|cpm)$",
    re.IGNORECASE,
)
"""Ends of the headers of tables with several values per cell."""
MAX_LONG_WIDTH = 6
"""Maximum number of columns of a long table with columns such as ``cell`` and ``gene``."""
MIN_TEXT_SHARE = 0.5
"""Minimum fraction of fields that are not numbers in a column of text."""
MIN_NUMBERED_ROWS = 10
"""Minimum number of rows for distinct integers to be recognised as names."""
MAX_UNLIKE_SHARE = 0.2
"""Maximum fraction of columns that are annotation because of their numbers only."""
MIN_CONSTANT_ROWS = 30
"""Minimum number of rows with the same number for a column to be annotation."""
MAX_DISTINCT_SHARE = 0.1
"""Maximum fraction of the other columns that may have distinct integers too."""


@dataclass
class Layout:
    """Roles of the columns: row names (the first column, if ``named``), counts, annotation."""

    header: list[str]
    named: bool
    numbers: list[int]
    texts: list[int]

    @property
    def corner(self) -> str:
        """Header of the row names."""
        return self.header[0] if self.named else ""

    @property
    def about(self) -> str:
        """What the annotation describes by its headers: ``"genes"``, ``"cells"`` or ``""``."""
        keys = [corner_key(self.header[place]) for place in self.texts]
        genes = sum(key in GENE_CORNERS or bool(ABOUT_GENES.fullmatch(key)) for key in keys)
        cells = sum(key in CELL_CORNERS or bool(ABOUT_CELLS.fullmatch(key)) for key in keys)
        return "" if genes == cells else "genes" if genes > cells else "cells"


def table_layout(
    header: list[str], first: list[Row], requested: Iterable[str | None], origin: Origin
) -> Layout:
    """Determine the roles of the columns from the header and the first rows.

    Parameters
    ----------
    requested
        Columns that the user names as metadata.

    Raises
    ------
    UserError
        The table has no header, no numeric column, or is the quantification of one library.
    """
    if not header or not first:
        raise origin.error("has no table; use a file with a header and at least one row of counts")
    width = len(first[0][1])
    if width < 2:
        raise origin.error("is not a table: its lines have one field; use a csv or tsv file")
    if width not in (len(header), len(header) + 1):
        raise origin.error(
            f"has {width} fields in line {first[0][0]} but {len(header)} in its header; correct it"
        )
    written_by_r = width == len(header) + 1
    header = [""] * written_by_r + [name.strip() for name in header]
    _reject_one_library(header, origin)
    columns = [[row[place] for _, row in first if len(row) == width] for place in range(width)]
    text = {place for place in range(width) if _is_text(columns[place])}
    _require_header([name for place, name in enumerate(header) if place not in text - {0}], origin)
    named = written_by_r or 0 in text or _has_names(header, columns)
    unlike_counts = {place for place in range(width) if _counts_rows(columns[place])}
    if len(unlike_counts) > MAX_UNLIKE_SHARE * width:
        unlike_counts = set()
    wanted = {name for name in requested if name}
    known = text | {place for place in range(width) if header[place] in wanted}
    described = annotation_columns(header, columns, known, named)
    texts = [
        place
        for place in range(int(named), width)
        if place in known or place in described
        or place in unlike_counts or not (header[place] or any(columns[place]))
    ]  # fmt: skip
    texts = _texts_of_long(header, texts, text, named)
    numbers = [place for place in range(int(named), width) if place not in set(texts)]
    if not numbers:
        raise origin.error("has no numeric column; use a table of counts")
    _reject_several_kinds(header, numbers, origin)
    return Layout(header, named, numbers, texts)


def _texts_of_long(header: list[str], texts: list[int], text: set[int], named: bool) -> list[int]:
    """The columns other than counts; in a long table, cells may be numbered, and counts nUMI."""
    keys = [corner_key(name) for name in header]
    cells = {place for place, key in enumerate(keys) if key in CELL_CORNERS}
    genes = {place for place, key in enumerate(keys) if key in GENE_CORNERS}
    if len(header) > MAX_LONG_WIDTH or not cells or not genes:
        return texts
    names = sorted({*texts, *cells} - ({0} if named else set()))
    values = [place for place in names if place not in text | cells | genes]
    if len(names) + int(named) == len(header) and len(values) == 1:
        names.remove(values[0])
    return names


def _reject_one_library(header: list[str], origin: Origin) -> None:
    keys = {corner_key(name) for name in header}
    program = next((name for name, names in ONE_LIBRARY.items() if names <= keys), None)
    if header[0] == "N_unmapped":
        program = "STAR (ReadsPerGene.out.tab)"
    if program is not None:
        raise origin.error(
            f"is the result of {program} for one library, with several values per gene; "
            "use a table of counts with one column per cell"
        )


def _require_header(header: list[str], origin: Origin) -> None:
    """Reject a table whose first line is like the others; columns of text are not compared."""
    numeric = any(header[1:]) and all(map(is_number, header[1:]))
    if numeric and (len(set(header)) < len(header) or len(header) == 2):
        raise origin.error("has no header: its first line is numeric; add a line of column names")


def _reject_several_kinds(header: list[str], numbers: list[int], origin: Origin) -> None:
    """Reject a table with several columns per cell, such as ``A01_counts`` and ``A01_tpm``."""
    matches = [KIND_OF_VALUE.search(header[place]) for place in numbers]
    kinds = sorted({match[1].lower() for match in matches if match})
    if all(matches) and len(kinds) > 1:
        raise origin.error(
            f"has several kinds of values per cell ({', '.join(kinds)}); keep the columns with the "
            "counts"
        )


def _is_text(fields: list[str]) -> bool:
    present = [field for field in fields if field.strip() not in MISSING]
    words = sum(not is_number(field) for field in present)
    return words > 0 and words >= MIN_TEXT_SHARE * len(present)


def _counts_rows(fields: list[str]) -> bool:
    """Whether the fields are consecutive integers, or the same number other than 0 in all rows."""
    if len(fields) < MIN_NUMBERED_ROWS or not CANONICAL_INTEGER.fullmatch(fields[0].strip()):
        return False
    plain = [field.strip() for field in fields]
    constant = len(plain) >= MIN_CONSTANT_ROWS and plain[0] != "0" and len(set(plain)) == 1
    return constant or plain == numbers_from(int(plain[0]), len(plain))


def numbers_from(first: int, count: int) -> list[str]:
    """``count`` consecutive integers as text."""
    return [str(number) for number in range(first, first + count)]


def _has_names(header: list[str], columns: list[list[str]]) -> bool:
    """Whether a numeric first column contains names rather than counts."""
    key = corner_key(header[0])
    if key in NAMELESS or is_annotation(header[0]):
        return True
    if any(name in key.split("_") for name in ("id", "index", "cell", "well", "barcode", "name")):
        return True
    if not all(CANONICAL_INTEGER.fullmatch(field.strip()) for field in columns[0]):
        return any(_is_odd_integer(field.strip()) for field in columns[0])
    if len(columns[0]) < MIN_NUMBERED_ROWS or not _are_distinct(columns[0]):
        return False
    others = columns[1:]
    return sum(map(_are_distinct, others)) <= MAX_DISTINCT_SHARE * len(others)


def _is_odd_integer(field: str) -> bool:
    """Whether a number is written as no program writes a count: 007, 10e2, 1_1."""
    return "_" in field or bool(re.fullmatch(r"0\d+|\d+[eE]\d+", field))


def _are_distinct(fields: list[str]) -> bool:
    return len(set(fields)) == len(fields)
