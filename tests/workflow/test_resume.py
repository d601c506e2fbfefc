"""The program train: stopped by SIGTERM or kill -9, it goes on and writes the same bytes."""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from patience import PATIENCE_S
from runs import ROOT

from scsiameseclu.io.request import ReadRequest
from scsiameseclu.settings import ExpressionSettings, GraphSettings, QualitySettings
from scsiameseclu.stages import expression, graph, ingest, quality
from scsiameseclu.store.folder import SampleFolder
from scsiameseclu.store.manifest import CHECKPOINT

pytestmark = pytest.mark.slow
WRITTEN = ("embedding", "training")
NETWORKS = ("networks.safetensors", "networks.json")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> SampleFolder:
    """A sample's folder as it is before training."""
    folder = SampleFolder(tmp_path_factory.mktemp("inputs") / "a", "a")
    ingest.run(folder, source="demo:a", request=ReadRequest())
    quality.run(folder, settings=QualitySettings())
    expression.run(folder, settings=ExpressionSettings())
    graph.run(folder, settings=GraphSettings())
    return folder


def copy_of(inputs: SampleFolder, directory: Path) -> SampleFolder:
    shutil.copytree(inputs.directory, directory / "a")
    return SampleFolder(directory / "a", "a")


def train(folder: SampleFolder, log: Path) -> "subprocess.Popen[bytes]":
    command = [
        *(sys.executable, ROOT / "scripts" / "train.py", "--folder", folder.directory),
        *("--threads", "1", "--pretrain-steps", "60", "--networks", "3", "--device", "cpu"),
    ]
    with log.open("w") as stream:
        return subprocess.Popen([str(part) for part in command], stderr=stream)


@pytest.fixture(scope="module")
def unbroken(inputs: SampleFolder, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    directory = tmp_path_factory.mktemp("unbroken")
    folder, log = copy_of(inputs, directory), directory / "log"
    assert train(folder, log).wait() == 0, log.read_text()
    assert not checkpoint(folder).exists()
    return digests(folder)


def checkpoint(folder: SampleFolder) -> Path:
    return folder.directory / CHECKPOINT


def digests(folder: SampleFolder) -> dict[str, str]:
    paths = [folder.path(name) for name in WRITTEN]
    paths += [folder.path("networks") / name for name in NETWORKS]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_goes_on_to_the_same_bytes(
    number: int, code: int, inputs: SampleFolder, unbroken: dict[str, str], tmp_path: Path
) -> None:
    folder, log = copy_of(inputs, tmp_path), tmp_path / "log"
    process = train(folder, log)
    deadline = time.monotonic() + PATIENCE_S
    while not checkpoint(folder).exists():  # kept when a network is done
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, number)
    assert process.wait() == code, log.read_text()
    assert not folder.path("embedding").exists()
    assert train(folder, log).wait() == 0, log.read_text()
    assert "network 1 of 3 resumes from step 60" in log.read_text()
    assert digests(folder) == unbroken
    assert not checkpoint(folder).exists()
    assert folder.uns("embedding", "training")["n_steps"] == 180
