"""Text tables (csv, tsv, txt; plain, .gz, .zip), read row by row straight into a sparse matrix.

Columns of text beside the counts describe cells (or genes, when genes are the rows): a label column
in a GEO table becomes a column of cells. Headers shorter by one field, as R writes them, are read.
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
PEEKED = 50
MISSING = {"", "NA", "NaN", "nan", "N/A", "null", "None"}


@dataclass
class Layout:
    """What stands in which column: names of rows, numbers, text."""

    header: list[str]
    named: bool
    numbers: list[int]
    texts: list[int]

    @property
    def corner(self) -> str:
        return self.header[0] if self.named else ""


@dataclass
class Table:
    """Rows as read so far: names, columns of text, and the three arrays of a CSR."""

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
    """Read a table of counts, genes x cells or cells x genes (see the orientation's rule).

    Raises
    ------
    UserError
        The table is empty, has no header, or a line that does not fit.
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
    sentence = f"the table is {shape} ({reason})"
    notes = [f"text separated by {SEPARATORS[separator]}; {sentence}"]
    if texts.columns.size:
        notes.append(f"columns that are not counts: {list_names(texts.columns)}")
    matrix = stored.T.tocsr() if genes_in_rows else stored
    cells = pd.DataFrame(index=pd.Index(columns, dtype=object)) if genes_in_rows else texts
    var, told, warnings = (
        genes_of_table(texts) if genes_in_rows and texts.columns.size
        else gene_table(table.names if genes_in_rows else columns)
    )  # fmt: skip
    if guessed:
        warnings = [f"{sentence}; say which in column `orientation`", *warnings]
    return Loaded(
        matrix=matrix,
        obs=cells,
        var=var,
        format="csv" if separator == "," else "tsv",
        files=[path],
        values=describe(matrix),
        notes=[*notes, *told],
        warnings=warnings,
    )


def _layout(
    rows: Iterator[Row], request: ReadRequest, origin: Origin
) -> tuple[Layout, Iterator[Row]]:
    """Tell the columns apart by the header and the first rows."""
    _, header = next(rows, (0, []))
    first = list(islice(rows, PEEKED))
    if not header or not first:
        raise origin.error("holds no table (a header and a row at least); give one with counts")
    width = len(first[0][1])
    if width < 2:
        raise origin.error("is no table: its lines have one field; give csv or tsv")
    if width not in (len(header), len(header) + 1):
        raise origin.error(
            f"has {width} fields in line {first[0][0]} and {len(header)} in its header"
        )
    written_by_r = width == len(header) + 1
    header = [""] * written_by_r + [name.strip() for name in header]
    if all(map(_is_number, header[1:])) and len(set(header)) < len(header):
        raise origin.error("has no header: its first line is numbers; name the columns there")
    full = [row for _, row in first if len(row) == width]
    text = {
        column for column in range(width)
        if not all(_is_number(row[column]) for row in full)
    }  # fmt: skip
    corner = header[0].lower()
    named = written_by_r or 0 in text or corner in NAMELESS or corner in GENE_CORNERS | CELL_CORNERS
    asked = {request.label, request.batch, (request.subset or "").partition("=")[0]}
    beside = [
        column for column in range(int(named), width) if column in text or header[column] in asked
    ]
    numbers = [column for column in range(int(named), width) if column not in set(beside)]
    if not numbers:
        raise origin.error("holds no column of numbers; give a table of counts")
    return Layout(header, named, numbers, beside), chain(first, rows)


def _read(rows: Iterator[Row], layout: Layout, origin: Origin) -> Table:
    table, width = Table(), len(layout.header)
    plain = layout.numbers == list(range(layout.numbers[0], width))
    for line, row in rows:
        if len(row) != width:
            raise origin.error(
                f"has {len(row)} fields in line {line} where its header has {width}; "
                "it may be truncated: make or download it again"
            )
        fields = row[layout.numbers[0] :] if plain else [row[place] for place in layout.numbers]
        try:
            values = np.fromiter(map(float, fields), dtype=np.float32, count=len(fields))
        except ValueError:
            values = _with_missing(fields, line, layout, origin)
        places = np.flatnonzero(values)
        table.data.append(values[places])
        table.indices.append(places.astype(np.int32))
        table.names.append(row[0].strip() if layout.named else "")
        table.texts.append([row[place] for place in layout.texts])
    if not layout.named:
        table.names = numbered("row", len(table.names))
    return table


def _with_missing(fields: Sequence[str], line: int, layout: Layout, origin: Origin) -> np.ndarray:
    """Numbers of a row in which some are missing."""
    for place, value in zip(layout.numbers, fields, strict=True):
        if not _is_number(value):
            raise origin.error(
                f"has {value!r} in line {line}, column {layout.header[place]!r}, "
                "where a number should be; correct it"
            )
    return np.array(
        [np.nan if value.strip() in MISSING else float(value) for value in fields], dtype=np.float32
    )


def _is_number(value: str) -> bool:
    """Whether a field is a number or a missing one."""
    try:
        float(value)
    except ValueError:
        return value.strip() in MISSING
    return True


def _texts(table: Table, layout: Layout) -> pd.DataFrame:
    """The columns that are not counts, indexed by the rows' names; missing text is None."""
    columns = {
        layout.header[place]: [None if row[at] in MISSING else row[at] for row in table.texts]
        for at, place in enumerate(layout.texts)
    }
    return pd.DataFrame(columns, index=pd.Index(table.names, dtype=object))
