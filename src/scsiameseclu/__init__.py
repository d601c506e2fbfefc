"""scSiameseClu: label-free deep clustering of single-cell RNA-seq.

>>> import scsiameseclu as ssc
>>> adata = ssc.datasets.pbmc("a")  # or your AnnData with raw counts in X or layers["counts"]
>>> ssc.pp.quality(adata, subset=True)
>>> ssc.tl.cluster(adata, settings=ssc.ModelSettings(pretrain_steps=20))  # a quick look
>>> ssc.tl.markers(adata)
>>> ssc.tl.annotate(adata)
>>> adata.obs["siamese"].nunique() > 3 and "B cell" in set(adata.obs["cell_type_predicted"])
True

Public API
----------
``ScSiameseClu``
    The estimator: fit on an AnnData, embed and predict new cells, save and load.
``ModelSettings``
    All settings of networks, training and clustering.
``pp``, ``tl``, ``pl``, ``get``
    Functions on an AnnData in scanpy's style: preprocessing, tools, plots, and getters.
``metrics``
    Scores of a clustering, with and without labels.
``datasets``
    Built-in data.
``UserError``
    The error whose message tells a user what to correct.

What these names list in their ``__all__`` is public. All other modules are the implementation and
may change in any release; the programs of the pipeline (``python -m scsiameseclu``) are described
by their ``--help``.

Everything but ``UserError`` is imported on first use, so that ``import scsiameseclu`` is fast.
"""

import importlib
from typing import TYPE_CHECKING, Any

from scsiameseclu.errors import UserError

if TYPE_CHECKING:
    from scsiameseclu import datasets, get, metrics, pl, pp, tl
    from scsiameseclu.model.estimator import ScSiameseClu
    from scsiameseclu.settings import ModelSettings

    __version__: str

__all__ = [
    "ModelSettings",
    "ScSiameseClu",
    "UserError",
    "__version__",
    "datasets",
    "get",
    "metrics",
    "pl",
    "pp",
    "tl",
]

_CLASSES = {
    "ScSiameseClu": "scsiameseclu.model.estimator",
    "ModelSettings": "scsiameseclu.settings",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return _version()
    if name in _CLASSES:
        return getattr(importlib.import_module(_CLASSES[name]), name)
    if name in __all__:
        return importlib.import_module(f"scsiameseclu.{name}")
    raise AttributeError(f"module 'scsiameseclu' has no attribute {name!r}")


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("scsiameseclu")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "0+unknown"


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
