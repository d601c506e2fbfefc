"""Block-wise reading of dense HDF5 matrices into sparse ones, and of text from HDF5."""

from __future__ import annotations

from typing import Any

import h5py
import numpy as np
from scipy.sparse import csr_matrix, vstack

from scsiameseclu.limits import BLOCK_VALUES

MAX_COMPRESSION = 2000
"""Upper bound for the ratio of deflate, which is about 1030."""
MAX_LENGTH = 100_000_000
"""Maximum number of cells or genes of a dense matrix, of which one line is read at once."""
SMALL_BYTES = 1 << 26
"""Size below which a dataset is read even if it is not stored (64 MB)."""


def dense_to_csr(dataset: h5py.Dataset, *, cells_in_rows: bool) -> csr_matrix:
    """Read a dense dataset as a sparse matrix, one block of cells at a time.

    Parameters
    ----------
    dataset
        (n_cells, n_genes), or (n_genes, n_cells) when ``cells_in_rows`` is false.

    Returns
    -------
    csr_matrix
        (n_cells, n_genes), float32.

    Raises
    ------
    ValueError
        The dataset does not have two dimensions.
    """
    if dataset.ndim != 2:
        raise ValueError(f"{dataset.name} has {dataset.ndim} dimensions, not 2")
    check_dense(dataset)
    n_cells, n_genes = dataset.shape if cells_in_rows else dataset.shape[::-1]
    step = cells_per_block(n_genes)
    parts = []
    for start in range(0, n_cells, step):
        chosen = slice(start, min(start + step, n_cells))
        block = dataset[chosen] if cells_in_rows else dataset[:, chosen].T
        parts.append(csr_matrix(block.astype("float32")))
    return vstack(parts, format="csr") if parts else csr_matrix((0, n_genes), dtype="float32")


def column_sums(matrix: csr_matrix) -> tuple[np.ndarray, np.ndarray]:
    """Number and sum of the stored values of each column, each (n_columns,).

    ``np.bincount`` and scipy's sums convert all values and indices to eight bytes; here, a block.
    """
    n_columns = matrix.shape[1]
    number, total = np.zeros(n_columns, dtype=np.int64), np.zeros(n_columns)
    for first in range(0, matrix.nnz, BLOCK_VALUES):
        part = slice(first, first + BLOCK_VALUES)
        number += np.bincount(matrix.indices[part], minlength=n_columns)
        total += np.bincount(matrix.indices[part], matrix.data[part], minlength=n_columns)
    return number, total


def check_dense(dataset: h5py.Dataset) -> None:
    """Check the size of a dense matrix before parts of it are read.

    Raises
    ------
    ValueError
        It declares more values than are stored, or more genes than any organism has.
    """
    check_stored(dataset)
    if max(dataset.shape) > MAX_LENGTH:
        raise ValueError(f"{dataset.name} has shape {dataset.shape}")


def check_stored(dataset: Any) -> None:
    """Raise if an array of HDF5 or zarr declares far more values than the file can hold.

    Raises
    ------
    ValueError
        The array is larger than its stored bytes can be after decompression.
    """
    size = getattr(dataset, "size", None)
    if size is None or hasattr(dataset, "keys"):
        return
    declared = size * dataset.dtype.itemsize
    if declared < SMALL_BYTES:
        return
    stored = _stored_bytes(dataset)
    if declared > MAX_COMPRESSION * max(stored, 1):
        raise ValueError(f"{dataset.name} declares {size} values, but {stored} bytes are stored")


def _stored_bytes(dataset: Any) -> int:
    """Bytes of an array in its file or folder."""
    if isinstance(dataset, h5py.Dataset):
        return int(dataset.id.get_storage_size())
    stored = dataset.nbytes_stored  # a method since zarr 3
    return int(stored() if callable(stored) else stored)


def cells_per_block(n_genes: int) -> int:
    """Number of cells with ``n_genes`` genes that may be dense at once."""
    return max(1, BLOCK_VALUES // max(n_genes, 1))


def strings(dataset: h5py.Dataset) -> np.ndarray:
    """Read a dataset of text or numbers as an array of str objects."""
    return as_strings(dataset[()])


def as_strings(values: np.ndarray) -> np.ndarray:
    """Convert an array to str objects: bytes are decoded, integral floats lose their ``.0``."""
    flat = np.asarray(values).ravel()
    if flat.dtype.kind == "f" and _are_integral(flat):
        flat = np.array([value if np.isnan(value) else int(value) for value in flat], dtype=object)
    return np.array(
        [value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
         for value in flat.tolist()],
        dtype=object,
    )  # fmt: skip


def _are_integral(values: np.ndarray) -> bool:
    present = values[~np.isnan(values)]
    return bool(np.isfinite(present).all() and (present == np.rint(present)).all())


def numbered(prefix: str, count: int) -> list[str]:
    """Make ``count`` names of equal length: ``cell_0000``, ``cell_0001``, …"""
    width = len(str(max(count - 1, 0)))
    return [f"{prefix}_{number:0{width}d}" for number in range(count)]
