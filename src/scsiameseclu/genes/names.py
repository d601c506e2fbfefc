"""Gene symbols and gene ids, kept apart whatever a file calls them."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pandas as pd
from anndata.utils import make_index_unique

# Ensembl (human ENSG, mouse ENSMUSG, ... with version or not), FlyBase, WormBase.
GENE_ID = re.compile(r"^(ENS[A-Z]{0,6}G\d{6,}|FBgn\d{7}|WBGene\d{8})(\.\d+)?$")
# ENSG00000141510_TP53, ENSG00000141510.5|TP53
ID_AND_SYMBOL = re.compile(r"^(ENS[A-Z]{0,6}G\d{6,}(\.\d+)?)[_|:](.+)$")
# Drop-seq's HUMAN_10:100007447-100028007:LOXL4
REGION_AND_SYMBOL = re.compile(r"^([^:]+:\d+-\d+):(.+)$")
ID_COLUMNS = ("gene_id", "gene_ids", "ensembl_id", "ensembl", "ensembl_ids", "accession", "id")
SYMBOL_COLUMNS = (
    "gene_symbol", "gene_symbols", "symbol", "gene_name", "gene_names", "genename",
    "gene_short_name", "feature_name", "hgnc_symbol", "gene", "name",
)  # fmt: skip
MOST = 0.5


def share(pattern: re.Pattern[str], names: Sequence[str]) -> float:
    """The share of names that match a pattern."""
    return sum(1 for name in names if pattern.match(name)) / max(len(names), 1)


def gene_table(
    names: Sequence[str],
    *,
    ids: Sequence[str] | None = None,
    symbols: Sequence[str] | None = None,
) -> tuple[pd.DataFrame, list[str], list[str]]:
    """The ``var`` table of a count matrix.

    Parameters
    ----------
    names
        The genes' names as the file's index has them, (n_genes,).
    ids, symbols
        What the file calls ids and symbols, where it does.

    Returns
    -------
    table
        Index: symbols made unique; columns ``gene_id``, ``gene_symbol``. Where only one of the two
        is known, the other equals it.
    notes, warnings
        Sentences.
    """
    given_ids, given_symbols, source = _apart([str(name) for name in names], ids, symbols)
    table = pd.DataFrame({"gene_id": given_ids, "gene_symbol": given_symbols}, dtype=object)
    unnamed = table["gene_symbol"].isin(["", "nan", "None", "NaN"])
    table.loc[unnamed, "gene_symbol"] = table.loc[unnamed, "gene_id"]
    notes: list[str] = [source] if source else []
    warnings: list[str] = []
    index = pd.Index(table["gene_symbol"].astype(str))
    repeated = index.duplicated()
    if repeated.any():
        sentence = (
            f"{int(repeated.sum())} gene names occur more than once (first: "
            f"{index[repeated][0]}) and were made unique by a suffix -1, -2, ..."
        )
        # Two ids with one symbol are ordinary; two rows that nothing tells apart are not.
        (warnings if table["gene_id"].duplicated().any() else notes).append(sentence)
    table.index = make_index_unique(index).rename(None)
    return table, notes, warnings


def _apart(
    names: list[str], ids: Sequence[str] | None, symbols: Sequence[str] | None
) -> tuple[Sequence[str], Sequence[str], str]:
    """Ids, symbols, and a sentence on where they come from."""
    if ids is not None or symbols is not None:
        own_ids = names if ids is None else [str(value) for value in ids]
        return own_ids, names if symbols is None else [str(value) for value in symbols], ""
    if names and share(ID_AND_SYMBOL, names) >= MOST:
        parts = [ID_AND_SYMBOL.sub(r"\1\t\3", name).split("\t") for name in names]
        note = "gene names hold an id and a symbol, which were split"
        return [part[0] for part in parts], [part[-1] for part in parts], note
    if names and share(REGION_AND_SYMBOL, names) >= MOST:
        note = "gene names hold a region and a symbol, which were split"
        return names, [REGION_AND_SYMBOL.sub(r"\2", name) for name in names], note
    if names and share(GENE_ID, names) >= MOST:
        return names, names, "genes are named by ids only, which stand for the symbols too"
    return names, names, "genes are named by symbols only, which stand for the ids too"


def genes_of_table(var: pd.DataFrame) -> tuple[pd.DataFrame, list[str], list[str]]:
    """:func:`gene_table` of a table of genes, whose id and symbol columns go by many names."""
    names = [str(name) for name in var.index]
    names_are_ids = share(GENE_ID, names) >= MOST
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
    source = f"gene ids are taken from {f'column {id_column}' if id_column else 'the gene names'}"
    source += f", symbols from {f'column {symbol_column}' if symbol_column else 'the gene names'}"
    return table, [source, *notes], warnings


def _column(var: pd.DataFrame, known: Sequence[str]) -> str | None:
    lower = {str(name).lower(): str(name) for name in reversed(list(var.columns))}
    return next((lower[name] for name in known if name in lower), None)
