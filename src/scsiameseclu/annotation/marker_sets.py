"""Marker sets: the table of canonical markers or a user's table, matched to the genes.

``canonical_markers.tsv`` has the columns ``tissue`` (one or more, separated by semicolons;
``any`` for types that occur in every tissue), ``cell_type``, ``gene`` (human symbol; empty
where the gene has no human counterpart), ``mouse_gene`` (likewise) and ``source``: the databases
that list the gene as a marker of the type, in which ``benchmarks/marker_sources.py`` looked it up,
or ``not verified`` if none does. The genes are markers in common use in the field.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd

from scsiameseclu.annotation.cell_types import ABSTENTIONS
from scsiameseclu.annotation.tissues import ANY, TABLE, known_tissues, tissue_names, tissues_of
from scsiameseclu.errors import UserError
from scsiameseclu.genes.organism import ANOTHER, UNKNOWN, detect_organism, is_another_species
from scsiameseclu.store.files import first_line

SPECIES_COLUMN = {"human": "gene", "mouse": "mouse_gene", UNKNOWN: "gene"}
MIN_MARKERS = 3
"""A canonical set with fewer of its genes in the data is not scored."""


@dataclass(frozen=True)
class MarkerSets:
    """Marker sets of one tissue, or of a user's table.

    Attributes
    ----------
    name
        Tissues, or the table's path.
    table
        Columns ``cell_type``, ``gene``, ``weight``.
    min_markers
        Smallest number of a set's genes that must be in the data.
    """

    name: str
    table: pd.DataFrame
    min_markers: int = MIN_MARKERS


def canonical_table() -> pd.DataFrame:
    """The table of canonical markers, empty fields as empty strings."""
    source = files("scsiameseclu.annotation") / TABLE
    with source.open(encoding="utf-8") as lines:
        return pd.read_csv(lines, sep="\t", dtype=str, keep_default_na=False)


def canonical_sets(tissue: str, organism: str) -> list[MarkerSets]:
    """The marker sets to try: one entry per tissue when ``tissue`` is ``"auto"``, else one.

    Types that occur in every tissue are in each entry, and with ``"auto"`` also in one of their own
    (``"any"``).

    Parameters
    ----------
    tissue
        ``"auto"``, or tissues of the table, comma-separated; sets of one name are joined.
    organism
        ``"human"``, ``"mouse"`` or ``"unknown"`` (as human); for others, the table is empty.

    Raises
    ------
    UserError
        The table has no such tissue.
    """
    table = canonical_table()
    requested = tissues_of(tissue)
    every: list[list[str]] = [[ANY], *([name] for name in known_tissues())]
    groups = every if requested is None else [requested]
    if organism not in SPECIES_COLUMN:
        none = table.iloc[:0]
        return [MarkerSets("", none[["cell_type", "gene"]].assign(weight=1.0))]
    sets = []
    for names in groups:
        wanted = {*names, ANY}
        rows = table[[not wanted.isdisjoint(tissue_names(text)) for text in table["tissue"]]]
        part = rows[["cell_type"]].assign(gene=rows[SPECIES_COLUMN[organism]], weight=1.0)
        part = part[part["gene"] != ""].drop_duplicates(["cell_type", "gene"], ignore_index=True)
        sets.append(MarkerSets(", ".join(names), part))
    return sets


def read_marker_table(path: str | Path) -> MarkerSets:
    """Read a user's marker table: columns ``cell_type``, ``gene`` and, optionally, ``weight``.

    The table is tab-separated; comma-separated when its name ends in ``.csv``; and has one set per
    line (name, description, genes) when it ends in ``.gmt``. Genes are symbols or ids.

    Raises
    ------
    UserError
        The file is missing, unreadable or empty, lacks a column, or has a weight that is not a
        number.
    """
    path = Path(path)
    where = f"marker table {path}"
    if path.is_dir():
        raise UserError(f"{where} is a folder; specify a file")
    if not path.is_file():
        raise UserError(f"{where} does not exist; check the setting marker_table")
    try:
        if path.suffix == ".gmt":
            table = _gene_sets(path)
        else:
            separator = "," if path.suffix == ".csv" else "\t"
            table = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False)
    except (ValueError, OSError) as error:  # UnicodeDecodeError is a ValueError
        raise UserError(f"{where} cannot be read: {first_line(error)}") from error
    return MarkerSets(str(path), _checked(table, where), min_markers=1)


def given_markers(markers: Mapping[str, Sequence[str]] | pd.DataFrame) -> MarkerSets:
    """Marker sets given as ``{cell type: genes}``, or as a table as of :func:`read_marker_table`.

    Raises
    ------
    UserError
        As for :func:`read_marker_table`.
    """
    if isinstance(markers, pd.DataFrame):
        table = markers.reset_index(drop=True).astype(object).fillna("").astype(str)
    else:
        texts = [name for name, genes in markers.items() if isinstance(genes, str)]
        if texts:
            raise UserError(f"the markers of {texts[0]} are a text; give a list of genes")
        rows = [(name, gene) for name, genes in markers.items() for gene in genes]
        table = pd.DataFrame(rows, columns=["cell_type", "gene"], dtype=str)
    return MarkerSets("given markers", _checked(table, "the marker table"), min_markers=1)


def _checked(table: pd.DataFrame, where: str) -> pd.DataFrame:
    """Columns ``cell_type``, ``gene`` and ``weight`` of a user's table of text."""
    missing = [name for name in ("cell_type", "gene") if name not in table.columns]
    if missing:
        raise UserError(
            f"{where} lacks the column {' and '.join(missing)} (it has "
            f"{', '.join(table.columns)}); give cell_type, gene and, if wanted, weight"
        )
    table = table.assign(
        cell_type=table["cell_type"].str.strip(),
        gene=table["gene"].str.strip(),
        weight=_weights(table, where),
    )
    table = table[(table["cell_type"] != "") & (table["gene"] != "")]
    if table.empty:
        raise UserError(f"{where} has no row with both a cell type and a gene")
    reserved = sorted(set(table["cell_type"]) & set(ABSTENTIONS))
    if reserved:
        raise UserError(f"{where} uses the reserved name {reserved[0]!r}; rename this cell type")
    table = table[["cell_type", "gene", "weight"]].drop_duplicates(["cell_type", "gene"])
    return table.reset_index(drop=True)


