"""Estimators for tests, from settings of every kind."""

from typing import Any

from scsiameseclu import ModelSettings, ScSiameseClu


def estimator(n_clusters: Any = None, **options: Any) -> ScSiameseClu:
    """An estimator on the CPU; options that it does not have go to its ModelSettings."""
    names = set(ScSiameseClu().get_params())
    own = {name: value for name, value in options.items() if name in names}
    others = {name: value for name, value in options.items() if name not in names}
    return ScSiameseClu(n_clusters, **{"device": "cpu"} | own, settings=ModelSettings(**others))
