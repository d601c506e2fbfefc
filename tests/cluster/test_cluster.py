"""`snakemake --profile slurm --use-singularity` on a real Slurm: runs, and what goes wrong."""

import csv
import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from site_of_tests import QUICK, Clone, Cluster, wait_for

from scsiameseclu.store.manifest import CHECKPOINT

LONG = {**QUICK, "model": {"networks": 2, "pretrain_steps": 600}}
OTHER = {**QUICK, "model": {"networks": 1, "pretrain_steps": 60}}  # so that training is done again
ON_CPU = {"slurm": {"partition": "cpu"}}
ONE = {"a": "demo:a"}
TRAINED = "results/samples/a/stages/embedding.h5ad"


def status(clone: Clone) -> dict[str, str]:
    with (clone.results / "status.tsv").open(newline="") as table:
        return {row["sample"]: row["status"] for row in csv.DictReader(table, delimiter="\t")}


def digests(folder: Path) -> dict[str, str]:
    """Of what does not say where or when it was made."""
    names = ("clusters.h5ad", "embedding.h5ad", "layout.h5ad", "markers.tsv", "training.tsv")
    paths = [path for path in sorted(folder.rglob("*")) if path.name in names]
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}


def test_the_literal_command(finished: tuple[Clone, int]) -> None:
    """Training has a GPU on the GPU partition, the rest is on the CPU partition, in the image."""
    clone, exit_status = finished
    assert exit_status == 0, clone.log
    assert status(clone) == {"a": "OK", "b": "OK"}
    for page in ("index.html", "multiqc_report.html"):
        assert (clone.results / page).stat().st_size > 10_000
    with (clone.results / "cohorts.tsv").open(newline="") as table:
        (cohort,) = csv.DictReader(table, delimiter="\t")
    assert (cohort["cohort"], cohort["status"]) == ("all", "OK")
    for name, kind in (("a", "samples"), ("b", "samples"), ("all", "cohorts")):
        where = clone.where(name, kind)
        assert where["train"]["partition"] == "gpu"
        assert where["train"]["node"] == "gpu1"
        assert re.fullmatch(r"[01]", where["train"]["gpus"])
        for stage, place in where.items():
            assert place["image"].endswith(".sif")
            if stage != "train":
                assert place["partition"] == "cpu"
                assert "gpus" not in place
    assert clone.run() == 0
    assert "Nothing to be done" in clone.log


def a_cancelled_job_is_done_again(clone: Clone, cluster: Cluster) -> None:
    clone.write(LONG, ONE)
    run = clone.start(TRAINED)
    job = wait_for(lambda: cluster.running("train", clone.folder), "training")
    subprocess.run(["scancel", job["id"]], check=True)
    assert run.wait() == 0, clone.log
    assert "Trying to restart job" in clone.log


def too_little_memory_is_asked_for_again(clone: Clone, cluster: Cluster) -> None:
    clone.write(OTHER | ON_CPU, ONE)
    too_little = "train:mem_mb=250 * 8 ** (attempt - 1)"
    assert clone.run(TRAINED, "--set-resources", too_little) == 0, clone.log
    assert "Trying to restart job" in clone.log


def a_time_limit_leaves_a_checkpoint(clone: Clone, cluster: Cluster) -> None:
    clone.write(QUICK | ON_CPU | {"model": {"networks": 2, "pretrain_steps": 2000}}, ONE)
    too_short = "train:runtime=1 + 30 * (attempt - 1)"
    assert clone.run(TRAINED, "--set-resources", too_short) == 0, clone.log
    assert "Trying to restart job" in clone.log
    assert resumed_from(clone) > 0


def a_killed_snakemake_goes_on(clone: Clone, cluster: Cluster) -> None:
    unbroken = digests(clone.results / "samples/a")
    for path in (clone.results, clone.folder / ".snakemake"):
        shutil.rmtree(path)
    clone.write(QUICK, ONE)
    run = clone.start()
    wait_for(lambda: cluster.running("train", clone.folder), "training")
    found = subprocess.run(["pgrep", "-P", str(run.pid)], capture_output=True, text=True)
    os.kill(int(found.stdout.split()[0]), signal.SIGKILL)
    run.wait()
    cluster.calm(clone.folder)
    before = {path: path.stat().st_mtime for path in clone.results.rglob("counts.h5ad")}
    assert before
    assert clone.run() == 0, clone.log
    assert {path: path.stat().st_mtime for path in before} == before
    assert digests(clone.results / "samples/a") == unbroken


