"""Where clustering starts: micro-clusters merged by average linkage, linear in cells.

k-means with many centres finds small, dense groups of cells; average linkage on the cosine distance
between their means then joins groups of very different sizes, where k-means or a community
detection with the same number of clusters would cut a dominant cell type into pieces.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp

from scsiameseclu.graph import vote

N_MICRO = 200
CELLS_PER_MICRO = 4
N_COMPONENTS = (20, 50)
N_STARTS = 8
N_VOTES = 3


@dataclass(frozen=True)
class Hierarchy:
    """Micro-clusters of cells and the tree that joins them.

    Attributes
    ----------
    micro
        The micro-cluster of each cell, (n_cells,).
    tree
        Linkage matrix over micro-clusters, (n_micro - 1, 4), as scipy writes it.
    """

    micro: np.ndarray
    tree: np.ndarray

    def cut(self, n_clusters: int) -> np.ndarray:
        """The partition into ``n_clusters`` (fewer if there are fewer micro-clusters)."""
        from scipy.cluster.hierarchy import fcluster

        joined = fcluster(self.tree, n_clusters, criterion="maxclust")
        return np.unique(joined[self.micro], return_inverse=True)[1]


def cosine_distances_of_means(features: np.ndarray, micro: np.ndarray) -> np.ndarray:
    """Cosine distances between the micro-clusters' means, (n_micro, n_micro)."""
    n_cells, n_micro = features.shape[0], int(micro.max()) + 1
    member = sp.csr_matrix((np.ones(n_cells), (micro, np.arange(n_cells))), (n_micro, n_cells))
    means = member @ features
    unit = means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    return np.clip(1.0 - unit @ unit.T, 0.0, 2.0)


def component_blocks(components: np.ndarray) -> list[np.ndarray]:
    """The first 20 components, which see the main types, and all 50, which see the rare ones."""
    return [components[:, :n] for n in N_COMPONENTS]


def grow_hierarchy(blocks: Sequence[np.ndarray], features: np.ndarray, seed: int) -> Hierarchy:
    """Micro-clusters by k-means and their average linkage.

    Parameters
    ----------
    blocks
        Centred descriptions of the cells, each (n_cells, n_dimensions). The cosine distances of
        the micro-clusters' means are averaged over blocks.
    features
        What k-means sees, (n_cells, n_dimensions).
    seed
        Of k-means.
    """
    from scipy.cluster.hierarchy import linkage
    from scipy.spatial.distance import squareform
    from sklearn.cluster import MiniBatchKMeans

    n_micro = int(min(N_MICRO, max(2, features.shape[0] // CELLS_PER_MICRO)))
    kmeans = MiniBatchKMeans(n_micro, random_state=seed, n_init=1, batch_size=4096, max_iter=50)
    micro = np.unique(kmeans.fit_predict(features), return_inverse=True)[1]
    distances = np.mean([cosine_distances_of_means(block, micro) for block in blocks], axis=0)
    np.fill_diagonal(distances, 0.0)
    return Hierarchy(micro, linkage(squareform(distances, checks=False), method="average"))


def grow_hierarchies(components: np.ndarray, seed: int) -> list[Hierarchy]:
    """Several hierarchies of the principal components, from different seeds of k-means."""
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
    partitions = [_exactly(vote(h.cut(n_clusters), adjacency, N_VOTES)) for h in hierarchies]
    full = [labels for labels in partitions if labels.max() + 1 == n_clusters]
    if not full:
        return by_kmeans(features, n_clusters, seed)
    if n_clusters == 1 or len(full) == 1:
        return full[0]
    scores = [_silhouette(features, labels, seed) for labels in full]
    return full[int(np.argmax(scores))]


def _exactly(labels: np.ndarray) -> np.ndarray:
    return np.unique(labels, return_inverse=True)[1]


def by_kmeans(features: np.ndarray, n_clusters: int, seed: int) -> np.ndarray:
    """For more clusters than there are micro-clusters to join."""
    from sklearn.cluster import KMeans

    kmeans = KMeans(n_clusters, n_init=3, random_state=seed)
    return _exactly(kmeans.fit_predict(features))


def _silhouette(features: np.ndarray, labels: np.ndarray, seed: int) -> float:
    from sklearn.metrics import silhouette_score

    n_sampled = 2000
    rng = np.random.default_rng(seed)
    cells = rng.permutation(labels.size)[:n_sampled]
    if not 1 < np.unique(labels[cells]).size < cells.size:
        return -1.0
    return float(silhouette_score(features[cells], labels[cells], metric="cosine"))
