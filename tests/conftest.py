"""Fixtures that several rooms share."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import anndata as ad

    from scsiameseclu.store.folder import SampleFolder

# before anything imports numpy or torch: two threads at most, one beside other workers, and idle
# ones sleep
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1" if "PYTEST_XDIST_WORKER" in os.environ else "2")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests of whole runs, so that no worker is left with them at the end."""
    items.sort(key=lambda item: item.path.name != "test_end_to_end.py")


ROOT = Path(__file__).resolve().parent.parent
ABSENT = "absent"
DATA = os.environ.get("SCSIAMESECLU_DATA", str(ROOT.parent / "shared" / "data"))


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of real data sets; CONTRIBUTING.md describes the variable that names it."""
    return _folder(Path(DATA), "real data sets")


@pytest.fixture(scope="session")
def cases_dir() -> Path:
    """The folder of small input files of many layouts, beside the one of real data sets."""
    return _folder(Path(DATA).parent / "cases", "input files of many layouts")


def _folder(folder: Path, content: str) -> Path:
    """The folder; without it, tests fail on the CI and are skipped elsewhere."""
    if DATA == ABSENT:
        pytest.skip("SCSIAMESECLU_DATA is absent: tests on files outside the clone are skipped")
    if not folder.is_dir():
        message = f"no folder of {content} at {folder}; set SCSIAMESECLU_DATA"
        if os.environ.get("CI") == "true":
            pytest.fail(message)
        pytest.skip(message)
    return folder


@pytest.fixture(scope="session")
def demo() -> ad.AnnData:
    """350 PBMC with raw counts, without labels: small enough to train on in seconds."""
    from scsiameseclu.io.readers import read_counts
    from scsiameseclu.io.request import ReadRequest

    adata = read_counts("demo:a", ReadRequest())
    adata.obs = adata.obs[[]].copy()
    return adata


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> SampleFolder:
    """A finished sample with hostile names, for reading only."""
    from finished import build

    return build(tmp_path_factory.mktemp("finished") / "results")


@pytest.fixture
def copied(finished: SampleFolder, tmp_path: Path) -> SampleFolder:
    """A copy of the finished sample that a test may change."""
    from scsiameseclu.store.folder import SampleFolder

    directory = tmp_path / "samples" / finished.sample
    shutil.copytree(finished.directory, directory)
    return SampleFolder(directory, finished.sample)


@pytest.fixture(scope="session")
def pbmc3k(data_dir: Path) -> ad.AnnData:
    """Human blood, normalised and clustered."""
    return _clustered(data_dir / "pbmc3k.h5ad")


@pytest.fixture(scope="session")
def baron(data_dir: Path) -> ad.AnnData:
    """Mouse pancreas with much ambient insulin, normalised and clustered."""
    return _clustered(data_dir / "baron_mouse.h5ad")


def _clustered(path: Path) -> ad.AnnData:
    from real_data import counts_of, leiden, log_normalised

    adata = log_normalised(counts_of(path))
    adata.obs["cluster"] = leiden(adata, 1.0)
    return adata
