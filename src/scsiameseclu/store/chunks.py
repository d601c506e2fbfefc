"""Arrays in HDF5, compressed and decompressed by several threads.

HDF5 applies its filters to one chunk after another, with zlib. Here whole chunks are passed between
the file and ISA-L, which writes and reads the same format several times faster
(``benchmarks/results/compression.csv``), so every program reads the files. What is stored in
another way is left to h5py.
"""

from __future__ import annotations

from collections import deque
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import h5py
import numpy as np
from isal import isal_zlib

from scsiameseclu.store.provenance import threads_in_use

COMPRESSION: dict[str, Any] = {"compression": "gzip", "compression_opts": 1}
CHUNK_VALUES = 1 << 16
"""Number of values of a chunk: parts of an array are read in whole chunks."""
LEVEL = 2
"""Level of ISA-L, whose sizes are those of zlib at level 1."""
MAX_CHUNK_BYTES = 1 << 24
"""Size above which a chunk is left to h5py: each thread holds one."""
TASK_BYTES = 1 << 20
"""Size of consecutive chunks that a thread reads at a time."""
LEVELS = [(level,) for level in range(10)]
"""Parameters of HDF5's gzip filter."""
FAILURES: Any = (OSError, RuntimeError, ValueError, MemoryError, isal_zlib.error)
"""Errors at a chunk that is not stored or damaged."""
MAX_THREADS = 8
MAX_PENDING = 2 * MAX_THREADS
"""Number of chunks of an array that are compressed ahead of writing."""


def threads() -> int:
    """Number of threads for the chunks of an array."""
    return min(threads_in_use(), MAX_THREADS)


