"""Agreement of a clustering with published labels: ARI, NMI, ACC and macro-F1."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from scsiameseclu.io.obs import missing_labels


@dataclass(frozen=True)
class Agreement:
    """Four complementary scores; ACC alone is misleading for classes of unequal size.

    Attributes
    ----------
    ari
        Adjusted Rand index (Hubert and Arabie 1985).
    nmi
        Normalised mutual information, arithmetic mean of the entropies.
    acc
        Fraction of the cells whose cluster is mapped to their class by the one-to-one mapping of
        clusters to classes that maximises this fraction (Hungarian method).
    macro_f1
        Mean F1 over the classes under this mapping; 0 for a class without a cluster.
    """

    ari: float
    nmi: float
    acc: float
    macro_f1: float

    def to_dict(self) -> dict[str, float]:
        """The scores by name."""
        return asdict(self)


def labelled(labels: pd.Series) -> np.ndarray:
    """Mask of the cells that have a label, (n_cells,).

    NaN, empty text and text such as ``"NA"`` are missing labels (see ``missing_labels``), but
    ``"unknown"`` is a class.
    """
    return ~missing_labels(labels)


def agreement(classes: pd.Series | np.ndarray, clusters: pd.Series | np.ndarray) -> Agreement:
    """Compare clusters with classes; both of shape (n_cells,), every cell labelled.

    Raises
    ------
    ValueError
        The inputs are empty, or their lengths differ.
    """
    truth, assigned = np.asarray(classes).astype(str), np.asarray(clusters).astype(str)
    if len(truth) == 0 or len(truth) != len(assigned):
        raise ValueError(f"{len(truth)} labels cannot be compared with {len(assigned)} clusters")
    acc, macro_f1 = _mapped(contingency(truth, assigned))
    return Agreement(
        ari=float(adjusted_rand_score(truth, assigned)),
        nmi=float(normalized_mutual_info_score(truth, assigned, average_method="arithmetic")),
        acc=acc,
        macro_f1=macro_f1,
    )


def contingency(classes: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """Number of cells by class (sorted rows) and cluster (sorted columns)."""
    rows, row = np.unique(classes, return_inverse=True)
    columns, column = np.unique(clusters, return_inverse=True)
    counts = np.zeros((len(rows), len(columns)), dtype=np.int64)
    np.add.at(counts, (row, column), 1)
    return counts


def _mapped(counts: np.ndarray) -> tuple[float, float]:
    """ACC and macro-F1 under the best one-to-one mapping.

    Among mappings with equal ACC, the one with the highest macro-F1 is chosen, so that scores do
    not depend on the order of the clusters: F1 enters the assignment with a weight smaller than
    that of a single cell.
    """
    sizes = counts.sum(axis=1)[:, None] + counts.sum(axis=0)[None, :]
    f1 = 2 * counts / sizes
    rows, columns = linear_sum_assignment(counts + f1 / (min(counts.shape) + 1), maximize=True)
    acc = counts[rows, columns].sum() / counts.sum()
    return float(acc), float(f1[rows, columns].sum() / counts.shape[0])
