"""Matching of genes between two tables by id or symbol, ignoring case and id versions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from scsiameseclu.errors import UserError
from scsiameseclu.genes.names import genes_of_table

MIN_OVERLAP = 0.2
"""Minimum fraction of the wanted genes that must be available."""
MAX_EXAMPLES = 3
"""Maximum number of example genes in a message."""


@dataclass(frozen=True)
class GeneNames:
    """Gene ids and symbols, each (n_genes,)."""

    ids: list[str]
    symbols: list[str]

    @classmethod
    def of(cls, genes: pd.DataFrame) -> GeneNames:
        """Ids and symbols of a ``var`` table.

        They are read from the columns ``gene_id`` and ``gene_symbol`` if both exist, otherwise from
        the index and columns written by other tools, such as ``gene_ids`` or ``feature_name``.
        """
        if not {"gene_id", "gene_symbol"} <= set(genes.columns):
            genes = genes_of_table(genes)[0]
        ids, symbols = ([str(name) for name in genes[c]] for c in ("gene_id", "gene_symbol"))
        return cls(ids, symbols)

    def at(self, positions: np.ndarray) -> GeneNames:
        """The genes at the given positions."""
        return GeneNames(
            [self.ids[position] for position in positions],
            [self.symbols[position] for position in positions],
        )

    def examples(self) -> str:
        """The first genes, for messages: symbols, followed by ids if these differ."""
        pairs = list(zip(self.symbols, self.ids, strict=True))[:MAX_EXAMPLES]
        return ", ".join(name if name == other else f"{name} ({other})" for name, other in pairs)


@dataclass(frozen=True)
class Match:
    """Positions of wanted genes in another table.

    Attributes
    ----------
    positions
        Position of each wanted gene in the other table, -1 if missing, (n_wanted,).
    by
        ``"gene ids"`` or ``"gene symbols"``.
    """

    positions: np.ndarray
    by: str

    def of(self, genes: np.ndarray) -> Match:
        """The match restricted to the wanted genes at the given positions."""
        return Match(self.positions[genes], self.by)

    @property
    def overlap(self) -> float:
        """Fraction of the wanted genes that are available."""
        return float((self.positions >= 0).mean()) if self.positions.size else 0.0


def match_genes(wanted: GeneNames, available: GeneNames) -> Match:
    """Match genes by ids or by symbols, whichever matches more genes.

    Case and id versions are ignored, so human genes match mouse genes with the same symbol. Of
    several genes with the same name, the first is matched, and each gene at most once.
    """
    matches = [
        Match(_positions(wanted.symbols, available.symbols), "gene symbols"),
        Match(_positions(wanted.ids, available.ids), "gene ids"),
    ]
    return max(matches, key=lambda match: match.overlap)


def check_overlap(
    match: Match, wanted: GeneNames, available: GeneNames, what: str, where: str
) -> None:
    """Raise an error if too few genes match.

    Parameters
    ----------
    what, where
        Names of the sources of the wanted and of the available genes, for the message.

    Raises
    ------
    UserError
        Fewer than 20 % of the wanted genes are available.
    """
    if match.overlap < MIN_OVERLAP:
        raise UserError(
            f"{where} has {match.overlap:.0%} of the genes of {what}, but at least "
            f"{MIN_OVERLAP:.0%} are required; it has genes such as {available.examples()}, and "
            f"{what} has genes such as {wanted.examples()}: use the same gene names and organism "
            "in both"
        )


def _positions(wanted: Sequence[str], available: Sequence[str]) -> np.ndarray:
    positions: dict[str, int] = {}
    for position, name in enumerate(map(normalised, available)):
        positions.setdefault(name, position)
    # pop: only the first wanted gene of a name is matched
    return np.array([positions.pop(normalised(name), -1) for name in wanted], dtype=int)


def normalised(name: str) -> str:
    """Upper case, and without version if it is an Ensembl id."""
    upper = name.strip().upper()
    return upper.split(".")[0] if upper.startswith("ENS") else upper
