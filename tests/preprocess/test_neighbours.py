"""The kNN graph of many cells."""

import anndata as ad
import numpy as np
import scipy.sparse as sp

from scsiameseclu.preprocess.neighbours import (
    build_graph,
)
from scsiameseclu.settings import GraphSettings


def test_neighbours_above_eight_thousand_cells() -> None:
    rng = np.random.default_rng(1)
    adata = ad.AnnData(sp.csr_matrix((10_000, 2), dtype=np.float32))
    adata.obsm["X_pca"] = rng.normal(size=(10_000, 5)).astype(np.float32)
    build_graph(adata, GraphSettings(), seed=0)
    assert adata.obsp["connectivities"].shape == (10_000, 10_000)
    assert adata.obsp["connectivities"].nnz < 10_000 * 60
