"""Ensembles of synthetic networks."""

from collections.abc import Sequence

import numpy as np
from directions import five_groups

from scsiameseclu.cluster_number import ClusterNumber
from scsiameseclu.clustering.clusters import Clustering, cluster_ensemble
from scsiameseclu.clustering.ensemble import Ensemble, NetworkSpace
from scsiameseclu.clustering.members import Proportions

CANDIDATES = range(4, 21)


def found_in(
    spaces: Sequence[NetworkSpace], number: ClusterNumber, max_clusters: int = 12
) -> Clustering:
    return cluster_ensemble(
        spaces,
        number,
        proportions=Proportions.LEARNED,
        temperature=0.05,
        max_clusters=max_clusters,
        seed=0,
    )


def clusters(number: ClusterNumber) -> tuple[Clustering, np.ndarray]:
    """Clusters of five groups as three networks see them, and the groups."""
    spaces = [five_groups(seed) for seed in range(3)]
    return found_in([space for space, _ in spaces], number), spaces[0][1]


def exactly(k: int) -> ClusterNumber:
    return ClusterNumber(k, k)


def ensemble_of(
    spaces: Sequence[NetworkSpace], candidates: Sequence[int], seed: int = 0
) -> Ensemble:
    return Ensemble(spaces, candidates, Proportions.LEARNED, 0.05, seed)
