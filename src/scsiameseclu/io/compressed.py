"""Compressed sparse matrices of HDF5 files and zarr folders, checked before they are converted.

Compiled code for sparse matrices trusts its input: an index outside the matrix, or a row that ends
before it starts, can end the process or give other counts.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from scipy.sparse import csc_matrix, csr_matrix

from scsiameseclu.io.blocks import check_stored
from scsiameseclu.limits import BLOCK_VALUES
from scsiameseclu.store.chunks import read_array

Layout = Literal["csr", "csc"]
PARTS = ("data", "indices", "indptr")


def read_compressed(
    group: Any, shape: tuple[int, int], layout: Layout = "csr"
) -> tuple[csr_matrix, int]:
    """Read a matrix of which ``data``, ``indices`` and ``indptr`` are stored.

    Parameters
    ----------
    group
        A group of HDF5 or zarr.
    shape
        (n_rows, n_columns), as declared.
    layout
        Whether rows (csr) or columns (csc) are compressed.

    Returns
    -------
    matrix : csr_matrix
        float32, (n_rows, n_columns), with sorted indices; repeated entries are added.
    n_repeated : int
        Number of entries that repeat a place of the matrix.

    Raises
    ------
    ValueError
        The parts contradict each other or the shape, or more values are declared than stored.
    """
    check_compressed(group, shape, layout)
    data, indices, starts = (read_array(group[name]) for name in PARTS)
    return to_csr(data, indices, starts, shape, layout)


def check_compressed(group: Any, shape: tuple[int, int], layout: Layout = "csr") -> None:
    """Check the sizes and types of the parts against a shape, before they are read.

    Raises
    ------
    ValueError
        They contradict each other, or more values are declared than stored.
    """
    parts = {name: group[name] for name in PARTS}
    for name, part in parts.items():
        if hasattr(part, "keys") or part.size is None or len(part.shape) != 1:
            raise ValueError(f"{name} is not an array of one dimension")
        check_stored(part)
        kinds = "biuf" if name == "data" else "iu"
        if part.dtype.kind not in kinds:
            raise ValueError(f"{name} has the type {part.dtype}")
    if min(shape) < 0 or max(shape) > np.iinfo(np.int32).max:
        raise ValueError(f"its shape {shape[0]} x {shape[1]} is not possible")
    n_major = shape[0] if layout == "csr" else shape[1]
    if parts["indptr"].size != n_major + 1:
        raise ValueError(f"indptr has {parts['indptr'].size} entries instead of {n_major + 1}")
    if parts["data"].size != parts["indices"].size:
        raise ValueError(f"it has {parts['data'].size} values, but {parts['indices'].size} indices")


def to_csr(
    data: np.ndarray,
    indices: np.ndarray,
    starts: np.ndarray,
    shape: tuple[int, int],
    layout: Layout = "csr",
) -> tuple[csr_matrix, int]:
    """As :func:`read_compressed`, from arrays."""
    n_minor = shape[1] if layout == "csr" else shape[0]
    _check_starts(starts, data.size)
    for first in range(0, indices.size, BLOCK_VALUES):
        block = indices[first : first + BLOCK_VALUES]
        outside = block[(block < 0) | (block >= n_minor)]
        if outside.size:
            raise ValueError(f"an index is {outside[0]}, but there are {n_minor} places")
    kind = csr_matrix if layout == "csr" else csc_matrix
    pointers = starts.astype(np.int64) if data.size > np.iinfo(np.int32).max else starts
    matrix = kind((data.astype(np.float32, copy=False), indices, pointers), shape=shape)
    matrix = csr_matrix(matrix.tocsr())
    matrix.sum_duplicates()
    return matrix, int(data.size - matrix.nnz)


def _check_starts(starts: np.ndarray, n_values: int) -> None:
    """Check that rows (or columns) begin where the one before ends, and cover all values."""
    falls = np.flatnonzero(starts[1:] < starts[:-1])
    if falls.size:
        place = int(falls[0])
        raise ValueError(f"indptr falls from {starts[place]} to {starts[place + 1]} at {place + 1}")
    if starts[0] != 0 or starts[-1] != n_values:
        raise ValueError(
            f"indptr runs from {starts[0]} to {starts[-1]}, but {n_values} values are stored"
        )
