"""Rows of a sparse matrix: dense as scipy makes them, products as scipy's, blocks as slices."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from scsiameseclu.module.sparse_rows import SparseRows

N_ROWS, N_COLUMNS = 61, 30


@pytest.fixture
def table() -> torch.Tensor:
    """What rows are multiplied with."""
    return torch.from_numpy(np.random.default_rng(1).normal(size=(N_COLUMNS, 8))).float()


@pytest.mark.parametrize("rows", [[3, 4, 60], [0], [7, 0, 60], [5, 2, 5], []])
def test_rows_are_those_of_scipy(matrix: sp.csr_matrix, rows: list[int]) -> None:
    chosen = np.array(rows, dtype=np.int64)
    dense = SparseRows.of(matrix).dense(chosen, torch.from_numpy(chosen))
    np.testing.assert_array_equal(dense.numpy(), matrix[chosen].toarray())


def test_product_is_that_of_scipy(matrix: sp.csr_matrix, table: torch.Tensor) -> None:
    product = SparseRows.of(matrix) @ table
    np.testing.assert_allclose(product.numpy(), matrix @ table.numpy(), atol=1e-5)
    assert not product[[0, 7, N_ROWS - 1]].any()
    turned = SparseRows.of(matrix) @ table.T.contiguous().T  # of any layout
    assert torch.equal(turned, product)


@pytest.mark.parametrize(("first", "last"), [(0, N_ROWS), (0, 1), (5, 40), (60, 61), (7, 7)])
def test_a_block_is_a_slice(
    matrix: sp.csr_matrix, table: torch.Tensor, first: int, last: int
) -> None:
    block = SparseRows.of(matrix).block(first, last)
    assert torch.equal(block @ table, (SparseRows.of(matrix) @ table)[first:last])
    assert block.indptr.size == block.pointers.numel() == last - first + 1
    assert (block.indptr[0], block.indptr[-1]) == (0, block.values.numel())
    rows = np.arange(last - first)
    dense = block.dense(rows, torch.from_numpy(rows))
    np.testing.assert_array_equal(dense.numpy(), matrix[first:last].toarray())


def test_rows_go_to_another_device(matrix: sp.csr_matrix) -> None:
    moved = SparseRows.of(matrix).to(torch.device("meta"))
    assert {part.device.type for part in (moved.pointers, moved.indices, moved.values)} == {"meta"}
    assert isinstance(moved.indptr, np.ndarray)
    assert moved.n_bytes == SparseRows.of(matrix).n_bytes
    assert moved.n_columns == N_COLUMNS
