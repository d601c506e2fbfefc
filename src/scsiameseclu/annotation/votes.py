"""Votes of several sources on the type of each cluster and cell, and their consensus.

Sources vote by name; "Unassigned" and "Unknown" are abstentions. Names are compared through the
table of :mod:`scsiameseclu.annotation.cell_types`. The consensus is the narrowest type that more
than half of the votes cast support, "Unassigned" if none is cast, and "conflict" if they have at
most a type at the top of the tree in common. Names that the table does not know cannot be
compared; then the source of highest rank decides alone: an annotated reference, then CellTypist,
then markers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from scsiameseclu.annotation.cell_types import (
    ABSTENTIONS,
    CONFLICT,
    UNASSIGNED,
    UNKNOWN,
    Vocabulary,
    vocabulary,
)

SOURCES = ("reference", "celltypist", "markers")
"""By rank, highest first."""


@dataclass(frozen=True)
class Vote:
    """The vote of one source.

    Attributes
    ----------
    source
        One of :data:`SOURCES`.
    names
        The type of each cell or cluster, strings (n,).
    strength
        Confidence of the source, 0 to 1, (n,).
    """

    source: str
    names: np.ndarray
    strength: np.ndarray

    def of(self, positions: np.ndarray) -> Vote:
        """The votes at some positions, for example of each cell's cluster."""
        return Vote(self.source, self.names[positions], self.strength[positions])


def vote_of_clusters(vote: Vote, clusters: pd.Series) -> Vote:
    """One vote per cluster from the votes of its cells, in the order of the categories.

    The narrowest type that more than half of the cluster's cells support, with the share of the
    cells that do; "Unknown" if there is none.
    """
    table = pd.crosstab(clusters.to_numpy(), vote.names)
    names, shares = [], []
    for cluster in clusters.cat.categories:
        counts = table.loc[cluster] if cluster in table.index else pd.Series(dtype=int)
        total = float(counts.sum())
        cast = counts[(counts > 0) & ~counts.index.isin(ABSTENTIONS)]
        name, support = vocabulary().settle({str(k): float(v) for k, v in cast.items()}, total)
        names.append(_as_written(name, cast) if name else UNKNOWN)
        shares.append(min(support / total, 1.0) if total else 0.0)
    return Vote(vote.source, np.array(names, dtype=object), np.array(shares))


def consensus(votes: Sequence[Vote]) -> tuple[np.ndarray, np.ndarray]:
    """The types on which the sources agree, and how strongly.

    Parameters
    ----------
    votes
        Votes of one or more sources on the same cells or clusters.

    Returns
    -------
    names
        The consensus, strings (n,). With one source these are its names.
    scores
        Mean over all sources of the strength of those that support the consensus, 0 to 1, (n,);
        0 where there is none.
    """
    if len(votes) == 1:
        (only,) = votes
        cast = ~np.isin(only.names.astype(str), ABSTENTIONS)
        return only.names, np.where(cast, only.strength, 0.0)
    ranked = sorted(votes, key=lambda vote: SOURCES.index(vote.source))
    together = np.array([vote.names for vote in ranked], dtype=object).T
    decided: dict[tuple[str, ...], tuple[str, list[bool]]] = {}
    types = []
    support = np.zeros(together.shape)
    for row, names in enumerate(map(tuple, together)):
        if names not in decided:
            decided[names] = _decide(names, vocabulary())
        agreed, supporting = decided[names]
        types.append(agreed)
        support[row] = supporting
    strength = np.array([vote.strength for vote in ranked], dtype=float).T
    return np.array(types, dtype=object), (support * strength).mean(axis=1)


def _decide(names: Sequence[str], known: Vocabulary) -> tuple[str, list[bool]]:
    """The consensus of one cell, and which sources (by rank) support it."""
    cast = [name for name in names if name not in ABSTENTIONS]
    if not cast:
        return UNASSIGNED, [False] * len(names)
    compared = [name for name in cast if known.comparable(name, cast[0])]
    weights = {name: float(compared.count(name)) for name in compared}
    agreed, _ = known.settle(weights, float(len(compared)))
    if agreed is None or _only_at_the_top(agreed, compared, known):
        return CONFLICT, [False] * len(names)
    lineage = known.lineage(agreed)
    supporting = [
        name in compared and (agreed in known.lineage(name) or known.canonical(name) in lineage)
        for name in names
    ]
    return agreed, supporting


def _only_at_the_top(agreed: str, cast: Sequence[str], known: Vocabulary) -> bool:
    """Whether the votes have nothing but the top of the tree in common."""
    return len(known.lineage(agreed)) == 1 and all(known.canonical(n) != agreed for n in cast)


def not_comparable(votes: Sequence[Vote]) -> list[str]:
    """Names that the table does not know; empty for a single source."""
    names = {str(name) for vote in votes for name in vote.names if name not in ABSTENTIONS}
    return sorted(name for name in names if len(votes) > 1 and not vocabulary().knows(name))


def _as_written(name: str, cast: pd.Series) -> str:
    """The source's name for a type, if it uses only one."""
    words = [str(word) for word in cast.index if vocabulary().canonical(str(word)) == name]
    return words[0] if len(words) == 1 else name
