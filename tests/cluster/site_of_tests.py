"""The cluster and the clone of the project that the tests work with."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from patience import PATIENCE_S

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
IMAGE = ROOT / "containers" / "scsiameseclu-cpu.sif"
NODES = ("cpu1", "cpu2", "gpu1")
QUICK: dict[str, Any] = {
    "samples": "config/samples.tsv",
    "slurm": {"partition": "cpu", "gpu_partition": "gpu"},
    "gpu_container": None,
    "quality": {"doublets": "off"},
    "model": {"networks": 2, "pretrain_steps": 60},
    "cohort": {"run": "off"},
}
TOGETHER = QUICK | {"cohort": {"run": "auto"}}


@dataclass(frozen=True)
class Cluster:
    """Commands of ``slurm.sh`` on a cluster whose state is in ``home``."""

    home: Path

    def do(self, *arguments: str, **variables: str) -> None:
        """Run one of them."""
        environment = os.environ | {"CLUSTER_HOME": str(self.home)} | variables
        subprocess.run([HERE / "slurm.sh", *arguments], check=True, env=environment)

    def calm(self, folder: Path) -> None:
        """Cancel the jobs of a clone that are left."""
        left = [job["id"] for job in self.jobs(folder)]
        subprocess.run(["scancel", *left], check=False)
        wait_for(lambda: not self.jobs(folder), "an empty queue")

    def jobs(self, folder: Path) -> list[dict[str, str]]:
        """Jobs of a clone in the queue: id, state, node, comment, folder."""
        names = ("id", "state", "node", "comment", "folder")
        found = subprocess.run(
            ["squeue", "--noheader", "--format=%A|%T|%N|%k|%Z"],
            check=True,
            capture_output=True,
            text=True,
        )
        rows = [line.split("|") for line in found.stdout.splitlines()]
        jobs = [dict(zip(names, row, strict=True)) for row in rows]
        return [job for job in jobs if job["folder"] == str(folder)]

    def running(self, rule: str, folder: Path) -> dict[str, str] | None:
        """The running job of a rule in a clone, if any (Snakemake's comment names the rule)."""
        own = [job for job in self.jobs(folder) if rule in job["comment"]]
        return next((job for job in own if job["state"] == "RUNNING"), None)


@dataclass(frozen=True)
class Clone:
    """A clone in which a user types commands."""

    folder: Path

    @classmethod
    def make(cls, folder: Path, image: Path) -> "Clone":
        """Copy what git would, and link the image."""
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=ROOT,
            check=True,
            capture_output=True,
            text=True,
        )
        for name in listed.stdout.split("\0"):
            if name and (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        (folder / "containers" / image.name).symlink_to(image)
        clone = cls(folder)
        clone.write(QUICK, {"a": "demo:a", "b": "demo:b"})
        return clone

    def copy(self, folder: Path) -> "Clone":
        """Another one with the same results, in which another config has some jobs done again."""
        shutil.copytree(self.folder, folder, symlinks=True)
        (folder / "run.log").unlink()
        return Clone(folder)

    def write(self, config: dict[str, Any], samples: dict[str, str]) -> None:
        """The files that a user writes."""
        (self.folder / "config" / "config.yaml").write_text(yaml.safe_dump(config))
        lines = ["sample\tpath", *(f"{name}\t{path}" for name, path in samples.items())]
        (self.folder / "config" / "samples.tsv").write_text("\n".join(lines) + "\n")

    def command(self, *more: str, limit: int) -> list[str]:
        """What a user types; a hung run is killed."""
        words = ["snakemake", "--profile", "slurm", "--use-singularity"]
        return ["timeout", "-k", "30", str(limit), *words, *more]

    def start(self, *more: str, limit: int = PATIENCE_S) -> "subprocess.Popen[str]":
        """Begin a run; its output goes to ``run.log``."""
        log = (self.folder / "run.log").open("a")
        return subprocess.Popen(
            self.command(*more, limit=limit),
            cwd=self.folder,
            stdout=log,
            stderr=log,
            text=True,
            env=own_path(),
        )

    def run(self, *more: str, limit: int = PATIENCE_S) -> int:
        """A whole run; its exit status."""
        return self.start(*more, limit=limit).wait()

    @property
    def log(self) -> str:
        """What the runs printed."""
        return (self.folder / "run.log").read_text()

    @property
    def results(self) -> Path:
        return self.folder / "results"

    def where(self, name: str, kind: str = "samples") -> dict[str, dict[str, str]]:
        """Where each stage of a sample or cohort ran, from the h5ad's provenance."""
        import anndata as ad

        path = self.results / kind / name / f"{name}.h5ad"
        provenance = ad.read_h5ad(path).uns["provenance"]
        return {stage: json.loads(entry["where"]) for stage, entry in provenance.items()}

    def node_of_training(self) -> str:
        """Where the last training of sample a ran."""
        note = self.results / "samples" / "a" / "stages" / "usage" / "train.json"
        return str(json.loads(note.read_text())["where"]["node"])


def own_path() -> dict[str, str]:
    """The environment with this Python's programs first."""
    folder = str(Path(sys.executable).parent)
    return os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def wait_for(ready: Callable[[], Any], what: str, limit: float = PATIENCE_S) -> Any:
    """Look twice a second until something is there."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if found := ready():
            return found
        time.sleep(0.5)
    raise TimeoutError(f"waited {limit:.0f} s for {what}")
