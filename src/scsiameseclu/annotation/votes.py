"""A consensus of several votes on the type of each cluster and of each cell.

Sources vote by name; "Unassigned" and "Unknown" are abstentions. Names are compared by the table
of :mod:`scsiameseclu.annotation.cell_types`. The consensus is the narrowest type that more than
half of the votes cast speak for, "Unassigned" where none is cast, and "conflict" where they
contradict.
Names that the table does not know cannot be held against others; then the vote of the highest
standing decides alone: an annotated reference, then CellTypist, then markers.
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
"""In the order of their standing."""


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
        How sure the source is, 0 to 1, (n,).
    """

    source: str
    names: np.ndarray
    strength: np.ndarray

    def of(self, positions: np.ndarray) -> Vote:
        """The votes at some positions, such as each cell's cluster's."""
        return Vote(self.source, self.names[positions], self.strength[positions])


def vote_of_clusters(vote: Vote, clusters: pd.Series) -> Vote:
    """One vote a cluster from the votes of its cells, in the order of the categories.

    The narrowest type that more than half of the cluster's cells speak for, with the share of the
    cells that do; "Unknown" where there is none.
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
        Of one or more sources, on the same cells or clusters.

    Returns
    -------
    names
        The consensus, strings (n,). With one source these are its own names.
    scores
        Mean over the sources of the strength of those that speak for it, 0 to 1, (n,); 0 where
        there is no consensus.
    """
    if len(votes) == 1:
        (only,) = votes
        cast = ~np.isin(only.names.astype(str), ABSTENTIONS)
        return only.names, np.where(cast, only.strength, 0.0)
    ranked = sorted(votes, key=lambda vote: SOURCES.index(vote.source))
    together = np.array([vote.names for vote in ranked], dtype=object).T
    decided: dict[tuple[str, ...], tuple[str, list[bool]]] = {}
    answers = []
    speaking = np.zeros(together.shape)
    for row, names in enumerate(map(tuple, together)):
        if names not in decided:
            decided[names] = _decide(names, vocabulary())
        answer, spoken = decided[names]
        answers.append(answer)
        speaking[row] = spoken
    strength = np.array([vote.strength for vote in ranked], dtype=float).T
    return np.array(answers, dtype=object), (speaking * strength).mean(axis=1)


def _decide(names: Sequence[str], known: Vocabulary) -> tuple[str, list[bool]]:
    """The consensus of one cell, and which sources (by standing) speak for it."""
    cast = [name for name in names if name not in ABSTENTIONS]
    if not cast:
        return UNASSIGNED, [False] * len(names)
    heard = [name for name in cast if known.comparable(name, cast[0])]
    weights = {name: float(heard.count(name)) for name in heard}
    answer, _ = known.settle(weights, float(len(heard)))
    if answer is None:
        return CONFLICT, [False] * len(names)
    line = known.lineage(answer)
    spoken = [
        name in heard and (answer in known.lineage(name) or known.meant(name) in line)
        for name in names
    ]
    return answer, spoken


def not_comparable(votes: Sequence[Vote]) -> list[str]:
    """Names that the table does not know, of sources that vote beside others."""
    found = {str(name) for vote in votes for name in vote.names if name not in ABSTENTIONS}
    return sorted(name for name in found if len(votes) > 1 and not vocabulary().knows(name))


def _as_written(name: str, cast: pd.Series) -> str:
    """The source's own word for a type, where it has one only."""
    words = [str(word) for word in cast.index if vocabulary().meant(str(word)) == name]
    return words[0] if len(words) == 1 else name
