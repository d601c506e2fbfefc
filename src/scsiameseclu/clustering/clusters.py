"""Clusters of an ensemble of networks: their number, the consensus, coarser and finer levels."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from scsiameseclu.cluster_number import ClusterNumber
from scsiameseclu.clustering.alternatives import Alternatives
from scsiameseclu.clustering.consensus import Consensus
from scsiameseclu.clustering.ensemble import Ensemble, NetworkSpace
from scsiameseclu.clustering.evidence import Evidence
from scsiameseclu.clustering.levels import finer, renumbered, union_of_clusters
from scsiameseclu.clustering.members import Proportions
from scsiameseclu.clustering.tree import LevelTree

log = logging.getLogger(__name__)

SMALLEST = 4  # number of clusters tried
COARSER, FINER = 0.7, 1.5  # number of clusters of the other levels over that of the clusters


@dataclass(frozen=True)
class Clustering:
    """Clusters numbered by size, largest first.

    Attributes
    ----------
    consensus
        Of the ensemble.
    probability
        Calibrated votes, (n_cells, n_clusters).
    coarse, fine
        Nested levels: unions of clusters, numbers (n_cells,); and names such as ``3.1``.
    tree
        All nested levels.
    alternatives
        How many clusterings would merge or split each cluster.
    evidence
        For the number of clusters.
    asked
        The number of clusters asked for.
    """

    consensus: Consensus
    probability: np.ndarray
    coarse: np.ndarray
    fine: np.ndarray
    tree: LevelTree
    alternatives: Alternatives
    evidence: Evidence
    asked: ClusterNumber

    @property
    def labels(self) -> np.ndarray:
        """The most probable cluster of each cell, (n_cells,)."""
        labels: np.ndarray = self.probability.argmax(axis=1)
        return labels

    @property
    def n_clusters(self) -> int:
        """Number of clusters."""
        return self.consensus.n_clusters

    def answering(self, asked: ClusterNumber, evidence: Evidence) -> Clustering:
        """The same clusters as the answer to an earlier search and its evidence."""
        return replace(self, asked=asked, evidence=evidence)

    def summary(self) -> dict[str, Any]:
        """How the clusters were found, as plain values for JSON."""
        return {
            "n_clusters_given": self.asked.is_given,
            "n_clusters_asked": str(self.asked),
            "evidence": self.evidence.to_dict(),
            "stability": [float(value) for value in self.consensus.stability],
            "agreement": self.consensus.agreement,
            "alternatives": self.alternatives.to_dict(),
            "n_members": len(self.consensus.members),
            "coarse": union_of_clusters(self.labels, self.coarse, self.n_clusters),
        }


def cluster_ensemble(
    spaces: Sequence[NetworkSpace],
    number: ClusterNumber,
    *,
    proportions: Proportions,
    temperature: float,
    max_clusters: int,
    seed: int,
    prior: np.ndarray | None = None,
) -> Clustering:
    """Cluster cells by what all networks and starts agree on.

    Parameters
    ----------
    spaces
        One for each network.
    number
        Of clusters; all candidates count where it is not given.
    proportions, temperature, seed, prior
        See :class:`Ensemble`.
    max_clusters
        Largest number tried where the user names none.
    """
    n_cells = spaces[0].features.shape[0]
    asked = {number.smallest, number.largest} - {None}
    candidates = set(range(SMALLEST, max_clusters + 1)) | {k for k in asked if k}
    numbers = sorted(k for k in candidates if k < n_cells)
    is_open = number.smallest is None or number.smallest != number.largest
    ensemble = Ensemble(
        spaces, numbers, proportions, temperature, seed, is_open=is_open, prior=prior
    )
    if number.smallest:
        ensemble.extend(number.smallest)
        if ensemble.n_found.max() < number.smallest:  # so many only with clusters of a cell or two
            ensemble.count(1)
    chosen = _choose(ensemble, number)
    consensus, probability = ensemble.vote(chosen, keep_all=number.smallest is not None)
    labels, k = probability.argmax(axis=1), consensus.n_clusters
    fewer = max(round(COARSER * k), int(ensemble.n_of_members.min()))
    pieces = _pieces(ensemble, k)
    fine = labels.astype(str) if pieces is None else finer(labels, pieces)
    log.info(
        "%d clusters (%s); members agree to an adjusted Rand index of %.2f",
        k,
        "given" if number.is_given else ensemble.evidence().criterion,
        consensus.agreement,
    )
    return Clustering(
        consensus,
        probability,
        renumbered(ensemble.coarser(labels, fewer)),
        fine,
        ensemble.tree(labels, fine),
        ensemble.alternatives(labels, fine, k),
        ensemble.evidence(),
        number,
    )


def _pieces(ensemble: Ensemble, k: int) -> np.ndarray | None:
    """A clustering of all cells, (n_cells,), that may split clusters, if there is one."""
    if ensemble.is_open:
        return ensemble.by_communities()
    more = ensemble.best(lambda n: n >= FINER * k)
    return None if more is None else ensemble.all_labels(more)


def _choose(ensemble: Ensemble, number: ClusterNumber) -> int:
    smallest, largest = number.smallest or 2, number.largest or np.inf
    chosen = ensemble.best(lambda n: (n >= smallest) & (n <= largest))
    if chosen is None:  # clusters lost their cells: the most there are, below what was asked for
        most = ensemble.n_found[ensemble.n_found <= largest].max(initial=0)
        chosen = ensemble.best(lambda n: n == (most or ensemble.n_found.min()))
    assert chosen is not None
    return chosen
