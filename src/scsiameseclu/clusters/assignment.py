"""Clusters, confidence and sizes from the transported assignments."""

import json
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import anndata as ad


def order_by_size(probability: np.ndarray) -> np.ndarray:
    """Clusters from the one that most cells choose to the one that fewest do, (n_clusters,)."""
    sizes = np.bincount(probability.argmax(axis=1), minlength=probability.shape[1])
    return np.argsort(-sizes, kind="stable")


def write_clusters(
    adata: "ad.AnnData", probability: np.ndarray, summary: dict[str, Any], key: str = "siamese"
) -> None:
    """Set clusters, confidence, probabilities and their record on ``adata``.

    Parameters
    ----------
    probability
        (n_cells, n_clusters), rows summing to 1; columns in the order of the clusters' names.
    summary
        ``n_clusters_given``, ``evidence`` (k, score, criterion) and ``params`` of the fit.
    key
        Prefix of the slots.
    """
    import pandas as pd

    n_clusters = probability.shape[1]
    names = [str(n) for n in range(n_clusters)]
    labels = probability.argmax(axis=1)
    adata.obs[key] = pd.Categorical(labels.astype(str), categories=names)
    adata.obs[f"{key}_confidence"] = probability.max(axis=1).astype(np.float32)
    adata.obsm[f"{key}_probability"] = probability.astype(np.float32)
    evidence = summary["evidence"]
    adata.uns[key] = {
        "n_clusters": n_clusters,
        "n_clusters_given": bool(summary["n_clusters_given"]),
        "sizes": np.bincount(labels, minlength=n_clusters),
        "evidence": {
            "k": np.asarray(evidence["k"], dtype=np.int64),
            "score": np.asarray(evidence["score"], dtype=np.float64),
            "criterion": evidence["criterion"],
        },
        "params": json.dumps(summary["params"], sort_keys=True),
    }
