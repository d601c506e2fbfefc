"""Fixtures that several rooms share."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data sets that lies beside the repository."""
    if not DATA.is_dir():
        message = f"the real data sets are not at {DATA}"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return DATA


@pytest.fixture(autouse=True, scope="session")
def _few_threads() -> None:
    """Keep the numerical libraries to two threads, as in CI."""
    os.environ.setdefault("OMP_NUM_THREADS", "2")
