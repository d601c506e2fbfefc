"""What a stage leaves beside its files: why it failed, and what it took."""

import json
import os
import resource
import sys
from collections.abc import Mapping
from pathlib import Path

from scsiameseclu.store.atomic import write_json
from scsiameseclu.store.manifest import FAILURE, USAGE


def note_failure(directory: Path, sample: str, stage: str, reason: str) -> None:
    """Leave a note that the cohort page reads."""
    write_json(directory / FAILURE, {"sample": sample, "stage": stage, "reason": reason})


def clear_failure(directory: Path, stage: str) -> None:
    """Remove the note that this stage left earlier; that of another stage stays."""
    path = directory / FAILURE
    if path.is_file() and json.loads(path.read_text(encoding="utf-8"))["stage"] == stage:
        path.unlink()


def note_usage(
    directory: Path,
    stage: str,
    seconds: float,
    *,
    threads: int | None,
    asked_mb: int | None,
    asked_minutes: int | None,
) -> None:
    """Note time and peak memory beside what was requested; the page shows both.

    Parameters
    ----------
    directory
        The sample's folder.
    seconds
        Wall time.
    threads, asked_mb, asked_minutes
        What the job was given; None where nothing was requested.
    """
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    per_mb = 2**20 if sys.platform == "darwin" else 2**10
    write_json(
        directory / USAGE.format(stage=stage),
        {
            "stage": stage,
            "seconds": round(seconds, 1),
            "cpu_seconds": round(sum(usage.ru_utime + usage.ru_stime for usage in usages), 1),
            "peak_mb": round(max(usage.ru_maxrss for usage in usages) / per_mb),
            "asked_mb": asked_mb,
            "asked_minutes": asked_minutes,
            "threads": threads,
            "where": where_it_ran(os.environ),
        },
    )


def where_it_ran(environment: Mapping[str, str]) -> dict[str, str]:
    """Node, partition and GPUs of a Slurm job, and the container's image, as far as known.

    Empty outside of Slurm and containers, so that two runs on one machine leave the same note.
    """
    variables = {
        "node": ("SLURMD_NODENAME",),
        "partition": ("SLURM_JOB_PARTITION",),
        "gpus": ("SLURM_JOB_GPUS", "SLURM_STEP_GPUS"),
        "image": ("APPTAINER_CONTAINER", "SINGULARITY_CONTAINER"),
    }
    values = {
        what: next((environment[name] for name in names if environment.get(name)), "")
        for what, names in variables.items()
    }
    return {what: value for what, value in values.items() if value}
