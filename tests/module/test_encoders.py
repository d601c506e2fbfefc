"""Encoders take genes dense or sparse, and components that were propagated beforehand."""

import scipy.sparse as sp
import torch

from scsiameseclu.module.encoders import ExpressionEncoder, GraphEncoder
from scsiameseclu.module.sparse_rows import SparseRows


def test_genes_come_dense_or_sparse(matrix: sp.csr_matrix) -> None:
    encoder = ExpressionEncoder(matrix.shape[1], 16, 4)
    with torch.no_grad():
        dense = encoder(torch.from_numpy(matrix.toarray()))
        sparse = encoder(SparseRows.of(matrix))
    assert dense.shape == (matrix.shape[0], 4)
    torch.testing.assert_close(sparse, dense, atol=1e-5, rtol=1e-5)


def test_a_cell_is_encoded_without_its_company() -> None:
    encoder = GraphEncoder(5, 16, 4)
    cells = torch.randn(9, 5, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(encoder(cells)[3:4], encoder(cells[3:4]))
