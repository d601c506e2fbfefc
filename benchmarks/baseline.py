"""Clustering of the principal components: the baseline that the network must beat.

Micro-clusters merged by average linkage, from several seeds, with borders smoothed by votes on the
graph: what a fit would start from without a network. Only the benchmarks call it.
"""

import numpy as np
import scipy.sparse as sp

from scsiameseclu.clustering.start import (
    Hierarchy,
    by_kmeans,
    component_blocks,
    grow_hierarchy,
    renumbered,
)

N_STARTS = 8
N_VOTES = 3


def vote(labels: np.ndarray, adjacency: sp.csr_matrix, n_rounds: int) -> np.ndarray:
    """Repeatedly give each cell the label with the largest weight among itself and its neighbours.

    A cell counts for itself as much as its heaviest neighbour. Labels that would die out stay with
    the cells that had them.
    """
    n_cells, n_labels = labels.size, int(labels.max()) + 1
    heaviest = adjacency.max(axis=1).toarray().ravel()  # one number a cell
    weights = sp.csr_matrix(adjacency) + sp.diags(heaviest)
    current = labels
    for _ in range(n_rounds):
        member = sp.csr_matrix(
            (np.ones(n_cells), (np.arange(n_cells), current)), shape=(n_cells, n_labels)
        )
        tally = (weights @ member).toarray()  # (n_cells, n_labels)
        proposed = tally.argmax(axis=1)
        lost = np.setdiff1d(current, proposed)
        current = np.where(np.isin(current, lost), current, proposed)
    return current


def grow_hierarchies(components: np.ndarray, seed: int) -> list[Hierarchy]:
    """Hierarchies of the principal components from several k-means seeds."""
    blocks = component_blocks(components)
    return [grow_hierarchy(blocks, components, seed * N_STARTS + n) for n in range(N_STARTS)]


def initial_partition(
    hierarchies: list[Hierarchy],
    features: np.ndarray,
    adjacency: sp.csr_matrix,
    n_clusters: int,
    seed: int,
) -> np.ndarray:
    """Initial clusters, whose means are the first centres and whose sizes the first proportions.

    Every hierarchy is cut and its borders smoothed by votes among graph neighbours; the partition
    with the best silhouette (cosine, on at most 2,000 cells) wins.

    Returns
    -------
    Integers 0 … n_clusters - 1, (n_cells,); exactly ``n_clusters`` occur.
    """
    partitions = [renumbered(vote(h.cut(n_clusters), adjacency, N_VOTES)) for h in hierarchies]
    full = [labels for labels in partitions if labels.max() + 1 == n_clusters]
    if not full:
        return by_kmeans(features, n_clusters, seed)
    if n_clusters == 1 or len(full) == 1:
        return full[0]
    scores = [_silhouette(features, labels, seed) for labels in full]
    return full[int(np.argmax(scores))]


def _silhouette(features: np.ndarray, labels: np.ndarray, seed: int) -> float:
    from sklearn.metrics import silhouette_score

    n_sampled = 2000
    rng = np.random.default_rng(seed)
    cells = rng.permutation(labels.size)[:n_sampled]
    if not 1 < np.unique(labels[cells]).size < cells.size:
        return -1.0
    return float(silhouette_score(features[cells], labels[cells], metric="cosine"))
