"""Compressed sparse matrices in h5ad files, in the layout of anndata."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anndata as ad
import h5py
import numpy as np
import scipy.sparse as sp

from scsiameseclu.store.chunks import (
    CHUNK_VALUES,
    COMPRESSION,
    ArrayWriter,
    is_plain,
    read_array,
    threads,
)

FORMATS = {"csr": sp.csr_matrix, "csc": sp.csc_matrix}
N_JUDGED = 100_000  # stored values of a matrix that tell whether it holds counts


def holds_counts(matrix: Any) -> bool:
    """Whether the first stored values of a sparse matrix are integral."""
    values = matrix.data[:N_JUDGED]
    return bool(np.array_equal(values, np.floor(values)))


def is_compressed(value: Any) -> bool:
    """Whether a value is a CSR or CSC matrix of plain numbers, which :func:`write_sparse` takes."""
    return (
        sp.issparse(value)
        and value.format in FORMATS
        and all(is_plain(part.dtype) for part in (value.data, value.indices, value.indptr))
    )


def write_sparse(
    group: h5py.Group, name: str, blocks: Iterable[Any], *, n_stored: int | None = None
) -> None:
    """Write a matrix that comes in blocks of rows (CSR) or columns (CSC), with gzip.

    Bytes are shuffled for column indices and counts, which become a quarter smaller and a third
    faster to write, but not for log-normalised values, which become larger. Nothing is written if
    there are no blocks. Peak memory is one block and some chunks.

    Parameters
    ----------
    group, name
        Where the matrix is written; what is there is replaced.
    blocks
        Matrices (n_block, n_minor) for which :func:`is_compressed` holds, of one type.
    n_stored
        Number of stored values, if known.
    """
    length = CHUNK_VALUES if n_stored is None else min(CHUNK_VALUES, max(n_stored, 1))
    writers: dict[str, ArrayWriter] = {}
    ends: list[np.ndarray] = []
    n_done = 0
    with ThreadPoolExecutor(threads()) as pool:
        for block in blocks:
            if not writers:
                if name in group:
                    del group[name]
                stored, like = group.create_group(name), block
                shuffled = {"data": holds_counts(block), "indices": True}
                writers = {
                    part: ArrayWriter(
                        stored, part, getattr(block, part).dtype,
                        shuffle=shuffle, length=length, pool=pool,
                    )
                    for part, shuffle in shuffled.items()
                }  # fmt: skip
                ends.append(np.zeros(1, np.int64))
            for part, writer in writers.items():
                writer.append(getattr(block, part))
            ends.append(block.indptr[1:].astype(np.int64) + n_done)
            n_done += block.indices.size
        for writer in writers.values():
            writer.close()
    if not writers:
        return
    starts = np.concatenate(ends)
    kind = like.indptr.dtype if n_done <= np.iinfo(like.indptr.dtype).max else np.int64
    stored.create_dataset("indptr", data=starts.astype(kind), maxshape=(None,), **COMPRESSION)
    n_major = starts.size - 1
    shape = (n_major, like.shape[1]) if like.format == "csr" else (like.shape[0], n_major)
    stored.attrs["encoding-type"] = f"{like.format}_matrix"
    stored.attrs["encoding-version"] = "0.1.0"
    stored.attrs["shape"] = shape


def read_sparse(stored: h5py.Group) -> Any:
    """Read a whole CSR or CSC matrix."""
    shape, form = _declared(stored)
    matrix = FORMATS[form](shape, dtype=stored["data"].dtype)
    matrix.data, matrix.indices = (read_array(stored[part]) for part in ("data", "indices"))
    matrix.indptr = read_array(stored["indptr"])
    if matrix.indptr.dtype != matrix.indices.dtype:  # long matrices that were written in blocks
        matrix.indices = matrix.indices.astype(matrix.indptr.dtype)
    return matrix


def read_rows(stored: h5py.Group, starts: np.ndarray, first: int, last: int) -> sp.csr_matrix:
    """Read consecutive rows of a CSR matrix.

    Parameters
    ----------
    starts
        Where each row starts among the stored values, (n_rows + 1,).
    first, last
        The first row, and the end.
    """
    (_, n_columns), form = _declared(stored)
    if form != "csr":
        raise ValueError(f"{stored.name} is {form}, not csr")
    ends = starts[first : last + 1]
    values, columns = (
        read_array(stored[part], int(ends[0]), int(ends[-1])) for part in ("data", "indices")
    )
    own = (ends - ends[0]).astype(columns.dtype)
    return sp.csr_matrix((values, columns, own), (ends.size - 1, n_columns))


def read_element(read: Any, name: str, element: Any, *, iospec: Any) -> Any:
    """Read an element of an h5ad file: a callback for anndata."""
    if iospec.encoding_type in ("csr_matrix", "csc_matrix") and isinstance(element, h5py.Group):
        return read_sparse(element)
    return read(element)


def read_all(element: h5py.Group | h5py.Dataset) -> Any:
    """Read an element of an h5ad file with all that it holds, or the whole file."""
    return ad.experimental.read_dispatched(element, read_element)


def _declared(stored: h5py.Group) -> tuple[tuple[int, int], str]:
    """The shape of a matrix, and whether it is csr or csc."""
    n_rows, n_columns = (int(number) for number in stored.attrs["shape"])
    return (n_rows, n_columns), str(stored.attrs["encoding-type"]).removesuffix("_matrix")
