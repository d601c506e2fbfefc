"""MatrixMarket files of counts, read in blocks.

``scipy.io.mmread`` is faster, but its parser can end the whole process (segmentation fault) on a
damaged file, where a user needs a sentence.
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
    """Read a sparse matrix of numbers, plain or gzipped.

    Returns
    -------
    csr_matrix
        As it stands in the file (10x: genes in rows), float32; repeated entries are summed.

    Raises
    ------
    ValueError
        The file is no sparse MatrixMarket file of numbers, or has not the entries its head names.
    """
    with gzip.open(file, "rt") if file.suffix == ".gz" else file.open("rt") as stream:
        shape, expected = _head(stream)
        parts = list(_blocks(stream, shape))
    found = sum(block.size for _, _, block in parts)
    if found != expected:
        raise ValueError(f"it has {found} entries where its head names {expected}")
    if not parts:
        return csr_matrix(shape, dtype="float32")
    rows, columns, values = (np.concatenate(group) for group in zip(*parts, strict=True))
    return csr_matrix((values, (rows, columns)), shape=shape)


def _head(stream: TextIO) -> tuple[tuple[int, int], int]:
    """The shape and the number of entries."""
    kind = stream.readline().lower().split()
    if kind[:3] != LAYOUT or kind[3:] not in (["integer", "general"], ["real", "general"]):
        raise ValueError(f"its first line is {' '.join(kind)[:60]!r}, not MatrixMarket coordinate")
    line = stream.readline()
    while line.startswith("%") or (line and not line.strip()):
        line = stream.readline()
    n_rows, n_columns, n_entries = (int(number) for number in line.split())
    return (n_rows, n_columns), n_entries


def _blocks(stream: TextIO, shape: tuple[int, int]) -> Iterator[tuple]:
    """Rows and columns (from 0) and values, a block at a time."""
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
                raise ValueError(f"an entry lies outside its {shape[0]} x {shape[1]} matrix")
        yield rows, columns, chunk["value"].to_numpy()
