"""A Slurm of three nodes and an image, made once for all tests (root on Debian 12 only)."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from site_of_tests import HERE, IMAGE, ROOT, TOGETHER, Clone, Cluster

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
def wheels(
    root_on_debian: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator["Future[Path] | None"]:
    """The folder of the image's packages, fetched while Slurm and Apptainer are installed.

    None with KEEP_IMAGE=1 where there is an image: it is not built again.
    """
    if os.environ.get("KEEP_IMAGE") == "1" and IMAGE.exists():
        yield None
        return
    with ThreadPoolExecutor() as beside:
        yield beside.submit(fetch_wheels, tmp_path_factory.mktemp("wheels"))


def fetch_wheels(folder: Path) -> Path:
    """What the image's recipe installs, as wheels; returns the folder."""
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", str(folder)]
    lock = ["--constraint", str(ROOT / "requirements.lock")]
    torch = next(line for line in (ROOT / "requirements.lock").open() if line[:7] == "torch==")
    needed = [torch.strip(), "setuptools>=77", "multiqc", "celltypist", str(ROOT)]
    subprocess.run([*pip, *lock, *needed], check=True)
    for own in folder.glob("scsiameseclu-*.whl"):
        own.unlink()  # the image is built from the sources
    return folder


@pytest.fixture(scope="session")
def installed(wheels: object) -> None:
    """Slurm and Apptainer, where they are not there yet."""
    if shutil.which("slurmctld") is None or shutil.which("slurmdbd") is None:
        subprocess.run([HERE / "slurm.sh", "install"], check=True)
    if shutil.which("apptainer") is None:
        subprocess.run([HERE / "apptainer.sh"], check=True)


@pytest.fixture(scope="session")
def image(
    installed: None, wheels: "Future[Path] | None", tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The CPU image, built over a local Debian by the project's recipe and by its script."""
    if wheels is None:
        return IMAGE
    base = tmp_path_factory.mktemp("image") / "base"
    subprocess.run([*BASE, str(base)], check=True)
    shutil.rmtree(base / "dev")
    (base / "dev").mkdir()
    environment = os.environ | {
        "BOOTSTRAP": "localimage",
        "FROM": str(base),
        "WHEELS": str(wheels.result()),
        "MKSQUASHFS": "-comp zstd -Xcompression-level 1",
    }
    built = subprocess.run(
        [ROOT / "containers" / "build.sh", "cpu"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    print(built.stdout)
    if built.returncode:
        # The summary, all that is left of a long log, shows only the beginning of a message.
        pytest.fail(" | ".join(built.stdout.splitlines()[-5:]))
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
    return Clone.make(tmp_path / "clone", image)


@pytest.fixture(scope="session")
def finished(
    image: Path, cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Clone, int]:
    """A clone in which the literal command was typed once, and its exit status."""
    clone = Clone.make(tmp_path_factory.mktemp("finished") / "clone", image)
    clone.write(TOGETHER, {"a": "demo:a", "b": "demo:b"})
    return clone, clone.run()


@pytest.fixture
def prepared(finished: tuple[Clone, int], tmp_path: Path) -> Clone:
    """A copy of it, in which another configuration has some jobs done again."""
    return finished[0].copy(tmp_path / "clone")
