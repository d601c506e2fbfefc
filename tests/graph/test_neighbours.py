"""The kNN graph of many cells."""

import anndata as ad
import numpy as np
import scipy.sparse as sp

from scsiameseclu.graph.neighbours import build_graph, without_self
from scsiameseclu.settings import GraphSettings


def test_neighbours_above_eight_thousand_cells() -> None:
    rng = np.random.default_rng(1)
    adata = ad.AnnData(sp.csr_matrix((10_000, 2), dtype=np.float32))
    adata.obsm["X_pca"] = rng.normal(size=(10_000, 5)).astype(np.float32)
    build_graph(adata, GraphSettings(), seed=0)
    assert adata.obsp["connectivities"].shape == (10_000, 10_000)
    assert adata.obsp["connectivities"].nnz < 10_000 * 60


def test_cells_are_not_their_own_neighbours() -> None:
    """Row 1 misses the cell itself, so it loses its farthest neighbour."""
    indices = np.array([[0, 3, 2], [3, 0, 2], [1, 2, 3], [2, 1, 3]])
    values = np.array([[0, 2, 5], [1, 9, 3], [2, 0, 7], [4, 6, 0]], dtype=np.float32)
    given = sp.csr_matrix((values.ravel(), indices.ravel(), np.arange(0, 13, 3)), (4, 4))
    found = without_self(given)
    assert found.indices.reshape(4, 2).tolist() == [[3, 2], [3, 2], [1, 3], [2, 1]]
    assert found.data.reshape(4, 2).tolist() == [[2, 5], [1, 3], [2, 7], [4, 6]]
    assert without_self(found) is found
