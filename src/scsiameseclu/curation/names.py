"""Curated names of clusters in place of predicted cell types, marked as such."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import pandas as pd

from scsiameseclu.curation.plan import cell_types
from scsiameseclu.curation.table import Line

PREDICTED = "cell_type_predicted"
CURATED = "cell_type_curated"
ID = "cell_type_ontology_term_id"


def with_curated_names(
    table: pd.DataFrame,
    cells: pd.DataFrame,
    clusters: pd.Series,
    lines: Sequence[Line],
    edits: Mapping[str, Any],
    ontology_id: Callable[[str], str] | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Replace predicted cell types by the names of the biologist's table.

    Parameters
    ----------
    table
        One row per cluster, with ``cluster`` and ``cell_type``.
    cells
        One row per cell, with the categories ``cell_type_predicted``.
    clusters
        Categorical cluster of each cell.
    lines
        From :func:`scsiameseclu.curation.table.read_lines`.
    edits
        ``uns["curation"]`` of the clusters: ``merged`` and ``split``; empty without edits.
    ontology_id
        Function from a name to its Cell Ontology id, empty if it has none; where table and cells
        have ids, those of named clusters are replaced. None for no ids.

    Returns
    -------
    table
        With the columns ``predicted_type`` (what ``cell_type`` was), ``curated`` (``named``,
        ``merged`` and ``split``, comma-separated) and ``note`` if the table has edits.
    cells
        With ``cell_type_curated`` (bool, whether the type was named by hand) if any is.

    Raises
    ------
    UserError
        A line names a cluster that does not exist, or clusters that are merged have different
        names.
    """
    merged, split = dict(edits.get("merged", {})), dict(edits.get("split", {}))
    names = table["cluster"].astype(str).tolist()
    named = cell_types(lines, merged, names)
    notes = _notes(lines, merged, split, names)
    if not (named or notes or merged or split):
        return table, cells
    predicted = table["cell_type"].astype(str).tolist()
    pairs = zip(names, predicted, strict=True)
    types = [named[name].cell_type if name in named else kind for name, kind in pairs]
    marks: dict[str, list[str]] = {
        "predicted_type": predicted,
        "curated": [_words(name, named, merged, split) for name in names],
        "note": [notes.get(name, "") for name in names],
    }
    table = table.assign(cell_type=types)
    place = list(table.columns).index("cell_type") + 1
    for offset, (column, values) in enumerate(marks.items()):
        table.insert(place + offset, column, values)
    if not named:
        return table, cells
    ids = {name: ontology_id(line.cell_type) if ontology_id else "" for name, line in named.items()}
    by_hand = clusters.astype(str).map({name: line.cell_type for name, line in named.items()})
    types_of_cells = by_hand.where(by_hand.notna(), cells[PREDICTED].astype(str))
    place = list(cells.columns).index(PREDICTED)
    cells = cells.assign(**{PREDICTED: types_of_cells.astype("category")})
    cells.insert(place + 1, CURATED, by_hand.notna().to_numpy())
    if ID in table:
        known = table["cluster"].astype(str).map(ids)
        table[ID] = known.where(known.notna(), table[ID].astype(str))
        known = clusters.astype(str).map(ids)
        cells[ID] = known.where(known.notna(), cells[ID].astype(str)).astype("category")
    return table, cells


def _notes(
    lines: Sequence[Line],
    merged: Mapping[str, str],
    split: Mapping[str, str],
    names: Collection[str],
) -> dict[str, str]:
    """Notes by final name of the cluster; parts have that of the cluster they were split from."""
    notes: dict[str, list[str]] = {}
    for line in lines:
        here = merged.get(line.cluster, line.cluster)
        ends = [here] if here in names else [part for part, name in split.items() if name == here]
        for name in ends if line.note else ():
            notes.setdefault(name, []).append(line.note)
    return {name: "; ".join(texts) for name, texts in notes.items()}


def _words(
    name: str, named: Collection[str], merged: Mapping[str, str], split: Collection[str]
) -> str:
    """What was done to a cluster."""
    true = {"named": name in named, "merged": name in merged.values(), "split": name in split}
    return ",".join(word for word, is_true in true.items() if is_true)
