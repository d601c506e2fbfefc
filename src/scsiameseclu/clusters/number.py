"""How many clusters there are: modularity at low resolution along the start's hierarchy."""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from scsiameseclu.clusters.start import Hierarchy

RESOLUTION = 0.5


@dataclass(frozen=True)
class Evidence:
    """The curve that the number of clusters was read from.

    Attributes
    ----------
    k
        Candidate numbers, (n_candidates,).
    score
        Their score, (n_candidates,); the best is the largest.
    criterion
        What the score is, in words.
    """

    k: np.ndarray
    score: np.ndarray
    criterion: str

    @property
    def best(self) -> int:
        """The candidate with the largest score; the smallest of equals."""
        return int(self.k[int(np.argmax(self.score))])


def modularity(labels: np.ndarray, adjacency: sp.csr_matrix, resolution: float) -> float:
    """Newman's modularity of a partition, with Reichardt and Bornholdt's resolution.

    ``sum_c [w_c / w - resolution (d_c / w)^2]`` with ``w_c`` the weight of links inside cluster c,
    ``d_c`` its degree, ``w`` the weight of all links (each counted twice).
    """
    n_cells = labels.size
    member = sp.csr_matrix((np.ones(n_cells), (np.arange(n_cells), labels)))
    inside = (member.T @ (adjacency @ member)).diagonal()
    degrees = np.asarray(member.T @ adjacency.sum(axis=1)).ravel()
    total = float(degrees.sum()) or 1.0
    return float((inside / total - resolution * (degrees / total) ** 2).sum())


def evidence_for_k(
    hierarchies: list[Hierarchy], adjacency: sp.csr_matrix, max_clusters: int
) -> Evidence:
    """Score every number of clusters from 2 to ``max_clusters``, averaged over hierarchies.

    The resolution (0.5) asks for clusters that are separated in the graph and lets them be large;
    at 1 the score would cut large cell types up, at 0.25 join cell types that are merely related.
    """
    n_micro = min(hierarchy.tree.shape[0] + 1 for hierarchy in hierarchies)
    candidates = np.arange(2, max(2, min(max_clusters, n_micro)) + 1)
    scores = [
        [modularity(hierarchy.cut(int(k)), adjacency, RESOLUTION) for k in candidates]
        for hierarchy in hierarchies
    ]
    criterion = (
        f"modularity of the kNN graph at resolution {RESOLUTION:g}, mean over "
        f"{len(hierarchies)} hierarchies of micro-clusters"
    )
    return Evidence(candidates, np.mean(scores, axis=0), criterion)
