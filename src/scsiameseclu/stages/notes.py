"""Records that a stage writes in addition to its results: failures and resource usage."""

import json
import os
import resource
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from scsiameseclu.errors import UserError
from scsiameseclu.store.atomic import write_json
from scsiameseclu.store.manifest import FAILURE, RUNNING, USAGE


def note_failure(
    directory: Path, sample: str, stage: str, reason: str, *, must_mend: bool = False
) -> None:
    """Record a failure for the cohort report.

    Parameters
    ----------
    directory
        Folder of the sample.
    sample, stage, reason
        What failed, and why.
    must_mend
        Whether the user must mend the input or a setting, so that no repetition helps.
    """
    note = {"sample": sample, "stage": stage, "reason": reason, "must_mend": must_mend}
    write_json(directory / FAILURE, note)


def failure_of(directory: Path, stage: str) -> dict[str, Any] | None:
    """The recorded failure of a stage; None if there is none."""
    path = directory / FAILURE
    if not path.is_file():
        return None
    note: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return note if note["stage"] == stage else None


def clear_failure(directory: Path, stage: str) -> None:
    """Remove an earlier failure of this stage; failures of other stages are kept."""
    if failure_of(directory, stage) is not None:
        (directory / FAILURE).unlink()


@contextmanager
def noted_as_running(
    directory: Path | None, stage: str, *, asked_mb: int | None, attempt: int
) -> Iterator[None]:
    """Record that a stage is running, until the block ends in any way but a kill."""
    if directory is None:
        yield
        return
    note = {"stage": stage, "asked_mb": asked_mb, "attempt": attempt}
    try:
        write_json(directory / RUNNING.format(stage=stage), note)
    except OSError as error:
        raise UserError(
            f"folder {directory} cannot be written ({error.strerror}); correct its permissions, or "
            "choose another outdir"
        ) from error
    try:
        yield
    finally:
        clear_running(directory, stage)


def clear_running(directory: Path, stage: str) -> None:
    """Remove the record that a stage is running."""
    path = directory / RUNNING.format(stage=stage)
    path.unlink(missing_ok=True)
    with suppress(OSError):  # others are running
        path.parent.rmdir()


def note_usage(
    directory: Path,
    stage: str,
    seconds: float,
    *,
    threads: int | None,
    asked_mb: int | None,
    asked_minutes: int | None,
    shared_mb: float = 0,
) -> None:
    """Record used and requested resources for the report.

    Parameters
    ----------
    directory
        Folder of the sample.
    seconds
        Wall time.
    threads, asked_mb, asked_minutes
        Requested threads, memory and time; None if not requested.
    shared_mb
        Memory of libraries that all stages share, if they do. The peak is noted without it, as it
        exists once however many stages run; the note says that it was there.
    """
    usages = _usages()
    write_json(
        directory / USAGE.format(stage=stage),
        {
            "stage": stage,
            "seconds": round(seconds, 1),
            "cpu_seconds": round(sum(usage.ru_utime + usage.ru_stime for usage in usages), 1),
            "peak_mb": round(max(0, peak_mb() - shared_mb)),
            "asked_mb": asked_mb,
            "asked_minutes": asked_minutes,
            "threads": threads,
            "where": where_it_ran(os.environ),
        }
        | ({"shared_mb": round(shared_mb)} if shared_mb else {}),
    )


def peak_mb() -> float:
    """Peak memory in MB of this process, or of its largest child that has ended."""
    per_mb = 2**20 if sys.platform == "darwin" else 2**10
    return max(usage.ru_maxrss for usage in _usages()) / per_mb


def _usages() -> list[resource.struct_rusage]:
    return [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]


def where_it_ran(environment: Mapping[str, str]) -> dict[str, str]:
    """Node, partition and GPUs of a Slurm job, and the container image, if known.

    The result is empty outside of Slurm and containers, so that local runs are reproducible.
    """
    variables = {
        "node": ("SLURMD_NODENAME",),
        "partition": ("SLURM_JOB_PARTITION",),
        "gpus": ("SLURM_JOB_GPUS", "SLURM_STEP_GPUS"),
        "image": ("APPTAINER_CONTAINER", "SINGULARITY_CONTAINER"),
    }
    values = {
        key: next((environment[name] for name in names if environment.get(name)), "")
        for key, names in variables.items()
    }
    return {key: value for key, value in values.items() if value}
