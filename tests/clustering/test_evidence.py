"""The curve over numbers of clusters."""

import numpy as np

from scsiameseclu.clustering.evidence import Evidence


def test_best_is_the_first_of_the_largest_scores() -> None:
    evidence = Evidence(np.array([3, 5, 8, 9]), np.array([0.1, 0.7, 0.7, 0.2]), "criterion")
    assert evidence.best == 5


def test_evidence_comes_back_from_plain_values() -> None:
    values = {"k": [3, 5], "score": [0.25, 0.5], "criterion": "criterion"}
    again = Evidence.from_dict(values)
    assert again.to_dict() == values
    assert again.best == 5
