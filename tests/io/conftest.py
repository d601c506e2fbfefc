"""One small count matrix in every format that can hold it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from formats import WRITERS, Counts, small_counts


@pytest.fixture
def counts() -> Counts:
    """40 cells x 60 genes."""
    return small_counts()


@pytest.fixture
def writers() -> dict[str, tuple[Callable[[Counts, Path], Path], str, str]]:
    """All of ``WRITERS``."""
    return WRITERS


@pytest.fixture
def write(counts: Counts, tmp_path: Path) -> Callable[[str], Path]:
    """Write the counts in a format of ``WRITERS`` and return the path."""

    def written(kind: str) -> Path:
        writer, name, _ = WRITERS[kind]
        return writer(counts, tmp_path / name)

    return written


@pytest.fixture(params=list(WRITERS))
def any_format(request: pytest.FixtureRequest) -> tuple[str, str]:
    """Each format in turn: its name here, and the format that should be told."""
    return request.param, WRITERS[request.param][2]
