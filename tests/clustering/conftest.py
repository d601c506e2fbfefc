"""Ensembles that several files look at."""

import numpy as np
import pytest
from directions import nested_groups
from ensembles import CANDIDATES, clusters, ensemble_of

from scsiameseclu.cluster_number import ClusterNumber
from scsiameseclu.clustering.clusters import Clustering
from scsiameseclu.clustering.ensemble import Ensemble, NetworkSpace


@pytest.fixture(scope="module")
def estimated() -> tuple[Clustering, np.ndarray]:
    return clusters(ClusterNumber())


@pytest.fixture(scope="module")
def nested() -> list[NetworkSpace]:
    """Two networks that see 4 groups, split into 8, split into 16."""
    return [nested_groups(seed)[0] for seed in range(2)]


@pytest.fixture(scope="module")
def members(nested: list[NetworkSpace]) -> Ensemble:
    return ensemble_of(nested, CANDIDATES)
