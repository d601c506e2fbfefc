"""Small inputs that the tests of the arithmetic share."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from small_cells import counts, small_cells

from scsiameseclu.module.cells import CellData


@pytest.fixture
def matrix() -> sp.csr_matrix:
    """Counts with empty rows, the first and the last among them."""
    return counts()


@pytest.fixture(scope="session")
def adjacency() -> sp.csr_matrix:
    """A symmetric graph: a hub with many neighbours, and a cell without any."""
    n_cells = 200
    rng = np.random.default_rng(0)
    upper = sp.triu(sp.random(n_cells, n_cells, 0.05, random_state=rng), k=1).tolil()
    upper[0, 1:150] = rng.uniform(0.1, 1, 149)
    graph = sp.csr_matrix(upper + upper.T)
    keep = sp.diags((np.arange(n_cells) < n_cells - 1).astype(float))
    graph = sp.csr_matrix(keep @ graph @ keep)
    graph.eliminate_zeros()
    return graph


@pytest.fixture
def data() -> CellData:
    """Cells with consistent views of a random graph."""
    return small_cells().data
