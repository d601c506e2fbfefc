"""Gene ids and symbols, extracted from gene names and from columns of ``var``."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd
from anndata.utils import make_index_unique

from scsiameseclu.genes.cleaning import clean_names

GENE_ID = re.compile(
    r"^(ENS[A-Z]{0,6}G\d{6,}|FBgn\d{7}|WBGene\d{8}|Y[A-P][LR]\d{3}[WC](-[A-Z])?|AT[1-5MC]G\d{5})"
    r"(\.\d+)?$"
)
"""Ensembl (human ENSG, mouse ENSMUSG, ... with or without version), FlyBase, WormBase, yeast
(YAL001C), Arabidopsis (AT1G01010)."""
ID_AND_SYMBOL = re.compile(r"^(ENS[A-Z]{0,6}G\d{6,}(\.\d+)?)[_|:](.+)$")
"""ENSG00000141510_TP53, ENSG00000141510.5|TP53."""
SYMBOL_AND_ID = re.compile(r"^(.+)[_|:](ENS[A-Z]{0,6}G\d{6,}(\.\d+)?)$")
"""TP53_ENSG00000141510, TP53|ENSG00000141510.5."""
REGION_AND_SYMBOL = re.compile(r"^([^:]+:\d+-\d+):(.+)$")
"""HUMAN_10:100007447-100028007:LOXL4, as in Drop-seq data."""
DATE = re.compile(
    r"\d{1,2}-(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
    r"|(Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)-\d{1,2}|\d{4}-\d\d-\d\d( 00:00:00)?",
    re.IGNORECASE,
)
"""1-Mar, Sep-02, 2001-03-01: what spreadsheet programs make of MARCH1 and SEPT2."""
MISSING = ("", "nan", "None", "NaN")
UNNAMED = "unnamed"
"""Name of genes without id and symbol."""
ID_COLUMNS = ("gene_id", "gene_ids", "ensembl_id", "ensembl", "ensembl_ids", "accession", "id")
SYMBOL_COLUMNS = (
    "gene_symbol", "gene_symbols", "symbol", "gene_name", "gene_names", "genename",
    "gene_short_name", "feature_name", "hgnc_symbol", "gene", "name",
)  # fmt: skip
MIN_SHARE = 0.5
"""Minimum fraction of names that must match a pattern for it to apply to all names."""
MIN_DISTINCT_SHARE = 0.2
"""Minimum fraction of different values of a column of names; a biotype has fewer."""


def share(pattern: re.Pattern[str], names: Sequence[str]) -> float:
    """Fraction of the names that match a pattern."""
    return sum(1 for name in names if pattern.match(name)) / max(len(names), 1)


def gene_table(
    names: Sequence[str],
    *,
    ids: Sequence[str] | None = None,
    symbols: Sequence[str] | None = None,
) -> tuple[pd.DataFrame, list[str], list[str]]:
    """Make the ``var`` table of a count matrix.

    Parameters
    ----------
    names
        Gene names in the file, (n_genes,).
    ids, symbols
        Gene ids and symbols in the file, if it names them as such, (n_genes,).

    Returns
    -------
    table : DataFrame
        Columns ``gene_id`` and ``gene_symbol``, indexed by the symbols made unique. If only one of
        the two is known, both columns are equal.
    notes, warnings : list of str
        Messages.
    """
    messages: list[tuple[list[str], list[str]]] = []

    def cleaned(given: Sequence[str] | None) -> list[str] | None:
        if given is None:
            return None
        result, *about = clean_names([str(name) for name in given])
        messages.append((about[0], about[1]))
        return result

    gene_ids, gene_symbols, source = _split_names(
        cleaned(names) or [], cleaned(ids), cleaned(symbols)
    )
    table = pd.DataFrame({"gene_id": gene_ids, "gene_symbol": gene_symbols}, dtype=object)
    unnamed = table["gene_symbol"].isin(MISSING)
    table.loc[unnamed, "gene_symbol"] = table.loc[unnamed, "gene_id"]
    unnamed = table["gene_symbol"].isin(MISSING)
    table.loc[unnamed, :] = UNNAMED
    notes = [source] if source else []
    notes += dict.fromkeys(note for about, _ in messages for note in about)
    warnings = list(dict.fromkeys(warning for _, about in messages for warning in about))
    if unnamed.any():
        warnings.append(f"{int(unnamed.sum())} genes have no name and were named {UNNAMED}")
    if dates := [name for name in table["gene_symbol"] if DATE.fullmatch(name)]:
        warnings.append(
            f"{len(dates)} gene names are dates (first: {dates[0]}): a spreadsheet program changed "
            "names such as MARCH1 and SEPT2; export the table again from its source"
        )
    index = pd.Index(table["gene_symbol"].astype(str))
    repeated = index.duplicated()
    if repeated.any():
        message = (
            f"{int(repeated.sum())} gene names are repeated (first: {index[repeated][0]}) and were "
            "made unique with suffixes -1, -2, ..."
        )
        # Several ids with the same symbol are common; rows with the same id are suspicious.
        (warnings if table["gene_id"].duplicated().any() else notes).append(message)
    table.index = make_index_unique(index).rename(None)
    return table, notes, warnings


def _split_names(
    names: list[str], ids: Sequence[str] | None, symbols: Sequence[str] | None
) -> tuple[Sequence[str], Sequence[str], str]:
    """Ids, symbols, and a note on their source."""
    if ids is not None or symbols is not None:
        return names if ids is None else ids, names if symbols is None else symbols, ""
    if names and share(ID_AND_SYMBOL, names) >= MIN_SHARE:
        parts = [ID_AND_SYMBOL.sub(r"\1\t\3", name).split("\t") for name in names]
        note = "gene names were split into ids and symbols"
        return [part[0] for part in parts], [part[-1] for part in parts], note
    if names and share(SYMBOL_AND_ID, names) >= MIN_SHARE:
        parts = [SYMBOL_AND_ID.sub(r"\1\t\2", name).split("\t") for name in names]
        note = "gene names were split into symbols and ids"
        return [part[-1] for part in parts], [part[0] for part in parts], note
    if names and share(REGION_AND_SYMBOL, names) >= MIN_SHARE:
        note = "gene names were split into regions and symbols"
        return names, [REGION_AND_SYMBOL.sub(r"\2", name) for name in names], note
    if names and share(GENE_ID, names) >= MIN_SHARE:
        return names, names, "the file has gene ids only; they are also used as symbols"
    return names, names, "the file has gene symbols only; they are also used as ids"


def genes_of_table(var: pd.DataFrame) -> tuple[pd.DataFrame, list[str], list[str]]:
    """:func:`gene_table` for a ``var`` table, whose id and symbol columns have various names."""
    names = [str(name) for name in var.index]
    names_are_ids = share(GENE_ID, clean_names(names)[0]) >= MIN_SHARE
    only_numbered = share(re.compile(r"\d+$"), names) == 1
    id_column = None if names_are_ids else _column(var, ID_COLUMNS)
    symbol_column = None
    if names_are_ids or only_numbered or id_column is None:
        symbol_column = _column(var, SYMBOL_COLUMNS)
    if id_column is None and symbol_column is None:
        return gene_table(names)
    ids = names if id_column is None else var[id_column].astype(str).tolist()
    symbols = names if symbol_column is None else var[symbol_column].astype(str).tolist()
    table, notes, warnings = gene_table(names, ids=ids, symbols=symbols)
    id_source = f"column {id_column}" if id_column else "the gene names"
    symbol_source = f"column {symbol_column}" if symbol_column else "the gene names"
    source = f"gene ids are read from {id_source}, symbols from {symbol_source}"
    return table, [source, *notes], warnings


def _column(var: pd.DataFrame, candidates: Sequence[str]) -> str | None:
    """The first candidate that is a column of different names, ignoring case."""
    lower = {str(name).lower(): str(name) for name in reversed(list(var.columns))}
    present = (lower[name] for name in candidates if name in lower)
    return next(
        (name for name in present if var[name].nunique() >= MIN_DISTINCT_SHARE * len(var)), None
    )
