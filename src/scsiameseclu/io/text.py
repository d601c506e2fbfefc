"""Reader for text tables (csv, tsv, txt; plain, .gz, .zip), row by row into a sparse matrix.

Columns next to the counts are metadata of the rows: a label column in a GEO table becomes a column
of ``obs`` (of ``var`` if genes are in rows). Headers that are one field short, as written by R,
comment lines before the header, and long tables (one row per cell and gene) are supported.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from scsiameseclu.genes.names import SYMBOL_COLUMNS, gene_table, genes_of_table
from scsiameseclu.io.blocks import numbered
from scsiameseclu.io.loaded import Loaded, Origin, list_names
from scsiameseclu.io.long_table import load_long, long_names
from scsiameseclu.io.numbers import MISSING, DecimalComma, NotANumber, NumberParser
from scsiameseclu.io.orientation import CELL_CORNERS, GENE_CORNERS, corner_key, rows_are_genes
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.io.table_checks import (
    check_names,
    check_whole,
    thousands_points,
    unlike_cells,
    unlike_genes,
)
from scsiameseclu.io.table_layout import Layout, Row, numbers_from, table_layout
from scsiameseclu.io.textfile import SEPARATORS, open_text, table_rows
from scsiameseclu.io.values import describe

SNIFFED_ROWS = 50
MAX_LABELS_SHARE = 0.5
"""Maximum number of different labels per row."""


@dataclass
class Table:
    """Rows read so far: names, text fields, and the values and column indices of a CSR matrix."""

    corner: str
    names: list[str] = field(default_factory=list)
    texts: list[list[str]] = field(default_factory=list)
    data: list[np.ndarray] = field(default_factory=list)
    indices: list[np.ndarray] = field(default_factory=list)
    notation: str = ""

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
    try:
        separator, layout, table = _open_and_read(path, request, origin)
    except DecimalComma:
        separator, layout, table = _open_and_read(path, request, origin, "decimal comma")
    kind = f"{SEPARATORS[separator]}-separated text"
    if table.notation:
        kind += f" with {table.notation} in numbers"
    columns = [layout.header[column] for column in layout.numbers]
    stored, texts = table.matrix(len(columns)), _texts(table, layout)
    names = long_names(stored, texts, table.corner)
    if names is not None:
        loaded = load_long(stored, names, columns, origin)
    else:
        named = _named_by_text(table, texts, request)
        check_names(named[1].index, origin)
        check_whole(stored, columns, request, origin)
        loaded = _load_wide(stored, named, columns, layout.about, request)
    points = "" if table.notation else thousands_points(stored.data)
    if points and request.counts == "whole":
        raise origin.error(points)
    loaded.warnings += [f"the table {points}"] if points else []
    loaded.format = "csv" if separator == "," else "tsv"
    loaded.files = [path]
    loaded.notes[0] = f"{kind}; {loaded.notes[0]}"
    if table.notation == "thousands separators" and not (stored.data % 1000).any():
        loaded.warnings.append(
            "every count is a multiple of 1,000: if the commas are decimal commas (3,000 is 3), "
            "write the table with points"
        )
    return loaded


def _open_and_read(
    path: Path, request: ReadRequest, origin: Origin, notation: str = ""
) -> tuple[str, Layout, Table]:
    with open_text(path, origin) as stream:
        separator, rows = table_rows(stream)
        _, header = next(rows, (0, []))
        first = list(islice(rows, SNIFFED_ROWS))
        requested = (request.label, request.batch, (request.subset or "").partition("=")[0])
        layout = table_layout(header, first, requested, origin)
        return separator, layout, _read(chain(first, rows), layout, origin, notation)


def _load_wide(
    stored: csr_matrix,
    named: tuple[str, pd.DataFrame],
    columns: list[str],
    about: str,
    request: ReadRequest,
) -> Loaded:
    corner, texts = named
    rows = texts.index.tolist()
    genes_in_rows, reason, guessed = rows_are_genes(
        request.orientation, corner, rows, columns,
        shape=stored.shape, has_labels=_has_labels(texts), about=about,
    )  # fmt: skip
    shape = "genes x cells" if genes_in_rows else "cells x genes"
    orientation = f"the table is {shape} ({reason})"
    notes = [orientation]
    if texts.columns.size:
        notes.append(f"metadata columns: {list_names(texts.columns)}")
    matrix = stored.T.tocsr() if genes_in_rows else stored
    cells = pd.DataFrame(index=pd.Index(columns, dtype=object)) if genes_in_rows else texts
    var, gene_notes, warnings = (
        genes_of_table(texts) if genes_in_rows and texts.columns.size
        else gene_table(rows if genes_in_rows else columns)
    )  # fmt: skip
    unlike = unlike_cells if genes_in_rows else unlike_genes
    warnings = [*unlike(stored, columns), *warnings]
    if guessed:
        warnings = [f"{orientation}; confirm it in column `orientation`", *warnings]
    return Loaded(
        matrix=matrix,
        obs=cells,
        var=var,
        format="",
        files=[],
        values=describe(matrix),
        notes=[*notes, *gene_notes],
        warnings=warnings,
    )


def _has_labels(texts: pd.DataFrame) -> bool:
    """Whether a column of text repeats its values, as labels of cells do."""
    return any(0 < texts[name].nunique() <= MAX_LABELS_SHARE * len(texts) for name in texts)


def _read(rows: Iterator[Row], layout: Layout, origin: Origin, notation: str) -> Table:
    table, width, numbers = Table(layout.corner), len(layout.header), NumberParser(notation)
    origin.check_table(rows=0, columns=len(layout.numbers))
    n_values = 0
    plain = layout.numbers == list(range(layout.numbers[0], width))
    for line, row in rows:
        if len(row) != width:
            raise origin.error(
                f"has {len(row)} fields in line {line} but {width} in its header; "
                "it may be truncated: recreate or download it again"
            )
        fields = row[layout.numbers[0] :] if plain else [row[column] for column in layout.numbers]
        try:
            values = numbers.row(fields)
        except NotANumber as error:
            column = layout.header[layout.numbers[error.place]]
            raise origin.error(
                f"has {fields[error.place]!r} in line {line}, column {column!r}, "
                "instead of a number; correct it"
            ) from error
        nonzero = np.flatnonzero(values)
        n_values += nonzero.size
        origin.check_table(rows=len(table.names) + 1, columns=0, values=n_values)
        table.data.append(values[nonzero])
        table.indices.append(nonzero.astype(np.int32))
        table.names.append(row[0].strip() if layout.named else "")
        table.texts.append([row[column] for column in layout.texts])
    if not layout.named:
        table.names = numbered("row", len(table.names))
    table.notation = numbers.notation
    return table


def _texts(table: Table, layout: Layout) -> pd.DataFrame:
    """The columns of text and annotation, indexed by row name; missing text is None."""
    columns = {
        layout.header[column]: [None if row[i] in MISSING else row[i] for row in table.texts]
        for i, column in enumerate(layout.texts)
    }
    # an empty column is what separators at the ends of all lines leave
    columns = {name: fields for name, fields in columns.items() if name or any(fields)}
    return pd.DataFrame(columns, index=pd.Index(table.names, dtype=object))


def _named_by_text(
    table: Table, texts: pd.DataFrame, request: ReadRequest
) -> tuple[str, pd.DataFrame]:
    """If the rows are only numbered, take their names from a column of text.

    A column whose header says that it contains names is preferred to one with distinct values.
    """
    names = table.names
    if not names or names[0] not in ("0", "1") or not texts.columns.size:
        return table.corner, texts
    if names != numbers_from(int(names[0]), len(names)):
        return table.corner, texts
    known = GENE_CORNERS | CELL_CORNERS | set(SYMBOL_COLUMNS)
    complete = [
        name for name in texts.columns
        if name not in (request.label, request.batch) and texts[name].notna().all()
    ]  # fmt: skip
    chosen = next((name for name in complete if corner_key(name) in known), None) or next(
        (name for name in complete if texts[name].is_unique), None
    )
    if chosen is None:
        return table.corner, texts
    renamed = texts.drop(columns=chosen)
    renamed.index = pd.Index(texts[chosen].str.strip(), dtype=object)
    return chosen, renamed
