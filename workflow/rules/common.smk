# What the rules share: checked config and sheet, folders, and how a stage's program is called.
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from shlex import quote

from snakemake.exceptions import WorkflowError


def project_folder(rules):
    """The project's folder; as a module from a repository, a checkout of it below .snakemake.

    Programs, package and schemas are files, which a repository in Snakemake's cache has not.
    """
    if rules.is_local and not hasattr(rules, "ref"):
        return Path(str(rules)).parents[1]
    bare = getattr(rules, "repo_path", None) or rules.hosted_repo.repo_clone
    git = ["git", "-C", str(bare)]
    commit = subprocess.check_output(
        [*git, "rev-parse", f"{rules.ref}^{{commit}}"], text=True
    ).strip()
    folder = Path(".snakemake/scsiameseclu").absolute() / commit
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=folder.parent))
        archive = subprocess.check_output([*git, "archive", commit])
        subprocess.run(["tar", "-x", "-C", str(part)], input=archive, check=True)
        try:
            part.rename(folder)
        except OSError:  # another job was first
            shutil.rmtree(part)
    return folder


ROOT = project_folder(workflow.current_basedir)
sys.path[:0] = [str(ROOT / "workflow" / "lib"), str(ROOT / "src")]

from commandline import command_prefix, run_with_this_python
from on_failure import show_failures
from run_lock import clear_lock_of_killed_run, hold
from scsiameseclu.stages.config import checked
from scsiameseclu.stages.input_files import input_files
from scsiameseclu.stages.resolved import resolved
from scsiameseclu.stages.resources import Size, request
from scsiameseclu.store import manifest
from slurm_resources import image, in_containers, placement, show_gpu_to_container

config, SAMPLES, problems = checked(config)
if problems:
    raise WorkflowError("\n".join(problems))

RESULTS = config["outdir"].rstrip("/")
FOLDER = f"{RESULTS}/samples/{{wildcards.sample}}"
REFERENCE = f"{RESULTS}/reference"
LOGS = f"{RESULTS}/logs"
SCRIPTS = os.path.relpath(ROOT / "scripts")
FEATURES = [
    name
    for name, asked in (
        (manifest.REFERENCE, config["reference"]["path"]),
        (manifest.TRAJECTORY, config["trajectory"]["run"]),
    )
    if asked
]
INCLUDED = f"--features {' '.join(FEATURES)}" if FEATURES else ""
# What CellTypist takes beside the markers' part of the stage annotate, whatever the cells.
CELLTYPIST_MB = 1000 if config["annotation"]["celltypist_model"] else 0
COHORT = (
    f"python {SCRIPTS}/cohort.py --samples {quote(config['samples'])} --results {RESULTS}"
    f" {INCLUDED}"
).rstrip()
MULTIQC = (
    f"python -m multiqc {RESULTS}/multiqc --config {RESULTS}/multiqc/multiqc_config.yaml"
    f" --no-version-check --force --no-data-dir -o {RESULTS} -n multiqc_report.html"
)
COMPLETE = f"{LOGS}/cohort.complete"  # not there while the page is of a failed run
FEW_VALUES = 5_000_000  # stored counts of a sample that one core is enough for
ON_CPU, ON_GPU = placement(config["slurm"]), placement(config["slurm"], gpu=True)
IMAGE = image(config["container"], ROOT)
GPU_IMAGE = IMAGE
if config["slurm"]["gpu_partition"] and config["gpu_container"]:
    GPU_IMAGE = image(config["gpu_container"], ROOT)
RUN_NOTE = Path(".snakemake/scsiameseclu.running")

run_with_this_python()
show_gpu_to_container()
shell.prefix(command_prefix(ROOT / "src"))
if workflow.is_main_process and clear_lock_of_killed_run(
    RUN_NOTE, Path(".snakemake/locks")
):
    print("The last run here was killed; its lock is removed.", file=sys.stderr)


def file(name):
    """The pattern of one of a sample's files."""
    return f"{RESULTS}/samples/{{sample}}/{manifest.path(name, '{sample}')}"


def reads(stage):
    """The files that a stage reads, by name, with the sample's size for its resources."""
    names = manifest.inputs(stage, FEATURES)
    return {name: file(name) for name in dict.fromkeys([*names, "dimensions"])}


def writes(stage):
    """The files that a stage writes, by name."""
    return {
        name: directory(file(name)) if name in manifest.FOLDERS else file(name)
        for name in manifest.STAGES[stage].writes
    }


def settings_of(stage, without=(), **more):
    """All settings of a stage's program as JSON; when they change, the stage runs again."""

    def for_sample(wildcards):
        row = SAMPLES[wildcards.sample] if "sample" in wildcards.keys() else {}
        values = resolved(stage, config | more, row)
        kept = {key: value for key, value in values.items() if key not in without}
        return json.dumps(kept, sort_keys=True)

    return for_sample


def memory(stage, more=0):
    """The resource mem_mb: predicted from the size of the sample, doubled with each attempt."""

    def for_job(wildcards, input, attempt):
        return request(stage, size_of(input), attempt).mem_mb + more

    return for_job


def minutes(stage):
    """The resource runtime, likewise."""

    def for_job(wildcards, input, attempt):
        return request(stage, size_of(input), attempt).minutes

    return for_job


def for_reference(unit):
    """mem_mb or minutes of the reference's job, which does the work of four stages."""

    def for_job(wildcards, input, attempt):
        size = Size.of_files(Path(file) for file in input).guessed()
        stages = ("ingest", "expression", "graph", "train")
        return sum(getattr(request(stage, size, attempt), unit) for stage in stages)

    return for_job


def size_of(input):
    """What ingest wrote of the sample's size; for ingest itself what the files' headers say."""
    if "dimensions" in input.keys():
        return Size.read(Path(input.dimensions))
    return Size.of_files(Path(file) for file in input)


def cores_by_size(wildcards, input):
    """One core for small samples, which then run side by side; more would only slow them down."""
    try:
        return 1 if size_of(input).nonzeros < FEW_VALUES else 4
    except (
        FileNotFoundError
    ):  # not ingested yet; threads, unlike memory, cannot be left open
        return 1


def program(stage, where=f"--folder {FOLDER} {INCLUDED}", folder=FOLDER):
    """The shell command of a stage: its settings as one file, and its log."""
    file = f"{folder}/{manifest.SETTINGS.format(stage=stage)}"
    return (
        f"mkdir -p $(dirname {file}) && printf '%s' {{params.settings:q}} > {file} &&"
        f" python {SCRIPTS}/{stage}.py {where} --settings {file} --threads {{threads}}"
        f" --asked-mb {{resources.mem_mb}} --asked-minutes {{resources.runtime}}"
        f" 2>&1 | tee {{log}}"
    )
