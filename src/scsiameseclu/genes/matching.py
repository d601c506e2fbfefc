"""Genes of one table found in another, by id or by symbol, whatever their case and version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from scsiameseclu.errors import UserError
from scsiameseclu.genes.names import genes_of_table

LEAST_OVERLAP = 0.2
"""Smallest share of the genes looked for that must be found."""
SHOWN = 3


@dataclass(frozen=True)
class GeneNames:
    """Ids and symbols of genes, each (n_genes,)."""

    ids: list[str]
    symbols: list[str]

    @classmethod
    def of(cls, genes: pd.DataFrame) -> GeneNames:
        """Ids and symbols of a ``var`` table.

        From the columns ``gene_id`` and ``gene_symbol`` if it has both; otherwise from the columns
        that other tools write, such as ``gene_ids`` or ``feature_name``, and the genes' names.
        """
        if not {"gene_id", "gene_symbol"} <= set(genes.columns):
            genes = genes_of_table(genes)[0]
        ids, symbols = ([str(name) for name in genes[c]] for c in ("gene_id", "gene_symbol"))
        return cls(ids, symbols)


@dataclass(frozen=True)
class Match:
    """Where wanted genes are.

    Attributes
    ----------
    positions
        Of each wanted gene in the other table, -1 where it is not there, (n_wanted,).
    by
        ``"gene ids"`` or ``"gene symbols"``.
    """

    positions: np.ndarray
    by: str

    def of(self, genes: np.ndarray) -> Match:
        """The match of some of the wanted genes, by their places among them."""
        return Match(self.positions[genes], self.by)

    @property
    def overlap(self) -> float:
        """Share of the wanted genes that were found, 0 to 1."""
        return float((self.positions >= 0).mean()) if self.positions.size else 0.0


def match_genes(wanted: GeneNames, there: GeneNames) -> Match:
    """Find genes by the kind of names, ids or symbols, that finds more of them.

    Neither case nor an id's version counts, so human genes also find their namesakes in the mouse.
    Of several genes of one name the first is taken; none is taken twice.
    """
    matches = [
        Match(_positions(wanted.symbols, there.symbols), "gene symbols"),
        Match(_positions(wanted.ids, there.ids), "gene ids"),
    ]
    return max(matches, key=lambda match: match.overlap)


def check_overlap(match: Match, wanted: GeneNames, there: GeneNames, what: str, where: str) -> None:
    """Raise where too few genes were found.

    Parameters
    ----------
    what, where
        Whose genes were looked for, and in what, for the sentence.

    Raises
    ------
    UserError
        Less than a fifth of the wanted genes were found.
    """
    if match.overlap < LEAST_OVERLAP:
        raise UserError(
            f"{where} has {match.overlap:.0%} of the genes of {what}, at least "
            f"{LEAST_OVERLAP:.0%} are needed; it has genes such as {_examples(there)}, and "
            f"{what} such as {_examples(wanted)}: give both the same kind of names and one organism"
        )


def _positions(wanted: Sequence[str], there: Sequence[str]) -> np.ndarray:
    places: dict[str, int] = {}
    for at, name in enumerate(map(_plain, there)):
        places.setdefault(name, at)
    # a name that stands twice in the list goes to its first
    return np.array([places.pop(_plain(name), -1) for name in wanted], dtype=int)


def _plain(name: str) -> str:
    upper = name.strip().upper()
    return upper.split(".")[0] if upper.startswith("ENS") else upper


def _examples(genes: GeneNames) -> str:
    pairs = list(zip(genes.symbols, genes.ids, strict=True))[:SHOWN]
    return ", ".join(symbol if symbol == own else f"{symbol} ({own})" for symbol, own in pairs)
