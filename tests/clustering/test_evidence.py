"""The curve over numbers of clusters."""

import numpy as np

from scsiameseclu.clustering.evidence import Evidence


def test_best_is_the_first_of_the_largest_scores() -> None:
    evidence = Evidence(np.array([3, 5, 8, 9]), np.array([0.1, 0.7, 0.7, 0.2]), "criterion")
    assert evidence.best == 5
