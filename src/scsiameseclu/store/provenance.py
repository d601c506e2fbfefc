"""Provenance of a file (versions, seed, settings, threads, device) in ``uns["provenance"]``.

It contains neither time nor host name, so that repeated runs on one machine are byte-identical.
"""

import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from typing import Any

PACKAGES = (
    "scsiameseclu",
    "anndata",
    "scanpy",
    "numpy",
    "scipy",
    "pandas",
    "scikit-learn",
    "torch",
    "torch-geometric",
    "pot",
    "igraph",
    "pynndescent",
    "scranpy",
    "decoupler",
)


def package_versions() -> dict[str, str]:
    """Installed versions of the packages that influence results."""
    versions = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            versions[name] = "not installed"
    return versions


def threads_in_use() -> int:
    """Number of threads of the stage (``OMP_NUM_THREADS``, by default all cores)."""
    return int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)


def record(
    stage: str, *, seed: int | None, settings: dict[str, Any] | None = None, device: str = "cpu"
) -> dict[str, Any]:
    """Make the entry ``{stage: {...}}`` of ``uns["provenance"]``."""
    return {
        stage: {
            "seed": -1 if seed is None else seed,
            "settings": json.dumps(settings or {}, sort_keys=True),
            "device": device,
            "threads": threads_in_use(),
            "versions": json.dumps(package_versions(), sort_keys=True),
        }
    }
