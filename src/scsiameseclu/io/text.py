"""Reader for text tables (csv, tsv, txt; plain, .gz, .zip), row by row into a sparse matrix.

Text columns next to the counts are metadata of the rows: a label column in a GEO table becomes a
column of ``obs`` (of ``var`` if genes are in rows). Headers that are one field short, as written
by R, are supported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from scsiameseclu.genes.names import gene_table, genes_of_table
from scsiameseclu.io.blocks import numbered
from scsiameseclu.io.loaded import Loaded, Origin, list_names
from scsiameseclu.io.orientation import CELL_CORNERS, GENE_CORNERS, rows_are_genes
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.io.textfile import NAMELESS, SEPARATORS, open_text, table_rows
from scsiameseclu.io.values import describe

Row = tuple[int, list[str]]
SNIFFED_ROWS = 50
MISSING = {"", "NA", "NaN", "nan", "N/A", "null", "None"}


@dataclass
class Layout:
    """Roles of the columns: row names, numbers, text."""

    header: list[str]
    named: bool
    numbers: list[int]
    texts: list[int]

    @property
    def corner(self) -> str:
        return self.header[0] if self.named else ""


@dataclass
class Table:
    """Rows read so far: names, text fields, and the values and column indices of a CSR matrix."""

    names: list[str] = field(default_factory=list)
    texts: list[list[str]] = field(default_factory=list)
    data: list[np.ndarray] = field(default_factory=list)
    indices: list[np.ndarray] = field(default_factory=list)

    def matrix(self, n_columns: int) -> csr_matrix:
        """(n_rows, n_columns), float32."""
        indptr = np.concatenate([[0], np.cumsum([part.size for part in self.data])])
        return csr_matrix(
            (np.concatenate(self.data), np.concatenate(self.indices), indptr),
            shape=(len(self.names), n_columns),
        )


def load_text(path: Path, request: ReadRequest, origin: Origin) -> Loaded:
    """Read a table of counts; see :mod:`scsiameseclu.io.orientation` for its orientation.

    Raises
    ------
    UserError
        The table is empty, has no header, or has a malformed line.
    """
    with open_text(path, origin) as stream:
        separator, rows = table_rows(stream)
        layout, rows = _layout(rows, request, origin)
        table = _read(rows, layout, origin)
    columns = [layout.header[column] for column in layout.numbers]
    stored = table.matrix(len(columns))
    genes_in_rows, reason, guessed = rows_are_genes(
        request.orientation, layout.corner, table.names, columns,
        shape=stored.shape, has_text=bool(layout.texts),
    )  # fmt: skip
    shape = "genes x cells" if genes_in_rows else "cells x genes"
    texts = _texts(table, layout)
    orientation = f"the table is {shape} ({reason})"
    notes = [f"{SEPARATORS[separator]}-separated text; {orientation}"]
    if texts.columns.size:
        notes.append(f"metadata columns: {list_names(texts.columns)}")
    matrix = stored.T.tocsr() if genes_in_rows else stored
    cells = pd.DataFrame(index=pd.Index(columns, dtype=object)) if genes_in_rows else texts
    var, gene_notes, warnings = (
        genes_of_table(texts) if genes_in_rows and texts.columns.size
        else gene_table(table.names if genes_in_rows else columns)
    )  # fmt: skip
    if guessed:
        warnings = [f"{orientation}; confirm it in column `orientation`", *warnings]
    return Loaded(
        matrix=matrix,
        obs=cells,
        var=var,
        format="csv" if separator == "," else "tsv",
        files=[path],
        values=describe(matrix),
        notes=[*notes, *gene_notes],
        warnings=warnings,
    )


def _layout(
    rows: Iterator[Row], request: ReadRequest, origin: Origin
) -> tuple[Layout, Iterator[Row]]:
    """Determine the roles of the columns from the header and the first rows."""
    _, header = next(rows, (0, []))
    first = list(islice(rows, SNIFFED_ROWS))
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
    if all(map(_is_number, header[1:])) and len(set(header)) < len(header):
        raise origin.error("has no header: its first line is numeric; add a line of column names")
    full = [row for _, row in first if len(row) == width]
    text = {
        column for column in range(width)
        if not all(_is_number(row[column]) for row in full)
    }  # fmt: skip
    corner = header[0].lower()
    named = written_by_r or 0 in text or corner in NAMELESS or corner in GENE_CORNERS | CELL_CORNERS
    requested = {request.label, request.batch, (request.subset or "").partition("=")[0]}
    columns = range(int(named), width)
    texts = [column for column in columns if column in text or header[column] in requested]
    numbers = [column for column in columns if column not in set(texts)]
    if not numbers:
        raise origin.error("has no numeric column; use a table of counts")
    return Layout(header, named, numbers, texts), chain(first, rows)


def _read(rows: Iterator[Row], layout: Layout, origin: Origin) -> Table:
    table, width = Table(), len(layout.header)
    plain = layout.numbers == list(range(layout.numbers[0], width))
    for line, row in rows:
        if len(row) != width:
            raise origin.error(
                f"has {len(row)} fields in line {line} but {width} in its header; "
                "it may be truncated: recreate or download it again"
            )
        fields = row[layout.numbers[0] :] if plain else [row[column] for column in layout.numbers]
        try:
            values = np.fromiter(map(float, fields), dtype=np.float32, count=len(fields))
        except ValueError:
            values = _with_missing(fields, line, layout, origin)
        nonzero = np.flatnonzero(values)
        table.data.append(values[nonzero])
        table.indices.append(nonzero.astype(np.int32))
        table.names.append(row[0].strip() if layout.named else "")
        table.texts.append([row[column] for column in layout.texts])
    if not layout.named:
        table.names = numbered("row", len(table.names))
    return table


def _with_missing(fields: Sequence[str], line: int, layout: Layout, origin: Origin) -> np.ndarray:
    """Parse the numbers of a row with missing values."""
    for column, value in zip(layout.numbers, fields, strict=True):
        if not _is_number(value):
            raise origin.error(
                f"has {value!r} in line {line}, column {layout.header[column]!r}, "
                "instead of a number; correct it"
            )
    return np.array(
        [np.nan if value.strip() in MISSING else float(value) for value in fields], dtype=np.float32
    )


def _is_number(value: str) -> bool:
    """Whether a field is a number or a missing value."""
    try:
        float(value)
    except ValueError:
        return value.strip() in MISSING
    return True


def _texts(table: Table, layout: Layout) -> pd.DataFrame:
    """The text columns, indexed by row name; missing text is None."""
    columns = {
        layout.header[column]: [None if row[i] in MISSING else row[i] for row in table.texts]
        for i, column in enumerate(layout.texts)
    }
    return pd.DataFrame(columns, index=pd.Index(table.names, dtype=object))