def _gene_sets(path: Path) -> pd.DataFrame:
    """The sets of a GMT file as a table of types and genes."""
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        name, _, *genes = [*line.split("\t"), ""]
        rows += [(name, gene) for gene in genes]
    return pd.DataFrame(rows, columns=["cell_type", "gene"], dtype=str)


def _weights(table: pd.DataFrame, where: str) -> pd.Series:
    if "weight" not in table.columns:
        return pd.Series(1.0, index=table.index)
    weights = pd.to_numeric(table["weight"], errors="coerce")
    bad = ~np.isfinite(weights)
    if bad.any():
        line = int(np.flatnonzero(bad)[0]) + 2
        value = table["weight"][bad].iloc[0]
        raise UserError(f"{where}, line {line}: the weight {value!r} is not a number")
    return weights


def choose_organism(organism: str, symbols: list[str], ids: list[str]) -> str:
    """The organism: as given, by the names of the genes, or by their overlap with the table.

    ``"another species"`` if the ids are those of a species that is not named, and ``"unknown"`` if
    no gene is in the table.

    Raises
    ------
    UserError
        The organism is neither ``"auto"`` nor one of the table.
    """
    if organism not in ("auto", "human", "mouse"):
        raise UserError(f"organism is {organism!r}; it must be auto, human or mouse")
    if organism != "auto":
        return organism
    detected = detect_organism(symbols, ids)
    if detected != UNKNOWN:
        return detected
    if is_another_species(symbols, ids):
        return ANOTHER
    table, genes = canonical_table(), {symbol.upper() for symbol in symbols}
    human, mouse = (
        len(genes & set(table[SPECIES_COLUMN[name]].str.upper())) for name in ("human", "mouse")
    )
    if not human and not mouse:
        return UNKNOWN
    return "mouse" if mouse > human else "human"


def gene_positions(symbols: list[str], ids: list[str], priority: list[float]) -> dict[str, int]:
    """The position of the gene of each name, in capitals.

    Names are symbols and ids, the latter also without their version; symbols take precedence. Among
    several genes of the same name the one with the highest ``priority`` is taken.
    """
    position: dict[str, int] = {}
    order = sorted(range(len(symbols)), key=lambda i: priority[i])
    for gene in order:
        identifier = ids[gene].upper()
        position |= {name: gene for name in (identifier, identifier.split(".")[0]) if name}
    for gene in order:
        position[symbols[gene].upper()] = gene
    return position


def match_positions(sets: MarkerSets, positions: Mapping[str, int]) -> pd.DataFrame:
    """The rows of the table whose gene has a position, with it as ``target``."""
    target = sets.table["gene"].str.upper().map(positions)
    matched = sets.table[target.notna()].assign(target=target.dropna().astype(int))
    return matched.drop_duplicates(["cell_type", "target"], ignore_index=True)
