"""Matching of genes between two tables, by id or symbol, regardless of case and version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from scsiameseclu.errors import UserError
from scsiameseclu.genes.names import genes_of_table

MIN_OVERLAP = 0.2
"""Smallest share of the wanted genes that must be available."""
MAX_EXAMPLES = 3


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

    def at(self, positions: np.ndarray) -> GeneNames:
        """The names of some of the genes, by position."""
        return GeneNames(
            [self.ids[position] for position in positions],
            [self.symbols[position] for position in positions],
        )

    def examples(self) -> str:
        """The first genes, for a sentence: symbols, with the ids where these differ."""
        pairs = list(zip(self.symbols, self.ids, strict=True))[:MAX_EXAMPLES]
        return ", ".join(name if name == other else f"{name} ({other})" for name, other in pairs)


@dataclass(frozen=True)
class Match:
    """Positions of wanted genes in another table.

    Attributes
    ----------
    positions
        Position of each wanted gene in the other table, -1 if it is not there, (n_wanted,).
    by
        ``"gene ids"`` or ``"gene symbols"``.
    """

    positions: np.ndarray
    by: str

    def of(self, genes: np.ndarray) -> Match:
        """The match of some of the wanted genes, by their positions among them."""
        return Match(self.positions[genes], self.by)

    @property
    def overlap(self) -> float:
        """Share of the wanted genes that are available, 0 to 1."""
        return float((self.positions >= 0).mean()) if self.positions.size else 0.0


def match_genes(wanted: GeneNames, available: GeneNames) -> Match:
    """Match genes by ids or by symbols, whichever matches more of them.

    Neither case nor an id's version counts, so human genes also match their mouse namesakes. Among
    several genes of one name the first is taken; none is taken twice.
    """
    matches = [
        Match(_positions(wanted.symbols, available.symbols), "gene symbols"),
        Match(_positions(wanted.ids, available.ids), "gene ids"),
    ]
    return max(matches, key=lambda match: match.overlap)


def check_overlap(
    match: Match, wanted: GeneNames, available: GeneNames, what: str, where: str
) -> None:
    """Raise if too few genes match.

    Parameters
    ----------
    what, where
        What the wanted and the available genes belong to, for the message.

    Raises
    ------
    UserError
        Less than a fifth of the wanted genes are available.
    """
    if match.overlap < MIN_OVERLAP:
        raise UserError(
            f"{where} has {match.overlap:.0%} of the genes of {what}, at least "
            f"{MIN_OVERLAP:.0%} are needed; it has genes such as {available.examples()}, and "
            f"{what} such as {wanted.examples()}: use the same gene names and organism in both"
        )


def _positions(wanted: Sequence[str], available: Sequence[str]) -> np.ndarray:
    positions: dict[str, int] = {}
    for position, name in enumerate(map(_plain, available)):
        positions.setdefault(name, position)
    # a gene is matched by the first wanted gene of its name only
    return np.array([positions.pop(_plain(name), -1) for name in wanted], dtype=int)


def _plain(name: str) -> str:
    upper = name.strip().upper()
    return upper.split(".")[0] if upper.startswith("ENS") else upper
