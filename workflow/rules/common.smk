# Shared by all rules: validated config and sample sheet, paths, resources, and shell commands.
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from snakemake.exceptions import WorkflowError


def project_folder(rules):
    """The root folder of the project.

    If the workflow is a module from a remote repository, the project is checked out below
    .snakemake, since Snakemake's cache is a bare repository without files.
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
        except OSError:  # another job has created it
            shutil.rmtree(part)
    return folder


ROOT = project_folder(workflow.current_basedir)
sys.path[:0] = [str(ROOT / "workflow" / "lib"), str(ROOT / "src")]

from commandline import (
    command_prefix,
    limit_options,
    run_with_this_python,
    shell_word,
)
from content import Checksums
from on_failure import LEFT_OUT as LEFT_OUT_VARIABLE
from on_failure import (
    is_cancelled,
    note_cancellation,
    run_again,
    show_failures,
    without_failed_samples,
)
from outdir_lock import claim
from run_lock import clear_lock_of_killed_run, hold
from running_page import say_ended, say_running
from scsiameseclu.curation.table import content_for
from scsiameseclu.stages.cohorts import (
    MODEL,
    batches_of_samples,
    cohort_warnings,
    cohorts_of,
    common_settings,
    design,
    has_conditions,
)
from scsiameseclu.stages.config import checked, unreadable_files
from scsiameseclu.stages.input_files import (
    input_files,
    named_files,
    raw_files as raw_files_of,
)
from scsiameseclu.stages.resolved import resolved
from scsiameseclu.stages.resources import Size, calling_mb, request
from scsiameseclu.store import manifest
from slurm_resources import image, in_containers, placement, show_gpu_to_container
from warm_process import start

config, SAMPLES, problems = checked(config)
if problems:
    raise WorkflowError("\n".join(problems))
# Failed samples, when the workflow runs itself again to finish the cohorts without them.
FINISHING = LEFT_OUT_VARIABLE in os.environ
LEFT_OUT = list(filter(None, os.environ.get(LEFT_OUT_VARIABLE, "").split(",")))
COHORTS = cohorts_of(config, SAMPLES.values())
if workflow.is_main_process:
    for message in unreadable_files(config):
        message += " (this sample will fail; the others are analysed)"
        print(f"warning: {message}", file=sys.stderr)
    for message in cohort_warnings(config, COHORTS):
        print(f"warning: {message}", file=sys.stderr)

RESULTS = str(Path(config["outdir"]))  # without ./ and //, as Snakemake writes paths
FOLDER = f"{RESULTS}/samples/{{wildcards.sample}}"
REFERENCE = f"{RESULTS}/reference"
LOGS = f"{RESULTS}/logs"
SCRIPTS = Path(os.path.relpath(ROOT / "scripts"))
FEATURES = [
    name
    for name, enabled in (
        (manifest.REFERENCE, config["reference"]["path"]),
        (manifest.TRAJECTORY, config["trajectory"]["run"]),
        (manifest.AMBIENT, config["ambient"]["mode"] != "off"),
        (manifest.CORRECT, config["ambient"]["mode"] == "correct"),
        (manifest.MAPPED, config["cohort"]["model"]),
        (manifest.EXPORT, any(config["export"].values())),
    )
    if enabled
]
JOINT_FEATURES = [
    manifest.COHORT,
    *(name for name in FEATURES if name in (manifest.REFERENCE, manifest.EXPORT)),
    *([manifest.CONDITIONS] if has_conditions(COHORTS) else []),
]
# Additional memory of CellTypist in the stage annotate, independent of the number of cells.
CELLTYPIST_MB = 1000 if config["annotation"]["celltypist_model"] else 0
COHORT = " ".join(
    [
        f"python {shell_word(SCRIPTS / 'cohort.py')} --results {RESULTS}",
        f"--samples={shell_word(config['samples'])}",  # with =, as it may begin with a hyphen
        *(["--features", *FEATURES] if FEATURES else []),
        *(["--cohorts", *COHORTS] if COHORTS else []),
        *(["--cohort-features", *JOINT_FEATURES] if COHORTS else []),
    ]
)
MULTIQC = (
    f"python -m multiqc {RESULTS}/multiqc --config {RESULTS}/multiqc/multiqc_config.yaml"
    f" --no-version-check --force --no-data-dir -o {RESULTS} -n multiqc_report.html"
)
COMPLETE = f"{LOGS}/cohort.complete"  # missing after a failed run
MAX_SINGLE_CORE_VALUES = 5_000_000  # stored counts up to which one core suffices
ATTEMPT = {"attempt": lambda wildcards, attempt: attempt}
# Options of the stages that read files. They are no parameter, since no result depends on them.
LIMITS = {"limits": limit_options(config["limits"])}
ON_CPU = placement(config["slurm"]) | ATTEMPT
ON_GPU = placement(config["slurm"], gpu=True) | ATTEMPT
IMAGE = image(config["container"], ROOT, in_containers(workflow))
GPU_IMAGE = IMAGE
if config["slurm"]["gpu_partition"] and config["gpu_container"]:
    GPU_IMAGE = image(config["gpu_container"], ROOT, in_containers(workflow))
RUN_NOTE = Path(".snakemake/scsiameseclu.running")
CHECKSUMS = Checksums(Path(".snakemake/scsiameseclu.checksums.json"))

run_with_this_python()
show_gpu_to_container()
shell.prefix(command_prefix(ROOT / "src"))
if workflow.is_main_process and clear_lock_of_killed_run(
    RUN_NOTE, Path(".snakemake/locks")
):
    print("Removed the lock of an earlier run that was killed.", file=sys.stderr)


def start_warm_process():
    """Start the process that the stages are forked from, where they run in this environment."""
    if workflow.local_exec and not workflow.deployment_settings.deployment_method:
        start(ROOT / "src", len(list(workflow.dag.needrun_jobs())))


def file(name):
    """Path pattern of a file of a sample."""
    return f"{RESULTS}/samples/{{sample}}/{manifest.path(name, '{sample}')}"


def reads(stage):
    """Input files of a stage by name, including the size of the sample for resource prediction."""
    names = manifest.inputs(stage, FEATURES)
    return {name: file(name) for name in dict.fromkeys([*names, "dimensions"])}


def writes(stage):
    """Output files of a stage by name."""
    return {
        name: directory(file(name)) if name in manifest.FOLDERS else file(name)
        for name in manifest.STAGES[stage].writes
    }


def settings_of(stage, without=(), **more):
    """All settings of a stage as JSON; the stage reruns when they change."""

    def for_sample(wildcards):
        row = SAMPLES[wildcards.sample] if "sample" in wildcards.keys() else {}
        values = resolved(stage, config | more, row | with_design([row] if row else []))
        kept = {key: value for key, value in values.items() if key not in without}
        return json.dumps(kept, sort_keys=True)

    return for_sample


def with_design(rows):
    """The design of samples as a column, if the sheet has any."""
    described = {name: values for name, values in design(rows).items() if values}
    return {"design": described} if described else {}


def content_of(files):
    """Checksum of input files; a stage reruns when it changes, whatever the date of the files."""
    return CHECKSUMS.of([files] if isinstance(files, str) else files)


def content_of_sample(wildcards):
    """Checksum of the files of a sample.

    They are no input files of Snakemake, which ends without a job of any sample if one is missing.
    """
    row = SAMPLES[wildcards.sample]
    return CHECKSUMS.of_source(named_files(row), input_files(row))


def content_of_raw(wildcards):
    """Checksum of the raw matrix of a sample."""
    raw = SAMPLES[wildcards.sample].get("raw")
    return CHECKSUMS.of_source([raw] if raw else [], raw_files(wildcards))


def curation_of(folder, stage):
    """Input function: the edits in the biologist's table that a stage depends on.

    Names do not rerun the stage curate, nor those that depend on it only.
    """

    def for_folder(wildcards):
        if stage not in ("curate", "annotate"):
            return ""
        directory = Path(folder.format(**dict(wildcards)))
        return content_for(directory, clusters_only=stage == "curate")

    return for_folder


def memory(stage, more=0):
    """The resource mem_mb, predicted from the size of the sample and doubled at each attempt."""

    def for_job(wildcards, input, attempt):
        return request(stage, size_of(input), attempt).mem_mb + more

    return for_job


def size_of_files(wildcards):
    """The size of a sample that is not ingested yet, estimated from its files."""
    return Size.of_files(Path(file) for file in input_files(SAMPLES[wildcards.sample]))


def minutes_of_ingest(wildcards, attempt):
    """The resource runtime of the stage ingest."""
    return request("ingest", size_of_files(wildcards), attempt).minutes


def memory_of_ingest(wildcards, attempt):
    """The resource mem_mb of the stage ingest, which may call cells among droplets."""
    size = size_of_files(wildcards)
    droplets = resolved("ingest", config, SAMPLES[wildcards.sample]).get("droplets")
    return request("ingest", size, attempt).mem_mb + (
        calling_mb(size) if droplets else 0
    )


def minutes(stage, more=0):
    """The resource runtime, predicted from the size of the sample and doubled at each attempt."""

    def for_job(wildcards, input, attempt):
        return request(stage, size_of(input), attempt).minutes + more

    return for_job


def for_ambient(unit):
    """mem_mb or minutes of the rule ambient, which also reads a raw matrix if there is one."""

    def for_job(wildcards, input, attempt):
        own = getattr(request("ambient", size_of(input), attempt), unit)
        files = [Path(file) for file in raw_files(wildcards)]
        if not files:
            return own
        return own + getattr(request("ingest", Size.of_files(files), attempt), unit)

    return for_job


def raw_files(wildcards):
    """The files of the raw matrix of a sample; none without a raw matrix."""
    return raw_files_of(SAMPLES[wildcards.sample])


def for_reference(unit):
    """mem_mb or minutes of the rule reference, which does the work of four stages."""

    def for_job(wildcards, input, attempt):
        size = Size.of_files(Path(file) for file in input).with_typical_shape()
        stages = ("ingest", "expression", "graph", "train")
        return sum(getattr(request(stage, size, attempt), unit) for stage in stages)

    return for_job


def size_of(input):
    """The size written by ingest."""
    return Size.read(Path(input.dimensions))


def cores_by_size(wildcards, input):
    """One core for small samples, which gain nothing from more and can run in parallel."""
    try:
        return 1 if size_of(input).nonzeros < MAX_SINGLE_CORE_VALUES else 4
    except FileNotFoundError:
        # Not ingested yet. Threads, unlike memory, cannot be left undetermined.
        return 1


def in_sample(stage):
    """Options of a stage that works in the folder of a sample."""
    features = manifest.features_of(stage, FEATURES)
    return " ".join(
        ["--folder", FOLDER, *(["--features", *features] if features else [])]
    )


def program(stage, where=None, folder=FOLDER, script=None, more=""):
    """Shell command that writes the settings file of a stage, runs the stage and writes its log."""
    where = in_sample(stage) if where is None else where
    file = f"{folder}/{manifest.SETTINGS.format(stage=stage)}"
    script = script or shell_word(SCRIPTS / f"{stage}.py")
    return (
        f"mkdir -p $(dirname {file}) && printf '%s' {{params.settings:q}} > {file} &&"
        f" python {script} {where} --settings {file} --threads {{threads}}"
        f" --asked-mb {{resources.mem_mb}} --asked-minutes {{resources.runtime}}"
        f" --attempt {{resources.attempt}}{more}"
        f" 2>&1 | tee {{log}}"
    )
