"""Directories of finished samples for the tests of the pages."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from finished_sample import build


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished sample; for reading only."""
    return build(tmp_path_factory.mktemp("results") / "samples" / "donor_1")


@pytest.fixture
def copy_of(finished: Path, tmp_path: Path) -> Callable[[str], Path]:
    """Make a copy of the finished sample that a test may change."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(finished, tmp_path / "samples" / name))

    return copy
