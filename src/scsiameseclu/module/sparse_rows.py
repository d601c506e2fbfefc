"""Rows of a sparse matrix on any device: made dense, or multiplied by a dense matrix.

A row times a dense matrix is a weighted sum of that matrix's rows, torch's ``embedding_bag``: on
a CPU this is several times as fast as making the rows dense first, or as scipy's product.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor
from torch.nn.functional import embedding_bag


@dataclass(frozen=True)
class SparseRows:
    """A CSR matrix.

    Attributes
    ----------
    indptr
        (n_rows + 1,), always in the machine's memory, so that sizes are known without waiting for
        the device.
    pointers
        The same on the device.
    indices, values
        int32 and float32, (n_stored,).
    n_columns
        Number of columns.
    """

    indptr: np.ndarray
    pointers: Tensor
    indices: Tensor
    values: Tensor
    n_columns: int

    @classmethod
    def of(cls, matrix: sp.csr_matrix) -> SparseRows:
        """From a CSR matrix, without a copy where types allow."""
        indptr = matrix.indptr.astype(np.int64)
        return cls(
            indptr,
            torch.from_numpy(indptr),
            torch.from_numpy(matrix.indices.astype(np.int32, copy=False)),
            torch.from_numpy(matrix.data.astype(np.float32, copy=False)),
            matrix.shape[1],
        )

    @property
    def n_bytes(self) -> int:
        """Memory on a device."""
        return sum(part.nbytes for part in (self.pointers, self.indices, self.values))

    def to(self, device: torch.device) -> SparseRows:
        """On another device."""
        return replace(
            self,
            pointers=self.pointers.to(device),
            indices=self.indices.to(device),
            values=self.values.to(device),
        )

    def block(self, first: int, last: int) -> SparseRows:
        """The rows from ``first`` on, before ``last``; a view of the same values."""
        begin, end = self.indptr[first], self.indptr[last]
        return replace(
            self,
            indptr=self.indptr[first : last + 1] - begin,
            pointers=self.pointers[first : last + 1] - begin,
            indices=self.indices[begin:end],
            values=self.values[begin:end],
        )

    def dense(self, rows: np.ndarray, on_device: Tensor) -> Tensor:
        """Some rows, (n_rows, n_columns); ``rows`` are given in memory and on the device."""
        n_stored = int((self.indptr[rows + 1] - self.indptr[rows]).sum())
        device = self.values.device
        out = torch.zeros(len(rows) * self.n_columns, device=device)
        starts = self.pointers[on_device]
        lengths = self.pointers[on_device + 1] - starts
        row = torch.arange(len(rows), device=device).repeat_interleave(
            lengths, output_size=n_stored
        )
        before = lengths.cumsum(0) - lengths
        place = torch.arange(n_stored, device=device) + (starts - before)[row]
        out[row * self.n_columns + self.indices[place]] = self.values[place]
        return out.view(len(rows), self.n_columns)

    def __matmul__(self, table: Tensor) -> Tensor:
        """The product with a dense matrix (n_columns, n), as (n_rows, n); not for gradients."""
        indices, pointers = self.indices, self.pointers
        if self.indptr[-1] <= np.iinfo(np.int32).max:  # both must be of one type
            pointers = pointers.int()
        else:
            indices = indices.long()
        product: Tensor = embedding_bag(
            indices,
            table.contiguous(),
            pointers,
            mode="sum",
            per_sample_weights=self.values,
            include_last_offset=True,
        )
        return product
