"""Block-wise reading of dense HDF5 matrices into sparse ones, and of text from HDF5."""

from __future__ import annotations

import h5py
import numpy as np
from scipy.sparse import csr_matrix, vstack

from scsiameseclu.limits import BLOCK_VALUES


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
    n_cells, n_genes = dataset.shape if cells_in_rows else dataset.shape[::-1]
    step = cells_per_block(n_genes)
    parts = []
    for start in range(0, n_cells, step):
        chosen = slice(start, min(start + step, n_cells))
        block = dataset[chosen] if cells_in_rows else dataset[:, chosen].T
        parts.append(csr_matrix(block.astype("float32")))
    return vstack(parts, format="csr") if parts else csr_matrix((0, n_genes), dtype="float32")


def cells_per_block(n_genes: int) -> int:
    """Number of cells with ``n_genes`` genes that may be dense at once."""
    return max(1, BLOCK_VALUES // max(n_genes, 1))


def strings(dataset: h5py.Dataset) -> np.ndarray:
    """Read a dataset of text or numbers as an array of str objects."""
    return as_strings(dataset[()])


def as_strings(values: np.ndarray) -> np.ndarray:
    """Convert an array to str objects: bytes are decoded, integral floats lose their ``.0``."""
    flat = np.asarray(values).ravel()
    if flat.dtype.kind == "f" and np.isfinite(flat).all() and (flat == np.rint(flat)).all():
        flat = flat.astype(np.int64)
    return np.array(
        [value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
         for value in flat.tolist()],
        dtype=object,
    )  # fmt: skip


def numbered(prefix: str, count: int) -> list[str]:
    """Make ``count`` names of equal length: ``cell_0000``, ``cell_0001``, …"""
    width = len(str(max(count - 1, 0)))
    return [f"{prefix}_{number:0{width}d}" for number in range(count)]
