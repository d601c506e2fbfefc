"""Reading and writing of h5ad files and sidecars, without loading matrices that are not needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import scipy.sparse as sp

from scsiameseclu.errors import UserError
from scsiameseclu.store.atomic import atomic_path
from scsiameseclu.store.chunks import COMPRESSION, read_array
from scsiameseclu.store.sparse import is_compressed, read_all, read_rows, write_sparse

BLOCK_CELLS = 20_000
"""Number of cells of a matrix on disk that are in memory at once."""


def write_h5ad(
    adata: ad.AnnData,
    path: str | Path,
    *,
    fill: Callable[[h5py.File], None] | None = None,
) -> None:
    """Write ``adata`` atomically, with gzip compression except for dense float matrices.

    Gzip makes an embedding only one twelfth smaller but accounts for most of the writing time.

    Parameters
    ----------
    fill
        Function that adds further elements to the open file, such as :func:`copy_elements`.
    """
    with atomic_path(path) as temporary, h5py.File(temporary, "w") as file:
        ad.experimental.write_dispatched(file, "/", adata, _write, dataset_kwargs=COMPRESSION)
        if fill is not None:
            fill(file)


def _write(
    write: Callable[..., None],
    group: h5py.Group,
    name: str,
    value: Any,
    dataset_kwargs: Mapping[str, Any],
    **others: Any,
) -> None:
    """Write one element of an AnnData, unless it is None.

    anndata 0.12 writes None as an HDF5 null element, which anndata 0.11 and older, and the tools
    pinned to them, cannot read.
    """
    if value is None:
        return
    if is_compressed(value):
        write_sparse(group, name, [value], n_stored=value.data.size)
        return
    if isinstance(value, np.ndarray) and value.ndim == 2 and value.dtype.kind == "f":
        dataset_kwargs = {}
    write(group, name, value, dataset_kwargs=dataset_kwargs)


def copy_elements(source: Path, keys: Sequence[str], file: h5py.File) -> None:
    """Copy elements (``"X"``, ``"layers/counts"``) from another h5ad file without decoding them."""
    with _opened(source) as original:
        for key in keys:
            if key in file:
                del file[key]
            original.copy(key, file, name=key)


def copy_part(
    source: Path, key: str, rows: np.ndarray, columns: np.ndarray, file: h5py.File, name: str
) -> None:
    """Copy cells and genes of a sparse matrix from another h5ad file, block by block.

    Parameters
    ----------
    source, key
        The h5ad file, and its CSR matrix (n_cells, n_genes).
    rows, columns
        Masks of the cells and genes to copy.
    file, name
        The target file and element.
    """
    with _opened(source) as original:
        if rows.all() and columns.all():
            original.copy(key, file, name=name)
        else:
            write_sparse(file, name, _blocks(original[key], rows, columns))


def read_h5ad(path: str | Path, *, without: Sequence[str] = ()) -> ad.AnnData:
    """Read an h5ad file written by a stage.

    Parameters
    ----------
    without
        Slots to skip, such as ``"layers"``, to save memory.

    Raises
    ------
    UserError
        The file is missing, truncated, or not an h5ad file.
    """
    with _opened(path) as file:
        if not without:
            return read_all(file)
        parts = {key: read_all(file[key]) for key in file if key not in without}
        return ad.AnnData(**parts)


def read_parts(path: str | Path, keys: Sequence[str]) -> dict[str, Any]:
    """Read elements of an h5ad file, such as ``"obs"`` or ``"uns/source"``; skip missing ones.

    Raises
    ------
    UserError
        The file is missing or not an h5ad file.
    """
    with _opened(path) as file:
        return {key: read_all(file[key]) for key in keys if key in file}


def present(path: str | Path, key: str) -> bool:
    """Whether an h5ad file has an element such as ``"obsm/X_pca"``."""
    with _opened(path) as file:
        return key in file


def read_columns(
    path: str | Path, key: str, columns: np.ndarray, *, rows: np.ndarray | None = None
) -> sp.csr_matrix:
    """Read genes of a sparse matrix in an h5ad file, block by block.

    Parameters
    ----------
    key
        Key of a CSR matrix (n_cells, n_genes), such as ``"layers/counts"``.
    columns
        Positions or mask of the genes.
    rows
        Mask of the cells, (n_cells,); all by default.

    Returns
    -------
    csr_matrix
        (n_rows, n_columns). Peak memory is the size of the result and one block.

    Raises
    ------
    UserError
        The file is missing or not an h5ad file.
    """
    with _opened(path) as file:
        stored = file[key]
        # As long as the stored matrix: pages that are never written to take no memory.
        values = np.empty(stored["data"].shape, stored["data"].dtype)
        genes = np.empty(stored["data"].shape, stored["indices"].dtype)
        ends, n_columns, first = [np.zeros(1, dtype=np.int64)], 0, 0
        for block in _blocks(stored, rows, columns):
            n_columns = block.shape[1]
            values[first : first + block.nnz] = block.data
            genes[first : first + block.nnz] = block.indices
            ends.append(first + block.indptr[1:].astype(np.int64))
            first += block.nnz
    indptr = np.concatenate(ends)
    shape = (indptr.size - 1, n_columns)
    return sp.csr_matrix((values[:first], genes[:first], indptr), shape)


def read_blocks(path: str | Path, key: str, n_cells: int) -> Iterator[sp.csr_matrix]:
    """Read a CSR matrix of an h5ad file in blocks of shape (n_cells, n_genes).

    Raises
    ------
    UserError
        The file is missing or not an h5ad file.
    """
    with _opened(path) as file:
        yield from _blocks(file[key], None, None, n_cells)


def _blocks(
    stored: h5py.Group,
    rows: np.ndarray | None,
    columns: np.ndarray | None,
    n_cells: int | None = None,
) -> Iterator[sp.csr_matrix]:
    """Cells and genes of a CSR matrix on disk, block by block."""
    starts, step = read_array(stored["indptr"]), n_cells or BLOCK_CELLS
    for first in range(0, starts.size - 1, step):
        block = read_rows(stored, starts, first, first + step)
        if rows is not None and not (chosen := rows[first : first + step]).all():
            block = block[chosen]
        yield block if _are_all(columns, block.shape[1]) else block[:, columns]


def _are_all(columns: np.ndarray | None, n_columns: int) -> bool:
    """Whether positions or a mask choose all columns in their order."""
    if columns is None:
        return True
    positions = np.flatnonzero(columns) if columns.dtype == bool else columns
    return np.array_equal(positions, np.arange(n_columns))


@contextmanager
def _opened(path: str | Path) -> Iterator[h5py.File]:
    """Open an HDF5 file; failures to read it become user errors."""
    source = Path(path)
    if not source.is_file():
        raise UserError(f"file {source} does not exist; run the stage that writes it first")
    try:
        with h5py.File(source, "r") as file:
            yield file
    except (OSError, KeyError) as error:
        raise UserError(
            f"file {source} cannot be read as h5ad ({type(error).__name__}: "
            f"{first_line(error)}); recreate it"
        ) from error


def first_line(error: BaseException) -> str:
    """The first line of an exception's message, for use inside another message."""
    return (str(error).strip().splitlines() or ["no message"])[0]


def sidecar(
    obs: pd.DataFrame | pd.Index,
    *,
    var: pd.DataFrame | None = None,
    obsm: dict[str, Any] | None = None,
    obsp: dict[str, Any] | None = None,
    varm: dict[str, Any] | None = None,
    uns: dict[str, Any] | None = None,
) -> ad.AnnData:
    """Make an AnnData without a matrix.

    Parameters
    ----------
    obs
        Cell metadata, or cell names only.
    var
        Gene metadata; none by default.
    obsm, obsp, varm, uns
        As in AnnData.
    """
    table = pd.DataFrame(index=obs) if isinstance(obs, pd.Index) else obs
    slots = {"obsm": obsm, "obsp": obsp, "varm": varm, "uns": uns or {}}
    return ad.AnnData(X=None, obs=table, var=var, **slots)


def add_warnings(adata: ad.AnnData, messages: list[str]) -> None:
    """Append messages for the report to ``adata.uns["warnings"]`` (an array of strings)."""
    existing = [str(message) for message in adata.uns.get("warnings", [])]
    if existing + messages:
        adata.uns["warnings"] = np.array(existing + messages, dtype=object)
