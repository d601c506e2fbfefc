"""Block-wise reader for MatrixMarket files.

``scipy.io.mmread`` is faster, but its parser can crash the process (segmentation fault) on a
damaged file, for which this reader raises an exception.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from scsiameseclu.io.loaded import UnsupportedError
from scsiameseclu.limits import BLOCK_VALUES

LAYOUT = ["%%matrixmarket", "matrix", "coordinate"]
NUMBERS = ("integer", "real", "float", "double")
"""Kinds of values; STARsolo writes ``float`` for multi-mapping reads (UniqueAndMult-EM.mtx)."""


def read_mtx(file: Path) -> csr_matrix:
    """Read a sparse numeric matrix, plain or gzipped.

    Returns
    -------
    csr_matrix
        In the file's orientation (10x: genes in rows), float32; repeated entries are summed.

    Raises
    ------
    ValueError
        The file is not a MatrixMarket file, or its number of entries differs from the one in its
        header.
    UnsupportedError
        The matrix is dense, symmetric, or does not consist of numbers.
    """
    with _open(file) as stream:
        shape, expected = _header(stream)
        parts = list(_blocks(stream, shape))
    n_entries = sum(block.size for _, _, block in parts)
    if n_entries != expected:
        raise ValueError(f"it has {n_entries} entries, its header says {expected}")
    if not parts:
        return csr_matrix(shape, dtype="float32")
    rows, columns, values = (np.concatenate(group) for group in zip(*parts, strict=True))
    return csr_matrix((values, (rows, columns)), shape=shape)


def read_shape(file: Path) -> tuple[int, int]:
    """Read the numbers of rows and columns from the header, without allocating anything.

    Raises
    ------
    ValueError
        The file is not a MatrixMarket file.
    UnsupportedError
        The matrix is dense, symmetric, or does not consist of numbers.
    """
    with _open(file) as stream:
        return _header(stream)[0]


def _open(file: Path) -> TextIO:
    return gzip.open(file, "rt") if file.suffix == ".gz" else file.open("rt")


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
