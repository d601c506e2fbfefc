"""Clusters, confidence, stability and levels, as slots of an AnnData."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd

from scsiameseclu.palette import colour

AMBIGUOUS = 0.5


def write_clusters(
    adata: ad.AnnData,
    probability: np.ndarray,
    coarse: np.ndarray,
    fine: np.ndarray | None,
    summary: dict[str, Any],
    key: str = "siamese",
    names: Sequence[str] | None = None,
) -> None:
    """Set clusters, confidence, probabilities and their record on ``adata``.

    Parameters
    ----------
    probability
        (n_cells, n_clusters), rows summing to 1; columns in the order of the clusters' names.
    coarse, fine
        Nested levels, (n_cells,): numbers, and names such as ``3.1``. Without a fine level an
        earlier column of it is removed.
    summary
        ``n_clusters_given``, ``n_clusters_asked``, ``evidence`` (k, score, criterion),
        ``stability`` (one number per cluster), ``alternatives`` (``merge_with``,
        ``merge_support``, ``split_support``), ``agreement``, ``n_members`` and ``params``, of which
        those that are None are left out.
    key
        Prefix of the slots.
    names
        Names of the clusters, by default 0, 1, …; they are numbers, also with other ones.
    """
    n_clusters = probability.shape[1]
    numbers = [str(n) for n in range(n_clusters)]
    names = numbers if names is None else list(names)
    labels = probability.argmax(axis=1)
    confidence = probability.max(axis=1).astype(np.float32)
    adata.obs[key] = pd.Categorical.from_codes(labels, categories=pd.Index(names))
    adata.obs[f"{key}_confidence"] = confidence
    adata.obs[f"{key}_ambiguous"] = confidence < AMBIGUOUS
    adata.obs[f"{key}_coarse"] = _categorical(coarse)
    if fine is not None:
        adata.obs[f"{key}_fine"] = _categorical(_renamed(fine, names))
    elif f"{key}_fine" in adata.obs:
        del adata.obs[f"{key}_fine"]
    adata.obsm[f"{key}_probability"] = probability.astype(np.float32)
    adata.uns[f"{key}_colors"] = [colour(number) for number in range(n_clusters)]
    evidence = summary["evidence"]
    adata.uns[key] = {
        "n_clusters": n_clusters,
        "n_clusters_given": bool(summary["n_clusters_given"]),
        "n_clusters_asked": str(summary["n_clusters_asked"]),
        "sizes": np.bincount(labels, minlength=n_clusters),
        "stability": np.asarray(summary["stability"], dtype=np.float64),
        "alternatives": _named(summary["alternatives"], names),
        "agreement": float(summary["agreement"]),
        "n_members": int(summary["n_members"]),
        "evidence": {
            "k": np.asarray(evidence["k"], dtype=np.int64),
            "score": np.asarray(evidence["score"], dtype=np.float64),
            "criterion": evidence["criterion"],
        },
        "params": {key: value for key, value in summary["params"].items() if value is not None},
    }


def _named(alternatives: dict[str, Any], names: Sequence[str]) -> dict[str, np.ndarray]:
    """The alternatives to each cluster, with the name of the one that it may be part of."""
    partners = [names[other] if other >= 0 else "" for other in alternatives["merge_with"]]
    return {
        "merge_with": np.array(partners, dtype=object),
        "merge_support": np.asarray(alternatives["merge_support"], dtype=np.float64),
        "split_support": np.asarray(alternatives["split_support"], dtype=np.float64),
    }


def _renamed(fine: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Fine clusters, such as ``3.1``, with the names of the clusters that they are parts of."""
    different, codes = np.unique(fine.astype(str), return_inverse=True)
    pairs = (name.partition(".") for name in different)
    return np.array([f"{names[int(whole)]}{dot}{part}" for whole, dot, part in pairs])[codes]


def _categorical(names: np.ndarray) -> Any:
    """Categories in the order of their numbers: 2 before 10, 3.2 before 3.10."""
    text = names.astype(str)
    order = sorted(set(text), key=lambda name: [int(part) for part in name.split(".")])
    return pd.Categorical(text, categories=order)
