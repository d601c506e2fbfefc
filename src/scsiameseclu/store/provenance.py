"""What made a file: versions, seed, settings, threads and device, kept in ``uns["provenance"]``.

Nothing here changes from one run to the next on one machine (no clock, no host name), so that equal
inputs give equal bytes.
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
    "umap-learn",
    "decoupler",
)


def package_versions() -> dict[str, str]:
    """The installed versions of the packages whose numbers end in a result."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def threads_in_use() -> int:
    """The number of threads the stage was given (``OMP_NUM_THREADS``), else the machine's cores."""
    return int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)


def record(
    stage: str, *, seed: int | None, settings: dict[str, Any] | None = None, device: str = "cpu"
) -> dict[str, Any]:
    """The entry ``{stage: {...}}`` to put under ``uns["provenance"]``."""
    return {
        stage: {
            "seed": -1 if seed is None else seed,
            "settings": json.dumps(settings or {}, sort_keys=True),
            "device": device,
            "threads": threads_in_use(),
            "versions": json.dumps(package_versions(), sort_keys=True),
        }
    }
