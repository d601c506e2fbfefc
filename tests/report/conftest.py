"""Copies of a finished sample for the tests of the pages."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from scsiameseclu.store.folder import SampleFolder


@pytest.fixture
def copy_of(finished: SampleFolder, tmp_path: Path) -> Callable[..., SampleFolder]:
    """Make a copy of the finished sample that a test may change, under another name if wanted."""

    def copy(sample: str = finished.sample, features: tuple[str, ...] = ()) -> SampleFolder:
        directory = Path(shutil.copytree(finished.directory, tmp_path / "samples" / sample))
        deliverable = directory / finished.path("deliverable").name
        deliverable.rename(directory / f"{sample}.h5ad")
        return SampleFolder(directory, sample, features)

    return copy