def a_bad_sample_leaves_the_others(clone: Clone, cluster: Cluster) -> None:
    (clone.folder / "bad.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(200))
    clone.write(OTHER, {"a": "demo:a", "bad": "bad.h5", "b": "demo:b"})
    before = {name: digests(clone.results / "samples" / name) for name in ("a", "b")}
    assert clone.run("--retries", "0") not in (0, 124, 137)
    assert status(clone) == {"a": "OK", "bad": "FAIL", "b": "OK"}
    assert "bad.h5" in (clone.results / "status.tsv").read_text()
    for name, old in before.items():  # the two were done again by the other config
        now = digests(clone.results / "samples" / name)
        assert now.keys() == old.keys()
        assert now["stages/embedding.h5ad"] != old["stages/embedding.h5ad"]


SIDE_BY_SIDE = (  # the longest first
    a_bad_sample_leaves_the_others,
    a_killed_snakemake_goes_on,
    a_time_limit_leaves_a_checkpoint,
    a_cancelled_job_is_done_again,
    too_little_memory_is_asked_for_again,
)
AT_ONCE = 3  # more would only slow each other down on two cores


@pytest.fixture(scope="module")
def going_on(
    finished: tuple[Clone, int],
    cluster: Cluster,
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[dict[str, Future[None]]]:
    """What leaves the cluster alone runs side by side, each case in a clone of its own.

    Most of the time of one is Snakemake's waiting between two looks at the queue.
    """
    names = {item.name for item in request.session.items}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {
            case.__name__: pool.submit(
                case, finished[0].copy(tmp_path_factory.mktemp("case") / "clone"), cluster
            )
            for case in SIDE_BY_SIDE
            if f"test_beside_others[{case.__name__}]" in names
        }


@pytest.mark.parametrize("case", [case.__name__ for case in SIDE_BY_SIDE])
def test_beside_others(case: str, going_on: dict[str, Future[None]]) -> None:
    going_on[case].result()


def test_training_goes_on_where_a_node_died(prepared: Clone, cluster: Cluster) -> None:
    prepared.write(LONG | ON_CPU, ONE)
    # With one core, the networks train one by one, and the first leaves a checkpoint at its end.
    run = prepared.start(TRAINED, "--set-threads", "train=1")
    wait_for((prepared.results / "samples/a" / CHECKPOINT).exists, "a checkpoint")
    job = wait_for(lambda: cluster.running("train", prepared.folder), "training")
    cluster.do("kill", job["node"])
    try:
        assert run.wait() == 0, prepared.log
    finally:
        cluster.do("revive", job["node"])
    assert resumed_from(prepared) > 0
    assert prepared.node_of_training() != job["node"]


def resumed_from(clone: Clone) -> int:
    """The step at which training says that it went on."""
    text = (clone.results / "logs" / "a" / "train.log").read_text()
    found = re.search(r"network \d of \d+ resumes from step (\d+)", text)
    assert found, text
    return int(found[1])


def test_without_accounting(prepared: Clone, cluster: Cluster) -> None:
    cluster.do("stop")
    cluster.do("start", ACCOUNTING="0")
    try:
        prepared.write(OTHER, ONE)
        assert prepared.run() == 0, prepared.log
        assert status(prepared) == {"a": "OK"}
        assert prepared.node_of_training() == "gpu1"
    finally:
        cluster.do("stop")
        cluster.do("start")


@pytest.fixture
def stranger() -> Iterator[list[str]]:
    """What runs a command as a user of a random number, who has no home."""
    number = str(random.randrange(40_000, 60_000))
    name = f"stranger{number}"
    os.chmod("/dev/fuse", 0o666)
    # Apptainer asks for the name of who runs it
    subprocess.run(["useradd", "--uid", number, "--no-create-home", name], check=True)
    yield ["setpriv", f"--reuid={number}", f"--regid={number}", "--clear-groups"]
    subprocess.run(["userdel", name], check=True)


def test_the_image_needs_no_home_and_writes_nothing(
    image: Path, stranger: list[str], tmp_path: Path
) -> None:
    public = Path(tempfile.mkdtemp())  # of pytest's folders only root may look into
    try:
        public.chmod(0o777)
        inside = ["apptainer", "exec", "--no-home", "--bind", f"{public}:/tmp", str(image)]
        smoke = [*stranger, *inside, "sh", "/opt/scsiameseclu/containers/smoke.sh"]
        done = subprocess.run(smoke, capture_output=True, text=True, cwd="/")
        assert done.returncode == 0, done.stderr
        assert "stage quality kept" in done.stdout
        written = [*stranger, *inside, "touch", "/opt/a"]
        refused = subprocess.run(written, capture_output=True, text=True, cwd="/")
        assert "Read-only file system" in refused.stderr
    finally:
        shutil.rmtree(public)
