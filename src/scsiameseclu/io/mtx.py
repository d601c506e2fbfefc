"""Block-wise reader for MatrixMarket files.

``scipy.io.mmread`` is faster, but its parser can crash the process (segmentation fault) on a
damaged file, for which this reader raises an exception.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from scsiameseclu.io.bounded import open_bounded
from scsiameseclu.io.loaded import LIMITS, UnsupportedError
from scsiameseclu.limits import BLOCK_VALUES
from scsiameseclu.run_settings import LimitSettings

LAYOUT = ["%%matrixmarket", "matrix", "coordinate"]
NUMBERS = ("integer", "real", "float", "double")
"""Kinds of values; STARsolo writes ``float`` for multi-mapping reads (UniqueAndMult-EM.mtx)."""


MIN_ENTRY_BYTES, MAX_DEFLATE = 6, 1100
"""Bytes of the shortest entry (``1 1 1`` and a line break), and an upper bound of the ratio of
gzip."""


def read_mtx(file: Path, limits: LimitSettings = LIMITS) -> tuple[csr_matrix, int]:
    """Read a sparse numeric matrix, plain or gzipped.

    Returns
    -------
    matrix : csr_matrix
        In the file's orientation (10x: genes in rows), float32; repeated entries are summed.
    n_repeated : int
        Number of entries that repeat a place of the matrix.

    Raises
    ------
    ValueError
        The file is not a MatrixMarket file, or its number of entries differs from the one in its
        header.
    UnsupportedError
        The matrix is dense, symmetric, or does not consist of numbers.
    """
    parts, n_entries = [], 0
    with open_bounded(file, limits) as stream:
        shape, expected = _header(stream)
        if max(shape) > np.iinfo(np.int32).max:
            raise ValueError(f"its shape {shape[0]} x {shape[1]} is not possible")
        for part in _blocks(stream, shape):
            parts.append(part)
            n_entries += part[-1].size
            if n_entries > expected:
                break
    if n_entries != expected:
        more = " or more" if n_entries > expected else ""
        raise ValueError(f"it has {n_entries} entries{more}, its header says {expected}")
    if not parts:
        return csr_matrix(shape, dtype="float32"), 0
    rows, columns, values = (np.concatenate(group) for group in zip(*parts, strict=True))
    matrix = csr_matrix((values, (rows, columns)), shape=shape)
    return matrix, n_entries - matrix.nnz


def read_header(file: Path, limits: LimitSettings = LIMITS) -> tuple[tuple[int, int], int]:
    """Read the shape and the number of entries from the header, without allocating anything.

    Raises
    ------
    ValueError
        The file is not a MatrixMarket file, or is too small for its entries.
    UnsupportedError
        The matrix is dense, symmetric, or does not consist of numbers.
    """
    with open_bounded(file, limits) as stream:
        shape, n_entries = _header(stream)
    most = file.stat().st_size * (MAX_DEFLATE if file.suffix == ".gz" else 1) // MIN_ENTRY_BYTES
    if n_entries > most + 1:  # the last line may have no end
        raise ValueError(f"its header declares {n_entries} entries, which the file cannot hold")
    return shape, n_entries


def _header(stream: TextIO) -> tuple[tuple[int, int], int]:
    """Read the shape and the number of entries."""
    kind = stream.readline().lower().split()
    if kind[:2] == LAYOUT[:2] and len(kind) == 5 and not _is_supported(kind):
        raise UnsupportedError(
            f"contains a MatrixMarket matrix of the kind {' '.join(kind[2:])}; write the counts as "
            "a sparse matrix (coordinate integer general)"
        )
    if not _is_supported(kind):
        raise ValueError(f"its first line is {' '.join(kind)[:60]!r}, not MatrixMarket coordinate")
    line = stream.readline()
    while line.startswith("%") or (line and not line.strip()):
        line = stream.readline()
    n_rows, n_columns, n_entries = (int(number) for number in line.split())
    if min(n_rows, n_columns, n_entries) < 0 or n_entries > n_rows * n_columns:
        raise ValueError(f"its header declares {n_entries} entries of {n_rows} x {n_columns}")
    return (n_rows, n_columns), n_entries


def _is_supported(kind: list[str]) -> bool:
    """Whether the words of the first line are those of a sparse matrix of numbers."""
    return kind[:3] == LAYOUT and kind[4:] == ["general"] and kind[3] in NUMBERS


def _blocks(stream: TextIO, shape: tuple[int, int]) -> Iterator[tuple]:
    """Row and column indices (zero-based) and values, block by block."""
    kinds = {"row": "int64", "column": "int64", "value": "float32"}
    try:
        chunks = pd.read_csv(
            stream,
            sep=r"\s+",
            header=None,
            names=list(kinds),
            index_col=False,
            dtype=kinds,
            chunksize=BLOCK_VALUES // 4,
        )
    except pd.errors.EmptyDataError:
        return
    for chunk in chunks:
        indices = []
        for name, length in zip(("row", "column"), shape, strict=True):
            numbers = chunk[name].to_numpy()
            wrong = numbers[(numbers < 1) | (numbers > length)]
            if wrong.size:
                raise ValueError(
                    f"an entry is in {name} {wrong[0]}, outside the {shape[0]} x {shape[1]} matrix"
                )
            indices.append((numbers - 1).astype("int32"))
        yield *indices, chunk["value"].to_numpy()
