"""Runs of the workflow for the tests: a working directory of its own, and Snakemake on it."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from patience import PATIENCE_S

ROOT = Path(__file__).resolve().parents[2]
SNAKEFILE = ROOT / "Snakefile"
GOOD = [
    {"sample": "a", "path": "demo:a", "label": "bulk_labels", "n_clusters": 6},
    {"sample": "b", "path": "demo:b", "label": "bulk_labels", "n_clusters": 6},
]
QUICK: dict[str, Any] = {
    "samples": "config/samples.tsv",
    "quality": {"doublets": "off"},
    "model": {"networks": 2, "pretrain_steps": 60},
    "cohort": {"run": "off"},
}
TOGETHER = QUICK | {"cohort": {"run": "auto"}}
"""The same, with the samples analysed together, too."""


def _without_network() -> list[str]:
    """What to put before a command to run it with no network, where the system lets us."""
    words = ["unshare", "--map-root-user", "--net"]
    if shutil.which("unshare") is None:
        return []
    return words if subprocess.run([*words, "true"], capture_output=True).returncode == 0 else []


WITHOUT_NETWORK = _without_network()


@dataclass(frozen=True)
class Run:
    """A run of the workflow that is over."""

    directory: Path
    done: subprocess.CompletedProcess[str]

    @property
    def results(self) -> Path:
        return self.directory / "results"


def write_inputs(
    directory: Path, rows: list[dict[str, Any]], config: dict[str, Any] | None = None
) -> None:
    """Write config/config.yaml and config/samples.tsv as a user would."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = [columns, *([str(row.get(column, "")) for column in columns] for row in rows)]
    folder = directory / "config"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "samples.tsv").write_text("".join("\t".join(line) + "\n" for line in lines))
    (folder / "config.yaml").write_text(yaml.safe_dump(config or {"samples": "config/samples.tsv"}))


def command(directory: Path, *arguments: str) -> list[str]:
    """Snakemake's command line for a run in ``directory`` on two cores."""
    start = [sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE)]
    return [*start, "--directory", str(directory), "--cores", "2", *arguments]


def environment() -> dict[str, str]:
    """The environment of a user who did not activate the virtual environment."""
    hidden = ("VIRTUAL_ENV", "OMP_NUM_THREADS", "PYTHONPATH")
    return {name: value for name, value in os.environ.items() if name not in hidden}


def snakemake(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the workflow to its end, with no network; what it printed is in ``stdout``."""
    return subprocess.run(
        [*WITHOUT_NETWORK, *command(directory, *arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(),
        timeout=PATIENCE_S,
    )


def planned(directory: Path, *arguments: str) -> dict[str, set[str]]:
    """The jobs that a run would do: for each rule its samples or cohorts (empty if it has none)."""
    done = snakemake(directory, "--dry-run", *arguments)
    assert done.returncode == 0, done.stdout
    jobs: dict[str, set[str]] = {}
    for block in re.split(r"\n(?=\[)", done.stdout):
        if rule := re.search(r"^(?:local)?rule (\w+):$", block, re.MULTILINE):
            samples = re.findall(r"wildcards: (?:sample|cohort)=(\S+)", block)
            jobs.setdefault(rule[1], set()).update(samples)
    return jobs
