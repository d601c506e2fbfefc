"""scSiameseClu: label-free deep clustering of single-cell RNA-seq.

``from scsiameseclu import ScSiameseClu`` is the library's entry; everything heavy is imported when
it is first used, so that importing the package and asking a program for ``--help`` stay fast.
"""

from importlib.metadata import PackageNotFoundError, version
from typing import Any

from scsiameseclu.errors import UserError

try:
    __version__ = version("scsiameseclu")
except PackageNotFoundError:  # run from a checkout that was never installed
    __version__ = "0+unknown"

__all__ = ["ScSiameseClu", "UserError", "__version__", "transfer_labels"]


def __getattr__(name: str) -> Any:
    if name == "ScSiameseClu":
        from scsiameseclu.model.estimator import ScSiameseClu

        return ScSiameseClu
    if name == "transfer_labels":
        from scsiameseclu.annotation.by_reference import transfer_labels

        return transfer_labels
    raise AttributeError(f"module 'scsiameseclu' has no attribute {name!r}")
