"""The examples in docstrings run, in every module that has any."""

import doctest
import importlib
import pkgutil

import pytest

import scsiameseclu


def with_examples() -> list[str]:
    """Names of the modules whose source holds an example."""
    found = []
    for module in pkgutil.walk_packages(scsiameseclu.__path__, "scsiameseclu."):
        spec = module.module_finder.find_spec(module.name)  # type: ignore[call-arg]
        assert spec is not None
        assert spec.loader is not None
        source = spec.loader.get_source(module.name)  # type: ignore[attr-defined]
        if ">>>" in (source or ""):
            found.append(module.name)
    return found


@pytest.mark.parametrize("name", with_examples())
def test_examples(name: str) -> None:
    outcome = doctest.testmod(importlib.import_module(name))
    assert outcome.attempted > 0
    assert outcome.failed == 0


def test_the_estimator_has_examples() -> None:
    assert "scsiameseclu.model.estimator" in with_examples()
