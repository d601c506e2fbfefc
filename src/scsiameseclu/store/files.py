"""The light h5ad sidecars that stages exchange, read and written without holding a matrix."""

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

COMPRESSION: dict[str, Any] = {"compression": "gzip", "compression_opts": 1}
BLOCK_CELLS = 20_000
"""Cells whose values of a matrix on disk are held at once."""


def write_h5ad(
    adata: ad.AnnData,
    path: str | Path,
    *,
    fill: Callable[[h5py.File], None] | None = None,
) -> None:
    """Write ``adata`` atomically, with gzip compression but for dense matrices of floats.

    Of an embedding gzip saves a twelfth, and takes most of the time of writing it.

    Parameters
    ----------
    fill
        Called with the open file to add what ``adata`` lacks, such as :func:`copy_elements`.
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
    """Write one element of an AnnData; what is None is left out.

    anndata 0.12 writes None as an HDF5 null element, which 0.11 and older, and all that is pinned
    to them, refuse to read.
    """
    if value is None:
        return
    if isinstance(value, np.ndarray) and value.ndim == 2 and value.dtype.kind == "f":
        dataset_kwargs = {}
    write(group, name, value, dataset_kwargs=dataset_kwargs)


def copy_elements(source: Path, keys: Sequence[str], file: h5py.File) -> None:
    """Copy elements (``"X"``, ``"layers/counts"``) of another h5ad as they lie on disk."""
    with _opened(source) as given:
        for key in keys:
            if key in file:
                del file[key]
            given.copy(key, file, name=key)


def copy_part(
    source: Path, key: str, rows: np.ndarray, columns: np.ndarray, file: h5py.File, name: str
) -> None:
    """Copy some cells and genes of a sparse matrix of another h5ad, a block of cells at a time.

    Parameters
    ----------
    source, key
        The h5ad, and its CSR matrix (n_cells, n_genes).
    rows, columns
        Masks of the cells and genes to copy.
    file, name
        Where to, and the element to write there.
    """
    with _opened(source) as given:
        for number, block in enumerate(_blocks(given[key], rows, columns)):
            if number == 0:
                ad.io.write_elem(file, name, block, dataset_kwargs=COMPRESSION)
            else:
                ad.io.sparse_dataset(file[name]).append(block)


def read_h5ad(path: str | Path, *, without: Sequence[str] = ()) -> ad.AnnData:
    """Read an h5ad that a stage wrote.

    Parameters
    ----------
    without
        Slots that are not read, such as ``"layers"``: a matrix that a stage does not need would
        double its memory.

    Raises
    ------
    UserError
        The file is missing, truncated, or not an h5ad file.
    """
    with _opened(path) as file:
        if not without:
            return ad.read_h5ad(path)
        parts = {key: ad.io.read_elem(file[key]) for key in file if key not in without}
        return ad.AnnData(**parts)


def read_parts(path: str | Path, keys: Sequence[str]) -> dict[str, Any]:
    """Read single elements of an h5ad file, such as ``"obs"`` or ``"uns/source"``, if it has them.

    Raises
    ------
    UserError
        The file is missing or not an h5ad file.
    """
    with _opened(path) as file:
        return {key: ad.io.read_elem(file[key]) for key in keys if key in file}


def read_columns(
    path: str | Path, key: str, columns: np.ndarray, *, rows: np.ndarray | None = None
) -> sp.csr_matrix:
    """Read some genes of a sparse matrix in an h5ad, a block of cells at a time.

    Parameters
    ----------
    key
        Of a CSR matrix (n_cells, n_genes), such as ``"layers/counts"``.
    columns
        Positions of the genes, or a mask of them.
    rows
        Mask of the cells, (n_cells,); all by default.

    Returns
    -------
    csr_matrix
        (n_rows, n_columns). Memory is that of the result and of one block.

    Raises
    ------
    UserError
        The file is missing or not an h5ad file.
    """
    with _opened(path) as file:
        stored = file[key]
        # As long as all that is stored: pages that nothing is written to take no memory.
        values = np.empty(stored["data"].shape, stored["data"].dtype)
        genes = np.empty(stored["data"].shape, stored["indices"].dtype)
        ends, n_columns = [np.zeros(1, dtype=np.int64)], 0
        for block in _blocks(stored, rows, columns):
            first, n_columns = ends[-1][-1], block.shape[1]
            values[first : first + block.nnz] = block.data
            genes[first : first + block.nnz] = block.indices
            ends.append(first + block.indptr[1:].astype(np.int64))
    indptr = np.concatenate(ends)
    n_stored = indptr[-1]
    shape = (indptr.size - 1, n_columns)
    return sp.csr_matrix((values[:n_stored], genes[:n_stored], indptr), shape)


def read_blocks(path: str | Path, key: str, n_cells: int) -> Iterator[sp.csr_matrix]:
    """Read a CSR matrix of an h5ad so many cells at a time, each (n_cells, n_genes).

    Raises
    ------
    UserError
        The file is missing or not an h5ad file.
    """
    with _opened(path) as file:
        yield from _blocks(file[key], None, slice(None), n_cells)


def _blocks(
    stored: h5py.Group,
    rows: np.ndarray | None,
    columns: np.ndarray | slice,
    n_cells: int | None = None,
) -> Iterator[sp.csr_matrix]:
    """Some cells and genes of a CSR matrix on disk, a block of cells at a time."""
    matrix, step = ad.io.sparse_dataset(stored), n_cells or BLOCK_CELLS
    for first in range(0, matrix.shape[0], step):
        part = slice(first, first + step)
        block = sp.csr_matrix(matrix[part])
        yield (block if rows is None else block[rows[part]])[:, columns]


@contextmanager
def _opened(path: str | Path) -> Iterator[h5py.File]:
    """Open an HDF5 file; what goes wrong in reading it is the user's to mend."""
    source = Path(path)
    if not source.is_file():
        raise UserError(f"the file {source} does not exist; run the stage that writes it first")
    try:
        with h5py.File(source, "r") as file:
            yield file
    except (OSError, KeyError) as error:
        raise UserError(
            f"{source} cannot be read as h5ad ({type(error).__name__}: "
            f"{first_line(error)}); make it again"
        ) from error


def first_line(error: BaseException) -> str:
    """The first line of an exception's message, for use inside a sentence."""
    return (str(error).strip().splitlines() or ["no message"])[0]


def sidecar(
    obs: pd.DataFrame | pd.Index,
    *,
    var: pd.DataFrame | None = None,
    obsm: dict[str, Any] | None = None,
    obsp: dict[str, Any] | None = None,
    uns: dict[str, Any] | None = None,
) -> ad.AnnData:
    """An AnnData without a matrix, keyed by the cells' names.

    Parameters
    ----------
    obs
        A table of cells, or only their names.
    var
        A table of genes; none by default.
    obsm, obsp, uns
        As in AnnData.
    """
    table = pd.DataFrame(index=obs) if isinstance(obs, pd.Index) else obs
    return ad.AnnData(X=None, obs=table, var=var, obsm=obsm, obsp=obsp, uns=uns or {})


def add_warnings(adata: ad.AnnData, sentences: list[str]) -> None:
    """Append sentences for the report to ``adata.uns["warnings"]`` (a list of strings)."""
    known = [str(sentence) for sentence in adata.uns.get("warnings", [])]
    if known + sentences:
        adata.uns["warnings"] = np.array(known + sentences, dtype=object)
