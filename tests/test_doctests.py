"""The examples in docstrings run."""

import doctest

import scsiameseclu.model.estimator


def test_estimator() -> None:
    outcome = doctest.testmod(scsiameseclu.model.estimator)
    assert outcome.attempted >= 4
    assert outcome.failed == 0
