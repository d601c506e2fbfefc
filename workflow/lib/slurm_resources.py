"""Where Slurm runs the jobs: partition, account and GPU as resources of the rules."""

import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any


def placement(slurm: Mapping[str, Any], gpu: bool = False) -> dict[str, str | int]:
    """Resources that the Slurm executor reads; what the config leaves to the site is left out.

    Parameters
    ----------
    slurm
        The config's section: ``partition``, ``account``, ``gpu_partition``, ``gpu_request``.
    gpu
        For a rule that takes a GPU where ``gpu_partition`` names a partition that has one.

    >>> placement({"partition": "cpu", "account": None, "gpu_partition": "gpu",
    ...            "gpu_request": "gres"}, gpu=True)
    {'slurm_partition': 'gpu', 'gres': 'gpu:1'}
    """
    with_gpu = gpu and bool(slurm["gpu_partition"])
    found: dict[str, str | int] = {}
    if partition := slurm["gpu_partition"] if with_gpu else slurm["partition"]:
        found["slurm_partition"] = partition
    if slurm["account"]:
        found["slurm_account"] = slurm["account"]
    if with_gpu:
        found |= {"gpu": 1} if slurm["gpu_request"] == "gpu" else {"gres": "gpu:1"}
    return found


def image(named: str | None, root: Path) -> str | None:
    """An image as Snakemake takes it: a relative path is of the run's folder or else the clone's.

    Parameters
    ----------
    named
        A ``.sif`` file, a URL such as ``docker://...``, or None.
    root
        The clone.
    """
    if named is None or "://" in named or Path(named).exists():
        return named
    beside = root / named
    return str(beside) if beside.exists() else named


def in_containers(workflow: Any) -> bool:
    """Whether Snakemake was told to run programs in containers."""
    methods = workflow.deployment_settings.deployment_method
    return any(method.name == "APPTAINER" for method in methods)


def show_gpu_to_container(environment: MutableMapping[str, str] = os.environ) -> None:
    """In a job that Slurm gave a GPU, have Apptainer bring in the driver (its ``--nv``).

    Snakemake gives the same arguments to all containers; the environment is the job's own.
    """
    if environment.get("SLURM_JOB_GPUS") or environment.get("SLURM_STEP_GPUS"):
        for name in ("APPTAINER_NV", "SINGULARITY_NV"):
            environment.setdefault(name, "1")
