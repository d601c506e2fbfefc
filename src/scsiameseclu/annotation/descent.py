"""Names of clusters by descent in the tree of cell types.

The evidence for a type is the best score among the marker sets of the type and of its subtypes.
From the top of the tree, the best child is entered while its evidence reaches ``min_score`` and its
lead over its best sibling reaches ``margin``; the answer is the last type entered. A tie of two
types is thereby answered by the wider type that includes both, "Unassigned" only if there is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from scsiameseclu.annotation.cell_types import UNASSIGNED, Vocabulary, vocabulary
from scsiameseclu.settings import AnnotationSettings

TOP = ""
"""The node above all types."""


@dataclass(frozen=True)
class TypeTree:
    """The part of the tree that some marker sets belong to.

    Attributes
    ----------
    lineages
        The type of each set and its wider types, narrowest first.
    children
        Types below each type; those at the top below :data:`TOP`.
    members
        Positions of the sets of each type and of its subtypes.
    """

    lineages: list[list[str]]
    children: dict[str, list[str]]
    members: dict[str, list[int]]

    @classmethod
    def of(cls, names: Sequence[str], known: Vocabulary | None = None) -> TypeTree:
        """The tree of the types of these sets; a type that the vocabulary lacks is at the top."""
        known = known or vocabulary()
        lineages = [known.lineage(name) for name in names]
        children: dict[str, list[str]] = {}
        members: dict[str, list[int]] = {TOP: list(range(len(names)))}
        for position, lineage in enumerate(lineages):
            for kind, wider in zip(lineage, [*lineage[1:], TOP], strict=True):
                members.setdefault(kind, []).append(position)
                if kind not in children.setdefault(wider, []):
                    children[wider].append(kind)
        return cls(lineages, children, members)

    def related(self, one: int, other: int) -> bool:
        """Whether the type of one set includes that of the other."""
        return (
            self.lineages[one][0] in self.lineages[other]
            or self.lineages[other][0] in self.lineages[one]
        )


@dataclass(frozen=True)
class Descent:
    """The result of one descent.

    Attributes
    ----------
    answer
        The narrowest type entered, :data:`TOP` if none was.
    score
        Its evidence.
    best
        The set reached by always entering the best child with a score of ``min_score``: within the
        answer, but possibly narrower.
    evidence
        The set with the highest score within the answer.
    runner_up
        The set that tied with ``best``, or otherwise the best set whose type neither includes nor
        is included in that of ``best``; -1 if there is none.
    margin
        Lead over the set that tied, or otherwise ``lead``.
    lead
        Smallest lead over a sibling on the way to the answer; NaN if there is none.
    """

    answer: str
    score: float
    best: int
    evidence: int
    runner_up: int
    margin: float
    lead: float


def descend(scores: np.ndarray, tree: TypeTree, min_score: float, margin: float) -> Descent:
    """Descend from the top of the tree as far as the scores justify.

    Parameters
    ----------
    scores
        Score of each marker set in one cluster, shape (n_sets,).
    tree
        Tree of the sets.
    min_score, margin
        Smallest evidence for a type, and its smallest lead over its best sibling.
    """

    def best_of(node: str) -> int:
        return max(tree.members[node], key=lambda position: scores[position])

    answer, node, tied, last, leads = TOP, TOP, -1, np.nan, [np.inf]
    while node in tree.children:
        ranked = sorted(
            (best_of(child) for child in tree.children[node]),
            key=lambda position: -scores[position],
        )
        first, second = (ranked[0], ranked[1] if len(ranked) > 1 else -1)
        if scores[first] < min_score and node != TOP:
            break
        ahead = scores[first] - scores[second] if second >= 0 else np.nan
        child = _child(tree, node, first)
        if answer == node:  # nothing has stopped the descent so far
            last = ahead
            if ahead < margin:
                tied = second
            elif scores[first] >= min_score:
                answer = child
                leads.append(np.inf if np.isnan(ahead) else ahead)
        node = child
    best = best_of(node)
    runner_up = tied if tied >= 0 else _best_unrelated(scores, tree, best)
    evidence = best_of(answer)
    lead = min(leads)
    return Descent(
        answer,
        float(scores[evidence]),
        best,
        evidence,
        runner_up,
        float(last if tied >= 0 or np.isinf(lead) else lead),
        float(lead) if np.isfinite(lead) else np.nan,
    )


def _child(tree: TypeTree, node: str, position: int) -> str:
    """The child of a node that a set belongs to."""
    lineage = tree.lineages[position]
    return lineage[-1] if node == TOP else lineage[lineage.index(node) - 1]


def _best_unrelated(scores: np.ndarray, tree: TypeTree, best: int) -> int:
    others = [i for i in range(len(scores)) if not tree.related(i, best)]
    return max(others, key=lambda position: scores[position], default=-1)


def name_types(scores: pd.DataFrame, settings: AnnotationSettings) -> pd.DataFrame:
    """The type of each row of scores, and its runner-up.

    Returns
    -------
    Columns ``cell_type`` (as the marker table writes it, where it has the type), ``score``,
    ``runner_up``, ``runner_up_score``, ``margin`` and ``best_match``, and ``evidence`` and ``lead``
    of :class:`Descent` (the set by its name).
    """
    names = [str(name) for name in scores.columns]
    tree = TypeTree.of(names)
    written = {lineage[0]: name for lineage, name in zip(tree.lineages, names, strict=True)}
    of_set = dict(zip(names, (lineage[0] for lineage in tree.lineages), strict=True))
    rows = []
    for values in scores.to_numpy():
        if not names:
            rows.append((UNASSIGNED, np.nan, "", np.nan, np.nan, "", "", np.nan))
            continue
        result = descend(values, tree, settings.min_score, settings.margin)
        has_second = result.runner_up >= 0
        evidence = names[result.evidence]
        answer = evidence if of_set[evidence] == result.answer else written.get(result.answer)
        rows.append(
            (
                answer or result.answer or UNASSIGNED,
                result.score,
                names[result.runner_up] if has_second else "",
                values[result.runner_up] if has_second else np.nan,
                result.margin,
                names[result.best],
                evidence,
                result.lead,
            )
        )
    columns = ["cell_type", "score", "runner_up", "runner_up_score", "margin", "best_match"]
    columns += ["evidence", "lead"]
    return pd.DataFrame(rows, columns=columns, index=scores.index)
