"""Clusters merged and split as planned, with their probabilities."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from scsiameseclu.curation.plan import Plan, followed, unknown

Splitter = Callable[[str, np.ndarray], np.ndarray]
"""Function that splits a cluster: its name and its cells, as a mask (n_cells,), to the number of
the part of each of them, from 0, the largest."""


@dataclass(frozen=True)
class Clusters:
    """Clusters of cells by name.

    Attributes
    ----------
    names
        Names of the clusters, (n_clusters,).
    labels
        Name of the cluster of each cell, (n_cells,).
    probability
        Of each cluster, (n_cells, n_clusters); rows sum to 1.
    stability
        Of each cluster, (n_clusters,); NaN where it is unknown.
    merged
        The final name of each cluster that was merged into another.
    split
        The name of the cluster that each part was split from.
    """

    names: Sequence[str]
    labels: np.ndarray
    probability: np.ndarray
    stability: np.ndarray
    merged: Mapping[str, str] = field(default_factory=dict)
    split: Mapping[str, str] = field(default_factory=dict)

    @property
    def confidence(self) -> np.ndarray:
        """Probability of each cell's cluster, (n_cells,)."""
        chosen = _codes(self.names, self.labels)
        confidence: np.ndarray = self.probability[np.arange(len(chosen)), chosen]
        return confidence

    @property
    def edited(self) -> list[str]:
        """Names of the clusters that were merged or split."""
        touched = {*self.merged.values(), *self.split}
        return [name for name in self.names if name in touched]

    def by_size(self) -> Clusters:
        """The same with the largest cluster first."""
        sizes = [int((self.labels == name).sum()) for name in self.names]
        order = np.argsort(-np.array(sizes), kind="stable")
        return replace(
            self,
            names=[self.names[n] for n in order],
            probability=self.probability[:, order],
            stability=self.stability[order],
        )


def edit(clusters: Clusters, plan: Plan, split: Splitter) -> Clusters:
    """Merge clusters, split others, and then merge parts, as planned.

    Parameters
    ----------
    clusters
        Before the edits.
    plan
        From :func:`scsiameseclu.curation.plan.plan`.
    split
        See :data:`Splitter`.

    Returns
    -------
    The edited clusters, the largest first. Probabilities of merged clusters are added up; that of
    a split one goes to the part that the cell is in, or to its parts by size for cells of other
    clusters.

    Raises
    ------
    UserError
        A line names a part that does not exist.
    """
    result = merge(clusters, plan.merges)
    for name in plan.splits:
        inside = result.labels == name
        result = _divided(result, name, inside, split(name, inside))
    for line in plan.parts:
        for name in filter(None, (line.cluster, line.merge_into)):
            if name not in result.names:
                raise unknown(line, name, result.names)
    return merge(result, followed(line for line in plan.parts if line.merge_into)).by_size()


def merge(clusters: Clusters, into: Mapping[str, str]) -> Clusters:
    """Merge clusters into others, by name."""
    if not into:
        return clusters
    kept = [name for name in clusters.names if name not in into]
    labels = np.array([into.get(name, name) for name in clusters.labels], dtype=object)
    merged = {name: into.get(end, end) for name, end in clusters.merged.items()} | dict(into)
    split = {part: name for part, name in clusters.split.items() if part not in into}
    return replace(regroup(clusters, kept, labels), merged=merged, split=split)


def _divided(clusters: Clusters, name: str, inside: np.ndarray, parts: np.ndarray) -> Clusters:
    """A cluster divided into ``name.1``, ``name.2``, …"""
    place = list(clusters.names).index(name)
    new = [f"{name}.{number + 1}" for number in range(int(parts.max()) + 1)]
    labels = clusters.labels.copy()
    labels[inside] = np.array(new, dtype=object)[parts]
    names = [*clusters.names[:place], *new, *clusters.names[place + 1 :]]
    split = {**clusters.split, **dict.fromkeys(new, name)}
    return replace(regroup(clusters, names, labels), split=split)


def regroup(clusters: Clusters, names: Sequence[str], labels: np.ndarray) -> Clusters:
    """Other clusters of the same cells, which are unions or parts of the earlier ones.

    The probability of an earlier cluster goes to the new cluster of the cell if the cell is in it,
    and otherwise to its parts in proportion to their sizes.

    Parameters
    ----------
    clusters
        The earlier clusters.
    names
        Names of the new clusters, (n_new,).
    labels
        Name of the new cluster of each cell, (n_cells,).
    """
    before, after = _codes(clusters.names, clusters.labels), _codes(names, labels)
    counts = np.zeros((len(clusters.names), len(names)))
    np.add.at(counts, (before, after), 1)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    rows = np.arange(len(labels))
    probability = clusters.probability @ shares
    probability -= clusters.probability[rows, before][:, None] * shares[before]
    probability[rows, after] += clusters.probability[rows, before]
    shared = counts > 0
    row, column = np.nonzero(
        shared & (shared.sum(axis=1, keepdims=True) == 1) & (shared.sum(axis=0) == 1)
    )
    stability = np.full(len(names), np.nan)
    stability[column] = clusters.stability[row]
    return replace(
        clusters,
        names=list(names),
        labels=labels,
        probability=np.clip(probability, 0, 1).astype(np.float32),
        stability=stability,
    )


def _codes(names: Sequence[str], labels: np.ndarray) -> np.ndarray:
    place = {name: number for number, name in enumerate(names)}
    return np.array([place[str(label)] for label in labels])
