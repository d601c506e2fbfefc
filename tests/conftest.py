"""Fixtures that several rooms share."""

import os
from pathlib import Path

import pytest

# before anything imports numpy or torch: two threads at most, and idle ones sleep
os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

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
