"""Counts of hashtags, from features of the count file or from a table."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from scsiameseclu.errors import UserError
from scsiameseclu.io.annotation_columns import is_clear_annotation
from scsiameseclu.io.loaded import Loaded, Origin, list_names
from scsiameseclu.io.metadata import MIN_JOINED, read_metadata
from scsiameseclu.io.not_genes import ANTIBODY
from scsiameseclu.io.orientation import corner_key
from scsiameseclu.io.tenx_h5 import read_other_features

LANE = re.compile(r"-\d+$")
"""The suffix of Cell Ranger's barcodes, which other programs leave out."""
NOT_A_HASHTAG = re.compile(
    r"unmapped|bad_struct|no_match|ambiguous|total(_reads|_counts|_umis?)?|n(count|feature)s?_\w+"
    r"|unnamed:.*|index"
)
"""Rows of CITE-seq-Count and columns of Seurat and pandas, in the form of ``corner_key``."""
MIN_NUMBERED, MIN_SUMMED = 10, 2
"""Minimum number of cells for numbers of cells, and of hashtags for sums of them, to be known."""
MIN_LITERAL = 3
"""Number of characters beside ``*`` from which a pattern also matches genes by other names."""


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
        type than genes come first, then genes; a ``*`` matches genes named as antibodies, and
        others only if there are none and the pattern contains some text.

    Raises
    ------
    UserError
        There is no such feature.
    """
    if Path(wanted).is_dir():
        raise UserError(
            f"column `hashtags`: {wanted} is a folder, which is not read; give a table of the "
            "counts of the hashtags (csv, tsv or 10x h5)"
        )
    if loaded.features is not None:
        matrix, names, ids = (getattr(loaded.features, name) for name in ("matrix", "names", "ids"))
        places = _matching(wanted, names, ids, origin)
    else:
        names, ids = (loaded.var[name].tolist() for name in ("gene_symbol", "gene_id"))
        antibodies = [name if ANTIBODY.fullmatch(name) else "" for name in names]
        places = _matching(wanted, names, ids, origin, wild=antibodies)
        matrix = loaded.matrix
        genes = np.setdiff1d(np.arange(len(names)), places)
        loaded.matrix, loaded.var = matrix[:, genes], loaded.var.iloc[genes]
    counts = matrix[:, places].toarray()
    chosen = [names[place] for place in places]
    if len(set(chosen)) < len(chosen):  # such as one name for several ids
        chosen = [ids[place] for place in places]
    loaded.hashtags = pd.DataFrame(counts, columns=chosen)
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
        matches = _matches(pattern, names, ids, exact=wild is not None)
        if wild is not None and "*" in pattern:
            antibodies = _matches(pattern, wild, ids, exact=True)
            enough = len(pattern.replace("*", "")) >= MIN_LITERAL
            matches = antibodies or (matches if enough else [])
        if not matches:
            available = [name for name in (names if wild is None else wild) if name]
            raise origin.error(
                f"has no feature {pattern!r} (column `hashtags`); available: "
                f"{list_names(available)}"
                + ("" if available else "; name features of the file, or a table of their counts")
            )
        places |= dict.fromkeys(matches)
    if not places:
        raise UserError(f"{wanted!r} in column `hashtags` names no hashtag; name two or more")
    return list(places)


def _matches(pattern: str, names: list[str], ids: list[str], *, exact: bool) -> list[int]:
    """Positions of the names that match, or unless ``exact`` of the ids that are equal."""
    return [
        place
        for place, (name, other) in enumerate(zip(names, ids, strict=True))
        if name and (fnmatchcase(name, pattern) or (not exact and other == pattern))
    ]


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
    table, notes = _hashtags_only(_read(path, barcodes, origin))
    rows, cells = pd.Index(table.index.astype(str)), pd.Index(barcodes.astype(str))
    if cells.isin(rows).mean() < MIN_JOINED:
        short_rows, short_cells = (
            names.str.replace(LANE, "", regex=True) for names in (rows, cells)
        )
        if short_cells.is_unique and short_rows.nunique() == rows.nunique():
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


def _hashtags_only(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The columns with counts of hashtags, and notes on what they are and what was left out."""
    numeric = [place for place, kind in enumerate(table.dtypes) if is_numeric_dtype(kind)]
    text = [str(name) for place, name in enumerate(table) if place not in numeric]
    table = table.iloc[:, numeric]
    by_name = np.array([_names_no_hashtag(str(name)) for name in table], dtype=bool)
    values = table.to_numpy(dtype=np.float64)
    others = by_name.copy()
    for place in np.flatnonzero(~by_name).tolist():
        others[place] = _numbers_cells(values[:, place])
    counts = values[:, ~others]
    if counts.shape[1] > MIN_SUMMED:
        sums, present = counts.sum(axis=1), (counts > 0).sum(axis=1)
        others[~others] = [
            np.array_equal(2 * column, sums) or np.array_equal(column, present - (column > 0))
            for column in counts.T
        ]
    kept = table.iloc[:, np.flatnonzero(~others)]
    left_out = [str(name) for name in table.columns[others]]
    notes = [f"hashtags: {list_names(kept.columns)}"]
    notes += [f"columns without numbers are not hashtags: {list_names(text)}"] if text else []
    if left_out:
        notes.append(
            f"numbers and sums of the cells are not hashtags and were left out: "
            f"{list_names(left_out)}"
        )
    return kept, notes


def _names_no_hashtag(name: str) -> bool:
    """Whether a header is that of a summary, or of metadata that can be nothing else."""
    return bool(NOT_A_HASHTAG.fullmatch(corner_key(name))) or is_clear_annotation(name)


def _numbers_cells(column: np.ndarray) -> bool:
    """Whether a column has consecutive numbers in any order, or the same number in all rows."""
    ordered = np.sort(column)
    if ordered.size < MIN_NUMBERED or not ordered.any():
        return False
    return bool((np.diff(ordered) == 1).all() or ordered[0] == ordered[-1])


def _read(path: str, barcodes: pd.Index, origin: Origin) -> pd.DataFrame:
    """The table with cells in rows, indexed by barcode; of a 10x file, only cells of the sample."""
    short = set(barcodes.astype(str).str.replace(LANE, "", regex=True))
    if path.endswith((".h5", ".hdf5")):
        with origin.reading("10x HDF5"):
            names, features = read_other_features(Path(path))
        unique = len(set(features.names)) == len(features.names)
        columns = features.names if unique else features.ids
        near = pd.Index(names).str.replace(LANE, "", regex=True).isin(short)
        near[:2] = True  # shown if none is in the sample
        return pd.DataFrame(
            features.matrix[near].toarray(), index=pd.Index(names)[near], columns=columns
        )
    table = read_metadata(Path(path), origin)

    def hits(names: pd.Index) -> int:
        return int(pd.Index(names.astype(str)).str.replace(LANE, "", regex=True).isin(short).sum())

    by_column = {name: hits(pd.Index(table[name])) for name in table.columns}
    key = max(by_column, key=by_column.__getitem__, default=None)
    if key is None:
        raise origin.error("is empty; use a table of cells and hashtags")
    if hits(pd.Index(table.columns)) > by_column[key]:
        texts = table.select_dtypes(exclude="number").columns
        key = texts[0] if texts.size else table.columns[0]  # not numbers of the rows
        return table.set_index(key).T.apply(pd.to_numeric, errors="coerce")
    return table.set_index(key)
