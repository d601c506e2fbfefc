"""Counts of hashtags, from features of the count file or from a table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pandas as pd

from scsiameseclu.io.loaded import Loaded, Origin, list_names
from scsiameseclu.io.metadata import MIN_JOINED, read_metadata
from scsiameseclu.io.not_genes import ANTIBODY
from scsiameseclu.io.tenx_h5 import read_other_features

LANE = re.compile(r"-\d+$")
"""The suffix of Cell Ranger's barcodes, which other programs leave out."""
NOT_A_HASHTAG = ("unmapped",)
"""Rows of CITE-seq-Count."""


@dataclass(frozen=True)
class HashtagTable:
    """Counts (n_cells, n_hashtags) in the order of the cells, with messages."""

    counts: pd.DataFrame
    notes: list[str]
    warnings: list[str]


def take_hashtags(loaded: Loaded, wanted: str, origin: Origin) -> None:
    """Set ``loaded.hashtags`` from the named features, and remove them from the genes, in place.

    Parameters
    ----------
    wanted
        Names or ids of features separated by commas; ``*`` stands for any text. Features of another
        type than genes come first, then genes; a ``*`` matches only genes named as antibodies.

    Raises
    ------
    UserError
        There is no such feature.
    """
    if loaded.features is not None:
        places = _matching(wanted, loaded.features.names, loaded.features.ids, origin)
        matrix, names = loaded.features.matrix, loaded.features.names
    else:
        names, ids = (loaded.var[name].tolist() for name in ("gene_symbol", "gene_id"))
        antibodies = [name if ANTIBODY.fullmatch(name) else "" for name in names]
        places = _matching(wanted, names, ids, origin, wild=antibodies)
        matrix = loaded.matrix
        genes = np.setdiff1d(np.arange(len(names)), places)
        loaded.matrix, loaded.var = matrix[:, genes], loaded.var.iloc[genes]
    counts = matrix[:, places].toarray()
    loaded.hashtags = pd.DataFrame(counts, columns=[names[place] for place in places])
    loaded.features = None


def _matching(
    wanted: str,
    names: list[str],
    ids: list[str],
    origin: Origin,
    wild: list[str] | None = None,
) -> list[int]:
    """Positions of the features that match, in the order in which they are named."""
    places: dict[int, None] = {}
    for pattern in filter(None, (part.strip() for part in wanted.split(","))):
        searched = names if wild is None or "*" not in pattern else wild
        matches = [
            place
            for place, (name, other) in enumerate(zip(searched, ids, strict=True))
            if name and (fnmatchcase(name, pattern) or (wild is None and other == pattern))
        ]
        if not matches:
            available = [name for name in (names if wild is None else wild) if name]
            raise origin.error(
                f"has no feature {pattern!r} (column `hashtags`); available: "
                f"{list_names(available)}"
                + ("" if available else "; name features of the file, or a table of their counts")
            )
        places |= dict.fromkeys(matches)
    return list(places)


def read_hashtag_table(path: str, barcodes: pd.Index, origin: Origin) -> HashtagTable:
    """Read the counts of hashtags from a csv or tsv table or a 10x HDF5 file.

    Cells may be in the rows or in the columns of a table. If barcodes differ only by the number at
    their end (``-1``), it is ignored.

    Parameters
    ----------
    barcodes
        Names of the cells, (n_cells,).

    Raises
    ------
    UserError
        The file does not exist or is no such table, or contains fewer than half of the cells.
    """
    if not Path(path).is_file():
        raise origin.error("does not exist; correct column `hashtags`")
    table = _read(path, barcodes, origin)
    table = table.drop(columns=[name for name in table if name in NOT_A_HASHTAG])
    text = [str(name) for name in table.columns.difference(table.select_dtypes("number").columns)]
    table = table.select_dtypes("number")
    notes = [f"hashtags: {list_names(table.columns)}"]
    notes += [f"columns without numbers are not hashtags: {list_names(text)}"] if text else []
    rows, cells = pd.Index(table.index.astype(str)), pd.Index(barcodes.astype(str))
    if cells.isin(rows).mean() < MIN_JOINED:
        short_rows, short_cells = (
            names.str.replace(LANE, "", regex=True) for names in (rows, cells)
        )
        if short_rows.is_unique and short_cells.is_unique:
            rows, cells = short_rows, short_cells
    known = cells.isin(rows)
    if known.mean() < MIN_JOINED:
        raise origin.error(
            f"contains {int(known.sum())} of the sample's {len(cells)} cells (the first in the "
            f"sample: {list_names(barcodes[:2])}; the first in the table: "
            f"{list_names(table.index[:2])}); use the hashtag counts of the same sample"
        )
    repeated = rows[rows.duplicated() & rows.isin(cells)]
    if repeated.size:
        raise origin.error(f"repeats barcode {repeated[0]}; keep one row per cell")
    missing = int((~known).sum())
    warnings = []
    if missing:
        warnings.append(
            f"{missing} of {len(cells)} cells (such as {barcodes[~known][0]}) are not in the "
            f"hashtag table {origin.path} and count as negative"
        )
    counts = table.set_axis(rows, axis=0)[~rows.duplicated()].reindex(cells).fillna(0)
    return HashtagTable(counts.reset_index(drop=True), notes, warnings)


def _read(path: str, barcodes: pd.Index, origin: Origin) -> pd.DataFrame:
    """The table with cells in rows, indexed by barcode."""
    if path.endswith((".h5", ".hdf5")):
        with origin.reading("10x HDF5"):
            names, features = read_other_features(Path(path))
        return pd.DataFrame(features.matrix.toarray(), index=names, columns=features.names)
    table = read_metadata(Path(path), origin)
    short = set(barcodes.astype(str).str.replace(LANE, "", regex=True))

    def hits(names: pd.Index) -> int:
        return int(pd.Index(names.astype(str)).str.replace(LANE, "", regex=True).isin(short).sum())

    by_column = {name: hits(pd.Index(table[name])) for name in table.columns}
    key = max(by_column, key=by_column.__getitem__, default=None)
    if key is None:
        raise origin.error("is empty; use a table of cells and hashtags")
    if hits(pd.Index(table.columns)) > by_column[key]:
        return table.set_index(table.columns[0]).T.apply(pd.to_numeric, errors="coerce")
    return table.set_index(key)
