"""The program train: stopped by SIGTERM or kill -9, it goes on and writes the same bytes."""

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import anndata as ad
import pytest
from pipeline import run_stages
from runs import ROOT

from scsiameseclu.io.request import ReadRequest

pytestmark = pytest.mark.slow
WRITTEN = ("embedding.h5ad", "training.tsv", "model/networks.safetensors", "model/networks.json")


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample's folder as it is before training."""
    folder = tmp_path_factory.mktemp("sample")
    run_stages(folder, "demo:a", ReadRequest(), "a")
    return folder


def train(inputs: Path, folder: Path, log: Path) -> "subprocess.Popen[bytes]":
    command = [
        *(sys.executable, ROOT / "scripts" / "train.py", "--sample", "a", "--threads", "1"),
        *("--expression", inputs / "expression.h5ad", "--graph", inputs / "graph.h5ad"),
        *("--model", folder / "model", "--embedding", folder / "embedding.h5ad"),
        *("--history", folder / "training.tsv", "--checkpoint", folder / "training.checkpoint"),
        *("--pretrain-steps", "60", "--networks", "3", "--device", "cpu"),
    ]
    folder.mkdir(exist_ok=True)
    with log.open("w") as stream:
        return subprocess.Popen([str(part) for part in command], stderr=stream, cwd=folder)


@pytest.fixture(scope="module")
def unbroken(inputs: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("unbroken")
    assert train(inputs, folder, folder / "log").wait() == 0, (folder / "log").read_text()
    assert not (folder / "training.checkpoint").exists()
    return digests(folder)


def digests(folder: Path) -> dict[str, str]:
    return {n: hashlib.sha256((folder / n).read_bytes()).hexdigest() for n in WRITTEN}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_goes_on_to_the_same_bytes(
    number: int, code: int, inputs: Path, unbroken: dict[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    process = train(inputs, tmp_path, log)
    deadline = time.monotonic() + 300
    while not (tmp_path / "training.checkpoint").exists():  # kept when a network is done
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, number)
    assert process.wait() == code, log.read_text()
    assert not (tmp_path / "embedding.h5ad").exists()
    assert train(inputs, tmp_path, log).wait() == 0, log.read_text()
    assert "network 1 of 3 resumes from step 60" in log.read_text()
    assert digests(tmp_path) == unbroken
    assert not (tmp_path / "training.checkpoint").exists()
    assert ad.read_h5ad(tmp_path / "embedding.h5ad").uns["training"]["n_steps"] == 180
