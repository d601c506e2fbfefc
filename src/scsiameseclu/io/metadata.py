"""Cell metadata from a table, joined by barcode."""

from __future__ import annotations

import csv
import re
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import pandas as pd

from scsiameseclu.io.loaded import Origin, list_names
from scsiameseclu.io.textfile import open_text, sniff

MAX_COMMENTS = 100
"""Maximum number of comment lines before the header, plus two."""
HASH_HEADER = re.compile(r"#\w")
"""Start of a header such as ``#barcode``; a comment has a space after the sign."""
NOT_A_NUMBER = re.compile(r"\s*[+-]?(0\d+(\.\d*)?|\d+[eE]\d+)\s*")
"""Names that would change if they were read as numbers: donor 01, barcode 0000, well 10E2."""
MIN_JOINED = 0.5
"""Minimum fraction of a sample's barcodes that the metadata must contain."""


def read_metadata(path: Path, origin: Origin) -> pd.DataFrame:
    """Read a metadata table from a csv or tsv file (plain, .gz or .zip).

    Comment lines before the header are skipped. Columns of numbers with leading zeros stay text.

    Raises
    ------
    UserError
        The file does not exist, is empty, or is not a table.
    """
    if not path.is_file():
        raise origin.error("does not exist; correct column `metadata`")
    with origin.reading("a metadata table"):
        with open_text(path, origin) as stream:
            separator, skipped = _start(stream)
        _check_widths(path, separator, skipped, origin)
        typed, text = (
            _read(path, origin, sep=separator, skiprows=skipped, dtype=kind) for kind in (None, str)
        )
    for name in typed.select_dtypes("number"):
        if text[name].str.fullmatch(NOT_A_NUMBER).any():
            typed[name] = text[name]
    if not isinstance(typed.index, pd.RangeIndex):  # header one field short, as written by R
        typed = typed.set_axis(text.index, axis=0).reset_index(names="row")
    return typed


def _read(path: Path, origin: Origin, **options: Any) -> pd.DataFrame:
    with open_text(path, origin) as stream:
        table = pd.read_csv(stream, quoting=csv.QUOTE_MINIMAL, low_memory=False, **options)
    return table


def _start(stream: TextIO) -> tuple[str, int]:
    """The separator, and the number of comment lines before the header."""
    lines = list(islice(stream, MAX_COMMENTS))
    skipped = next((n for n, line in enumerate(lines) if not line.startswith("#")), 0)
    header, row = [*lines[skipped : skipped + 2], "", ""][:2]
    separator = sniff(header, row)
    before = lines[skipped - 1] if skipped else ""
    if HASH_HEADER.match(before) and before.count(separator) == header.count(separator) > 0:
        skipped -= 1
    return separator, skipped


def _check_widths(path: Path, separator: str, skipped: int, origin: Origin) -> None:
    """Raise if a row has more or fewer fields than the header.

    As written by R, all rows may have one more, the row name.
    """
    with open_text(path, origin) as stream:
        reader = csv.reader(islice(stream, skipped, None), delimiter=separator)
        width = len(next(reader, []))
        widths: set[int] = {width}
        for row in filter(None, reader):
            widths = widths if widths != {width} else {len(row)} & {width, width + 1}
            if len(row) not in widths:
                raise origin.error(
                    f"has {len(row)} fields in line {skipped + reader.line_num}, but {width} in "
                    "its header; correct the line"
                )


def join_metadata(
    obs: pd.DataFrame, table: pd.DataFrame, origin: Origin
) -> tuple[pd.DataFrame, list[str], list[str]]:
    """Add the columns of a metadata table to ``obs``.

    The column of the table that contains most of the barcodes is used as the key. Columns that
    both tables have are replaced.

    Parameters
    ----------
    obs
        Cells, indexed by the barcodes of the count file.
    table
        Metadata from :func:`read_metadata`.
    origin
        The metadata file, for messages.

    Returns
    -------
    obs : DataFrame
        The joined table.
    notes, warnings : list of str
        Messages.

    Raises
    ------
    UserError
        The table contains fewer than half of the sample's barcodes, or repeats one.
    """
    barcodes = set(obs.index)
    hits = {name: len(barcodes & set(table[name].astype(str))) for name in table.columns}
    key = max(hits, key=hits.__getitem__, default=None)
    if key is None or hits[key] < MIN_JOINED * len(barcodes):
        number = "none" if key is None or not hits[key] else f"{hits[key]}"
        column = "its columns" if key is None else f"column {key!r}"
        raise origin.error(
            f"contains {number} of the sample's {len(barcodes)} barcodes (the first in the sample: "
            f"{list_names(obs.index[:2])}; the first in {column}: "
            f"{list_names(table[key][:2]) if key is not None else 'none'}); put the same barcodes "
            "into one of its columns"
        )
    keyed = table.set_index(table[key].astype(str)).drop(columns=key)
    repeated = keyed.index[keyed.index.duplicated() & keyed.index.isin(obs.index)]
    if repeated.size:
        raise origin.error(
            f"repeats {repeated.nunique()} of the sample's barcodes in column {key!r} (the first: "
            f"{list_names(repeated.unique()[:2])}); keep one row per cell"
        )
    joined = keyed[~keyed.index.duplicated()].reindex(obs.index)
    kept = obs.drop(columns=[name for name in obs.columns if name in joined.columns])
    result = pd.concat([part.reset_index(drop=True) for part in (kept, joined)], axis=1)
    result.index = obs.index  # by position, since barcodes may be repeated
    notes = [f"metadata joined by column {key!r}: {list_names(joined.columns)}"]
    if len(kept.columns) < len(obs.columns):
        replaced = [name for name in obs.columns if name in joined.columns]
        notes.append(f"columns replaced by the metadata: {list_names(replaced)}")
    warnings = []
    missing = int((~obs.index.isin(keyed.index)).sum())
    unused = int((~keyed.index.isin(obs.index)).sum())
    if missing:
        warnings.append(f"{missing} of {len(obs)} cells are not in the metadata {origin.path}")
    if unused:
        notes.append(f"{unused} metadata rows match no cell of the sample")
    return result, notes, warnings
