"""A Slurm of three nodes and an image, made once for all tests (root on Debian 12 only)."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from site_of_tests import HERE, IMAGE, ROOT, Clone, Cluster

SUITE = "bookworm"
BASE = ("mmdebstrap", "--variant=minbase", "--include=python3,python3-venv,ca-certificates", SUITE)


@pytest.fixture(scope="session")
def root_on_debian() -> None:
    """Skip, or in CI fail, where no cluster can be started."""
    system = Path("/etc/os-release").read_text()
    if os.geteuid() == 0 and f"VERSION_CODENAME={SUITE}" in system:
        return
    reason = "the cluster tests need root on Debian 12: they install and start Slurm"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def installed(root_on_debian: None) -> None:
    """Slurm and Apptainer, where they are not there yet."""
    if shutil.which("slurmctld") is None or shutil.which("slurmdbd") is None:
        subprocess.run([HERE / "slurm.sh", "install"], check=True)
    if shutil.which("apptainer") is None:
        subprocess.run([HERE / "apptainer.sh"], check=True)


@pytest.fixture(scope="session")
def image(installed: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The CPU image, built over a local Debian by the project's recipe and by its script.

    KEEP_IMAGE=1 takes one that is there.
    """
    if os.environ.get("KEEP_IMAGE") == "1" and IMAGE.exists():
        return IMAGE
    folder = tmp_path_factory.mktemp("image")
    base, wheels = folder / "base", folder / "wheels"
    subprocess.run([*BASE, str(base)], check=True)
    shutil.rmtree(base / "dev")
    (base / "dev").mkdir()
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", str(wheels)]
    lock = ["--constraint", str(ROOT / "requirements.lock")]
    torch = next(line for line in (ROOT / "requirements.lock").open() if line[:7] == "torch==")
    needed = [torch.strip(), "setuptools>=77", "multiqc", "celltypist", str(ROOT)]
    subprocess.run([*map(str, pip), *lock, *needed], check=True)
    for own in wheels.glob("scsiameseclu-*.whl"):
        own.unlink()  # the image is built from the sources
    environment = os.environ | {
        "BOOTSTRAP": "localimage",
        "FROM": str(base),
        "WHEELS": str(wheels),
        "MKSQUASHFS": "-comp zstd -Xcompression-level 1",
    }
    subprocess.run([ROOT / "containers" / "build.sh", "cpu"], check=True, env=environment)
    return IMAGE


@pytest.fixture(scope="session")
def cluster(installed: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The running cluster, with accounting."""
    started = Cluster(tmp_path_factory.mktemp("cluster"))
    try:
        started.do("start")
        yield started
    finally:
        started.do("stop")


@pytest.fixture
def clone(image: Path, cluster: Cluster, tmp_path: Path) -> Clone:
    """A clone of the project with two quick samples and the cluster's partitions in its config."""
    cluster.calm()
    return Clone.make(tmp_path / "clone", image)


@pytest.fixture(scope="session")
def finished(
    image: Path, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Clone, int]:
    """A clone in which the literal command was typed once, and its exit status."""
    clone = Clone.make(tmp_path_factory.mktemp("finished") / "clone", image)
    return clone, clone.run()


@pytest.fixture
def prepared(finished: tuple[Clone, int], cluster: Cluster, tmp_path: Path) -> Clone:
    """A copy of it, in which another configuration has some jobs done again."""
    cluster.calm()
    folder = tmp_path / "clone"
    shutil.copytree(finished[0].folder, folder, symlinks=True)
    (folder / "run.log").unlink()
    return Clone(folder)
