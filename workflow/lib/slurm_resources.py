"""Slurm partition, account and GPU of the rules, and container images."""

import os
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any

from snakemake.exceptions import WorkflowError


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


def image(name: str | None, root: Path, is_used: bool = True) -> str | None:
    """Container image for Snakemake; paths are relative to the working directory or the clone.

    Snakemake refuses blanks in the name of an image, even where no container is used.

    Parameters
    ----------
    name
        A ``.sif`` file, a URL such as ``docker://...``, or None.
    root
        Root folder of the clone.
    is_used
        Whether programs run in containers. If not, an image with blanks in its path is no error.

    Raises
    ------
    WorkflowError
        The path of the image has blanks.
    """
    if name is None:
        return None
    found = name
    if "://" not in name and not Path(name).exists() and (root / name).exists():
        found = str(root / name)
    if not any(letter.isspace() for letter in found):
        return found
    if is_used:
        raise WorkflowError(
            f"container image {found!r}: Snakemake accepts no blanks in its path; move or link it "
            "to a path without blanks, and name that path in the config key container"
        )
    return None


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
