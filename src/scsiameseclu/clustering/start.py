"""Where clustering starts: micro-clusters merged by average linkage, linear in cells.

k-means with many centres finds small, dense groups of cells; average linkage on the cosine distance
between their means then joins groups of very different sizes, where k-means or a community
detection with the same number of clusters would cut a dominant cell type into pieces.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from sklearn.cluster import KMeans, MiniBatchKMeans

N_MICRO = 200
CELLS_PER_MICRO = 4
N_COMPONENTS = (20, 50)


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
    n_micro = int(min(N_MICRO, max(2, features.shape[0] // CELLS_PER_MICRO)))
    kmeans = MiniBatchKMeans(n_micro, random_state=seed, n_init=1, batch_size=4096, max_iter=50)
    micro = np.unique(kmeans.fit_predict(features), return_inverse=True)[1]
    distances = np.mean([cosine_distances_of_means(block, micro) for block in blocks], axis=0)
    return Hierarchy(micro, linkage(squareform(distances, checks=False), method="average"))


def renumbered(labels: np.ndarray) -> np.ndarray:
    return np.unique(labels, return_inverse=True)[1]


def by_kmeans(features: np.ndarray, n_clusters: int, seed: int) -> np.ndarray:
    """For more clusters than there are micro-clusters to join."""
    kmeans = KMeans(n_clusters, n_init=3, random_state=seed)
    return renumbered(kmeans.fit_predict(features))
