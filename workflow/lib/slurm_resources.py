"""Slurm partition, account and GPU of the rules, and container images."""

import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any


def placement(slurm: Mapping[str, Any], gpu: bool = False) -> dict[str, str | int]:
    """Resources for the Slurm executor; without those that the config does not set.

    Parameters
    ----------
    slurm
        Config section with ``partition``, ``account``, ``gpu_partition``, ``gpu_request``.
    gpu
        Whether the rule uses a GPU if ``gpu_partition`` is set.

    >>> placement({"partition": "cpu", "account": None, "gpu_partition": "gpu",
    ...            "gpu_request": "gres"}, gpu=True)
    {'slurm_partition': 'gpu', 'gres': 'gpu:1'}
    """
    with_gpu = gpu and bool(slurm["gpu_partition"])
    resources: dict[str, str | int] = {}
    if partition := slurm["gpu_partition"] if with_gpu else slurm["partition"]:
        resources["slurm_partition"] = partition
    if slurm["account"]:
        resources["slurm_account"] = slurm["account"]
    if with_gpu:
        resources |= {"gpu": 1} if slurm["gpu_request"] == "gpu" else {"gres": "gpu:1"}
    return resources


def image(name: str | None, root: Path) -> str | None:
    """Container image for Snakemake; paths are relative to the working directory or the clone.

    Parameters
    ----------
    name
        A ``.sif`` file, a URL such as ``docker://...``, or None.
    root
        Root folder of the clone.
    """
    if name is None or "://" in name or Path(name).exists():
        return name
    in_clone = root / name
    return str(in_clone) if in_clone.exists() else name


def in_containers(workflow: Any) -> bool:
    """Whether Snakemake runs programs in containers."""
    methods = workflow.deployment_settings.deployment_method
    return any(method.name == "APPTAINER" for method in methods)


def show_gpu_to_container(environment: MutableMapping[str, str] = os.environ) -> None:
    """Enable Apptainer's ``--nv`` in Slurm jobs with a GPU.

    Snakemake passes the same arguments to all containers, so environment variables are used.
    """
    if environment.get("SLURM_JOB_GPUS") or environment.get("SLURM_STEP_GPUS"):
        for name in ("APPTAINER_NV", "SINGULARITY_NV"):
            environment.setdefault(name, "1")
