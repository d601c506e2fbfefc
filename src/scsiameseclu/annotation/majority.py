"""Types of clusters that the majority of their cells support."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import pandas as pd

from scsiameseclu.annotation.cell_types import UNASSIGNED, Vocabulary, vocabulary
from scsiameseclu.annotation.descent import TypeTree


def with_majority(
    named: pd.DataFrame, scores: pd.DataFrame, clusters: pd.Series, by_cell: pd.Series
) -> pd.DataFrame:
    """Widen the types of clusters until more than half of their cells support them.

    A cell supports its own type and all wider types, and narrower ones with half its weight, since
    it does not exclude them. Cells without a type do not vote. If neither the type nor a wider one
    below the top level of the tree has a majority, the cluster has the narrowest type below the top
    level that has one, or, without any, stays as it is. A cluster without a type stays without one,
    since it has no markers in common that distinguish it.

    Parameters
    ----------
    named
        The types of clusters, as of :func:`scsiameseclu.annotation.descent.name_types`.
    scores
        Scores, clusters x marker sets, that they are named by.
    clusters
        Categorical cluster of each cell.
    by_cell
        Type of each cell.

    Returns
    -------
    ``named`` with ``cell_type``, ``score`` and ``evidence`` of the types that have a majority.
    """
    known, sets = vocabulary(), [str(name) for name in scores.columns]
    tree = TypeTree.of(sets)
    written = {known.canonical(name): name for name in sets}
    types = pd.Series(by_cell.to_numpy()).groupby(clusters.astype(str).to_numpy())
    cells = {str(cluster): Counter(map(str, names)) for cluster, names in types}
    columns = {name: named[name].tolist() for name in ("cell_type", "score", "evidence")}
    for row, (cluster, given) in enumerate(zip(scores.index, columns["cell_type"], strict=True)):
        votes = {name: n for name, n in cells[str(cluster)].items() if name != UNASSIGNED}
        answer = _supported(str(given), votes, known)
        if answer == known.canonical(str(given)):
            continue
        values = scores.iloc[row].to_numpy()
        evidence = max(tree.members[answer], key=lambda position: values[position])
        columns["cell_type"][row] = written.get(answer, answer)
        columns["score"][row], columns["evidence"][row] = values[evidence], sets[evidence]
    return named.assign(**columns)


def _supported(given: str, votes: Mapping[str, int], known: Vocabulary) -> str:
    """The type, the narrowest wider one, or else any type below the top level with a majority."""
    lineage, total = known.lineage(given), sum(votes.values())
    for kind in lineage[:-1]:
        if sum(n * _weight(name, kind, known) for name, n in votes.items()) > total / 2:
            return kind
    if given == UNASSIGNED:
        return given
    settled, _ = known.settle({name: float(n) for name, n in votes.items()}, float(total))
    return settled if settled and len(known.lineage(settled)) > 1 else lineage[0]


def _weight(name: str, kind: str, known: Vocabulary) -> float:
    """How much a cell of one type supports another type."""
    if kind in known.lineage(name):
        return 1.0
    return 0.5 if known.canonical(name) in known.lineage(kind) else 0.0
