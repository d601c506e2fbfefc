"""`snakemake --profile slurm --use-singularity` on a real Slurm: runs, and what goes wrong."""

import csv
import hashlib
import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from site_of_tests import QUICK, Clone, Cluster, wait_for

LONG = {**QUICK, "model": {"networks": 2, "pretrain_steps": 600}}
ON_CPU = {"slurm": {"partition": "cpu"}}
ONE = {"a": "demo:a"}


def status(clone: Clone) -> dict[str, str]:
    with (clone.results / "status.tsv").open(newline="") as table:
        return {row["sample"]: row["status"] for row in csv.DictReader(table, delimiter="\t")}


def digests(folder: Path) -> dict[str, str]:
    """Of what does not say where or when it was made."""
    names = ("clusters.h5ad", "embedding.h5ad", "layout.h5ad", "markers.tsv", "training.tsv")
    paths = [path for path in sorted(folder.rglob("*")) if path.name in names]
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}


@pytest.fixture(scope="module")
def unbroken() -> dict[str, str]:
    """What the first test's results were, for the comparison."""
    return {}


def test_the_literal_command(clone: Clone, unbroken: dict[str, str]) -> None:
    """Training has a GPU on the GPU partition, the rest is on the CPU partition, in the image."""
    assert clone.run() == 0, clone.log
    assert status(clone) == {"a": "OK", "b": "OK"}
    for page in ("index.html", "multiqc_report.html"):
        assert (clone.results / page).stat().st_size > 10_000
    for sample in ("a", "b"):
        where = clone.where(sample)
        assert where["train"]["partition"] == "gpu"
        assert where["train"]["node"] == "gpu1"
        assert re.fullmatch(r"[01]", where["train"]["gpus"])
        for stage, place in where.items():
            assert place["image"].endswith(".sif")
            if stage != "train":
                assert place["partition"] == "cpu"
                assert "gpus" not in place
    unbroken.update(digests(clone.results))
    assert clone.run() == 0
    assert "Nothing to be done" in clone.log


def test_a_cancelled_job_is_done_again(clone: Clone, cluster: Cluster) -> None:
    clone.write(LONG, ONE)
    run = clone.start()
    job = wait_for(lambda: cluster.running("train"), "training")
    subprocess.run(["scancel", job["id"]], check=True)
    assert run.wait() == 0, clone.log
    assert status(clone) == {"a": "OK"}
    assert "Trying to restart job" in clone.log


def test_training_goes_on_where_a_node_died(clone: Clone, cluster: Cluster) -> None:
    clone.write(LONG | ON_CPU, ONE)
    run = clone.start()
    folder = clone.results / "samples" / "a"
    wait_for((folder / "training.checkpoint").exists, "a checkpoint")
    job = wait_for(lambda: cluster.running("train"), "training")
    cluster.do("kill", job["node"])
    try:
        assert run.wait() == 0, clone.log
    finally:
        cluster.do("revive", job["node"])
    text = (clone.results / "logs" / "a" / "train.log").read_text()
    done = int(re.search(r"network 1 goes on from step (\d+)", text)[1])
    assert done > 0
    assert clone.where("a")["train"]["node"] != job["node"]


def test_too_little_memory_is_asked_for_again(clone: Clone) -> None:
    clone.write(QUICK | ON_CPU, ONE)
    assert clone.run("--set-resources", "train:mem_mb=250 * 8 ** (attempt - 1)") == 0, clone.log
    assert "Trying to restart job" in clone.log
    assert status(clone) == {"a": "OK"}


def test_a_time_limit_leaves_a_checkpoint(clone: Clone) -> None:
    model = {"networks": 2, "pretrain_steps": 4000}
    clone.write(QUICK | ON_CPU | {"model": model}, ONE)
    assert clone.run("--set-resources", "train:runtime=1 + 30 * (attempt - 1)") == 0, clone.log
    assert "Trying to restart job" in clone.log
    text = (clone.results / "logs" / "a" / "train.log").read_text()
    assert int(re.search(r"network \d goes on from step (\d+)", text)[1]) > 0


def test_a_killed_snakemake_goes_on(
    clone: Clone, cluster: Cluster, unbroken: dict[str, str]
) -> None:
    run = clone.start()
    wait_for(lambda: cluster.running("train"), "training")
    found = subprocess.run(["pgrep", "-P", str(run.pid)], capture_output=True, text=True)
    os.kill(int(found.stdout.split()[0]), signal.SIGKILL)
    run.wait()
    cluster.calm()
    before = {path: path.stat().st_mtime for path in clone.results.rglob("counts.h5ad")}
    assert before
    assert clone.run() == 0, clone.log
    assert {path: path.stat().st_mtime for path in before} == before
    assert digests(clone.results) == unbroken


def test_without_accounting(clone: Clone, cluster: Cluster) -> None:
    cluster.do("stop")
    cluster.do("start", ACCOUNTING="0")
    try:
        clone.write(QUICK, ONE)
        assert clone.run() == 0, clone.log
        assert status(clone) == {"a": "OK"}
    finally:
        cluster.do("stop")
        cluster.do("start")


def test_a_bad_sample_leaves_the_others(clone: Clone) -> None:
    (clone.folder / "bad.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(200))
    clone.write(QUICK, {"a": "demo:a", "bad": "bad.h5", "b": "demo:b"})
    assert clone.run("--retries", "0") not in (0, 124, 137)
    assert status(clone) == {"a": "OK", "bad": "FAIL", "b": "OK"}
    assert "bad.h5" in (clone.results / "status.tsv").read_text()


def test_the_image_needs_no_user_and_writes_nothing(image: Path, tmp_path: Path) -> None:
    os.chmod("/dev/fuse", 0o666)
    scratch = tmp_path / "scratch"
    scratch.mkdir(mode=0o777)
    user = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"]
    inside = ["apptainer", "exec", "--no-home", "--bind", f"{scratch}:/tmp", str(image)]
    smoke = "/opt/scsiameseclu/containers/smoke.sh"
    done = subprocess.run([*user, *inside, "sh", smoke], capture_output=True, text=True, cwd="/")
    assert done.returncode == 0, done.stderr
    assert "cells are left" in done.stdout
    refused = subprocess.run([*user, *inside, "touch", "/opt/a"], capture_output=True, cwd="/")
    assert refused.returncode != 0
