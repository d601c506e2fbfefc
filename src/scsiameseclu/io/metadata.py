"""Joins a user's table of cells by barcode."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd

from scsiameseclu.io.loaded import Origin, list_names
from scsiameseclu.io.textfile import open_text, sniff


def read_metadata(path: Path, origin: Origin) -> pd.DataFrame:
    """Read a csv or tsv (plain, .gz or .zip) of cells, text kept as it stands.

    Raises
    ------
    UserError
        The file is missing, empty or no table.
    """
    if not path.is_file():
        raise origin.error("does not exist; correct column `metadata`")
    with origin.reading("a table of cells"):
        with open_text(path, origin) as stream:
            header = stream.readline()
        separator = sniff(header)
        with open_text(path, origin) as stream:
            table = pd.read_csv(stream, sep=separator, quoting=csv.QUOTE_MINIMAL, low_memory=False)
    if not isinstance(table.index, pd.RangeIndex):  # a header shorter by one, as R writes
        table = table.reset_index(names="row")
    return table


def join_metadata(
    obs: pd.DataFrame, table: pd.DataFrame, origin: Origin
) -> tuple[pd.DataFrame, list[str], list[str]]:
    """Add the table's columns to ``obs`` (index: barcodes), by the column that holds barcodes.

    That column is the one in which most barcodes are found. Columns of ``obs`` that the table has
    too are replaced.

    Parameters
    ----------
    obs
        Index: barcodes as they stand in the counts' file.
    table
        As :func:`read_metadata` returns it.
    origin
        The sample and the metadata's file, for sentences.

    Returns
    -------
    obs, notes, warnings
        The joined table, and sentences.

    Raises
    ------
    UserError
        No barcode of the sample is in the table.
    """
    wanted = set(obs.index)
    hits = {name: len(wanted & set(table[name].astype(str))) for name in table.columns}
    key = max(hits, key=hits.__getitem__, default=None)
    if key is None or hits[key] == 0:
        raise origin.error(
            f"names none of the sample's {len(wanted)} cells (the sample's first: "
            f"{list_names(obs.index[:2])}); put the same barcodes into one of its columns"
        )
    keyed = table.set_index(table[key].astype(str)).drop(columns=key)
    repeated = keyed.index.duplicated()
    joined = keyed[~repeated].reindex(obs.index)
    kept = obs.drop(columns=[name for name in obs.columns if name in joined.columns])
    result = pd.concat([part.reset_index(drop=True) for part in (kept, joined)], axis=1)
    result.index = obs.index  # by position: barcodes may be repeated
    notes = [f"metadata joined by column {key!r}: {list_names(joined.columns)}"]
    if len(kept.columns) < len(obs.columns):
        replaced = [name for name in obs.columns if name in joined.columns]
        notes.append(f"columns replaced by those of the metadata: {list_names(replaced)}")
    warnings = []
    lost = int((~obs.index.isin(keyed.index)).sum())
    unused = int((~keyed.index.isin(obs.index)).sum())
    if lost:
        warnings.append(f"{lost} of {len(obs)} cells are not in the metadata {origin.path}")
    if unused:
        notes.append(f"{unused} rows of the metadata belong to no cell of the sample")
    if repeated.any():
        warnings.append(
            f"{int(repeated.sum())} rows of the metadata {origin.path} repeat a barcode; "
            "the first of each was taken"
        )
    return result, notes, warnings
