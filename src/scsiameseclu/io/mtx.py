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

from scsiameseclu.limits import BLOCK_VALUES

LAYOUT = ["%%matrixmarket", "matrix", "coordinate"]


def read_mtx(file: Path) -> csr_matrix:
    """Read a sparse numeric matrix, plain or gzipped.

    Returns
    -------
    csr_matrix
        In the file's orientation (10x: genes in rows), float32; repeated entries are summed.

    Raises
    ------
    ValueError
        The file is not a sparse numeric MatrixMarket file, or its number of entries differs from
        the one in its header.
    """
    with gzip.open(file, "rt") if file.suffix == ".gz" else file.open("rt") as stream:
        shape, expected = _header(stream)
        parts = list(_blocks(stream, shape))
    n_entries = sum(block.size for _, _, block in parts)
    if n_entries != expected:
        raise ValueError(f"it has {n_entries} entries, its header says {expected}")
    if not parts:
        return csr_matrix(shape, dtype="float32")
    rows, columns, values = (np.concatenate(group) for group in zip(*parts, strict=True))
    return csr_matrix((values, (rows, columns)), shape=shape)


def _header(stream: TextIO) -> tuple[tuple[int, int], int]:
    """Read the shape and the number of entries."""
    kind = stream.readline().lower().split()
    if kind[:3] != LAYOUT or kind[3:] not in (["integer", "general"], ["real", "general"]):
        raise ValueError(f"its first line is {' '.join(kind)[:60]!r}, not MatrixMarket coordinate")
    line = stream.readline()
    while line.startswith("%") or (line and not line.strip()):
        line = stream.readline()
    n_rows, n_columns, n_entries = (int(number) for number in line.split())
    return (n_rows, n_columns), n_entries


def _blocks(stream: TextIO, shape: tuple[int, int]) -> Iterator[tuple]:
    """Row and column indices (zero-based) and values, block by block."""
    kinds = {"row": "int32", "column": "int32", "value": "float32"}
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
        rows, columns = chunk["row"].to_numpy() - 1, chunk["column"].to_numpy() - 1
        for numbers, length in ((rows, shape[0]), (columns, shape[1])):
            if numbers.size and not (numbers.min() >= 0 and numbers.max() < length):
                raise ValueError(f"an entry is outside the {shape[0]} x {shape[1]} matrix")
        yield rows, columns, chunk["value"].to_numpy()