def read_array(dataset: Any, start: int = 0, stop: int | None = None) -> np.ndarray:
    """Read values of an array of one dimension, as ``dataset[start:stop]`` does.

    Parameters
    ----------
    dataset
        A dataset of HDF5 or array of zarr, (n_values,).
    start, stop
        Positions of the first value and of the end, not negative; all values by default.

    Raises
    ------
    OSError
        The file is damaged.
    """
    stop = dataset.shape[0] if stop is None else min(stop, dataset.shape[0])
    if not is_direct(dataset):
        values: np.ndarray = dataset[start:stop]
        return values
    values = np.empty(max(stop - start, 0), dataset.dtype)
    length = dataset.chunks[0]
    per_task = length * max(1, TASK_BYTES // (length * dataset.dtype.itemsize))
    tasks = range(start - start % length, stop, per_task)

    def fill(task: int) -> None:
        for chunk in range(task, min(task + per_task, stop), length):
            first, last = max(chunk, start), min(chunk + length, stop)
            _read_chunk(dataset, chunk, first, values[first - start : last - start])

    if min(len(tasks), threads()) < 2:
        for task in tasks:
            fill(task)
        return values
    with ThreadPoolExecutor(threads()) as pool:
        for _ in pool.map(fill, tasks):
            pass
    return values


def is_direct(dataset: Any) -> bool:
    """Whether an array consists of small chunks of numbers with gzip, shuffled or not."""
    if not isinstance(dataset, h5py.Dataset) or dataset.ndim != 1 or dataset.chunks is None:
        return False
    kind = dataset.dtype
    # types of HDF5 that numpy lacks, such as integers of 12 bits, are converted by h5py
    if not is_plain(kind) or dataset.id.get_type() != h5py.h5t.py_create(kind):
        return False
    layout = dataset.id.get_create_plist()
    filters = [layout.get_filter(number) for number in range(layout.get_nfilters())]
    codes = [code for code, *_ in filters]
    shuffled = codes[:1] == [h5py.h5z.FILTER_SHUFFLE]
    if codes[shuffled:] != [h5py.h5z.FILTER_DEFLATE]:
        return False
    if shuffled and filters[0][2] != (kind.itemsize,):
        return False
    if filters[-1][2] not in LEVELS:  # damaged
        return False
    return bool(dataset.chunks[0] * kind.itemsize <= MAX_CHUNK_BYTES)


def is_plain(kind: np.dtype) -> bool:
    """Whether a type is a number in the order of bytes of this machine."""
    return kind.kind in "iuf" and kind.isnative


def _read_chunk(dataset: h5py.Dataset, chunk: int, first: int, values: np.ndarray) -> None:
    """Read the values from ``first`` on of the chunk that begins at ``chunk``.

    A chunk that is not stored, was stored without filters or is damaged is left to h5py, which
    fills it, reads it or raises.
    """
    plain = _inflated(dataset, chunk)
    part = slice(first - chunk, first - chunk + values.size)
    if plain is None:
        values[:] = dataset[first : first + values.size]
    elif dataset.shuffle:
        size = values.itemsize
        places = values.view(np.uint8).reshape(-1, size)
        for place, plane in enumerate(np.frombuffer(plain, np.uint8).reshape(size, -1)):
            places[:, place] = plane[part]
    else:
        values[:] = np.frombuffer(plain, values.dtype)[part]


def _inflated(dataset: h5py.Dataset, chunk: int) -> bytes | None:
    """The bytes of a chunk as they were before gzip; None if they are not exactly one chunk."""
    n_bytes = dataset.chunks[0] * dataset.dtype.itemsize
    inflater = isal_zlib.decompressobj()
    try:
        without, stored = dataset.id.read_direct_chunk((chunk,))
        plain: bytes = inflater.decompress(stored, n_bytes + 1)
    except FAILURES:
        return None
    return plain if not without and inflater.eof and len(plain) == n_bytes else None


class ArrayWriter:
    """A new array in HDF5 to which values are appended.

    At most :data:`MAX_PENDING` chunks are in memory.

    Parameters
    ----------
    group, name
        Where the array is made, with gzip.
    kind
        Type of the values, for which :func:`is_plain` holds.
    shuffle
        Whether to group the bytes of a chunk by their significance.
    length
        Number of values of a chunk.
    pool
        Compresses the chunks.
    """

    def __init__(
        self,
        group: h5py.Group,
        name: str,
        kind: np.dtype,
        *,
        shuffle: bool,
        length: int,
        pool: Executor,
    ) -> None:
        self.dataset = group.create_dataset(
            name, (0,), kind, maxshape=(None,), chunks=(length,), shuffle=shuffle, **COMPRESSION
        )
        self._shuffle, self._length, self._pool = shuffle, length, pool
        self._rest = np.empty(0, kind)
        self._next = 0
        self._pending: deque[Future[bytes]] = deque()

    def append(self, values: np.ndarray) -> None:
        """Append values, (n_values,), of the type of the array; they must not change afterwards."""
        assert values.dtype == self.dataset.dtype
        self.dataset.resize((self.dataset.shape[0] + values.size,))
        length = self._length
        first = 0
        if self._rest.size:
            first = min(length - self._rest.size, values.size)
            self._rest = np.concatenate([self._rest, values[:first]])
            if self._rest.size < length:
                return
            self._compress(self._rest)
        end = values.size - (values.size - first) % length
        for start in range(first, end, length):
            self._compress(values[start : start + length])
        self._rest = values[end:].copy()

    def close(self) -> None:
        """Write what remains: HDF5 stores the last chunk at full length."""
        if self._rest.size:
            whole = np.zeros(self._length, self._rest.dtype)
            whole[: self._rest.size] = self._rest
            self._compress(whole)
        while self._pending:
            self._write()

    def _compress(self, chunk: np.ndarray) -> None:
        self._pending.append(self._pool.submit(_compressed, chunk, self._shuffle))
        if len(self._pending) > MAX_PENDING:
            self._write()

    def _write(self) -> None:
        self.dataset.id.write_direct_chunk((self._next,), self._pending.popleft().result())
        self._next += self._length


def _compressed(chunk: np.ndarray, shuffle: bool) -> bytes:
    values = np.ascontiguousarray(chunk)
    if shuffle:
        values = np.ascontiguousarray(values.view(np.uint8).reshape(values.size, -1).T)
    compressed: bytes = isal_zlib.compress(values.data, LEVEL)
    return compressed
