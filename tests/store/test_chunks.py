"""Matrices written and read chunk by chunk: equal to those of h5py and anndata, and bounded."""

from __future__ import annotations

import tracemalloc
import zlib
from itertools import pairwise
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pytest
import scipy.sparse as sp

from scsiameseclu.errors import UserError
from scsiameseclu.io.compressed import read_compressed
from scsiameseclu.store import chunks
from scsiameseclu.store.chunks import is_direct, read_array
from scsiameseclu.store.files import copy_part, read_blocks, read_columns, read_h5ad, write_h5ad
from scsiameseclu.store.sparse import read_sparse, write_sparse

GZIP = {"compression": "gzip", "compression_opts": 1}
KINDS = ("uint8", "uint16", "int32", "int64", "float32", "float64")


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several chunks in each task, several tasks, and two threads."""
    monkeypatch.setattr("scsiameseclu.store.sparse.CHUNK_VALUES", 64)
    monkeypatch.setattr(chunks, "TASK_BYTES", 1000)
    monkeypatch.setenv("OMP_NUM_THREADS", "2")


def counts(
    n_cells: int, n_genes: int, kind: str = "float32", index: str = "int32"
) -> sp.csr_matrix:
    rng = np.random.default_rng(0)
    matrix = sp.random(n_cells, n_genes, 0.3, "csr", random_state=0)
    matrix.data = rng.poisson(3, matrix.nnz).astype(kind)
    matrix.indices, matrix.indptr = matrix.indices.astype(index), matrix.indptr.astype(index)
    return matrix


def same(one: sp.spmatrix, two: sp.spmatrix) -> bool:
    """Whether all bytes and types of two matrices are equal."""
    parts = [[getattr(m, part) for part in ("data", "indices", "indptr")] for m in (one, two)]
    return one.shape == two.shape and all(
        a.dtype == b.dtype and a.tobytes() == b.tobytes() for a, b in zip(*parts, strict=True)
    )


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("n_values", [0, 1, 63, 64, 65, 1000, 1024])
def test_arrays_of_h5py_are_read_as_h5py_reads_them(
    kind: str, shuffle: bool, n_values: int, tmp_path: Path
) -> None:
    values = np.random.default_rng(0).integers(0, 200, n_values).astype(kind)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        stored = file.create_dataset(
            "a", data=values, chunks=(64,), maxshape=(None,), shuffle=shuffle, **GZIP
        )
        assert is_direct(stored)
        for part in (slice(None), slice(1, None), slice(60, 70), slice(64, 128), slice(70, 70)):
            first, last, _ = part.indices(n_values)
            read = read_array(stored, first, last)
            assert read.dtype == kind
            np.testing.assert_array_equal(read, values[part])


@pytest.mark.parametrize("kind", ["int32", "int64", "float32", "float64"])
@pytest.mark.parametrize("index", ["int32", "int64"])
@pytest.mark.parametrize("form", ["csr", "csc"])
@pytest.mark.parametrize("shape", [(0, 5), (5, 0), (1, 1), (30, 7), (50, 64)])
def test_matrices_are_written_as_anndata_writes_them(
    kind: str, index: str, form: str, shape: tuple[int, int], tmp_path: Path
) -> None:
    matrix = counts(*shape, kind, index).asformat(form)
    matrix.indices, matrix.indptr = matrix.indices.astype(index), matrix.indptr.astype(index)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        write_sparse(file, "ours", [matrix], n_stored=matrix.nnz)
        ad.io.write_elem(file, "theirs", matrix, dataset_kwargs=GZIP)
        assert {**file["ours"].attrs}.keys() == {**file["theirs"].attrs}.keys()
        for name, value in file["theirs"].attrs.items():
            np.testing.assert_array_equal(file["ours"].attrs[name], value)
        for part, stored in file["theirs"].items():
            ours = file["ours"][part]
            assert (ours.dtype, ours.maxshape) == (stored.dtype, (None,))
            np.testing.assert_array_equal(ours[:], stored[:])
        assert same(read_sparse(file["ours"]), ad.io.read_elem(file["theirs"]))
        assert same(read_sparse(file["theirs"]), ad.io.read_elem(file["ours"]))


def test_blocks_are_appended_and_the_number_of_threads_does_not_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = counts(300, 40)
    ends = [0, 3, 3, 250, 252, 300]
    blocks = [whole[first:last] for first, last in pairwise(ends)]
    for threads in ("1", "4"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        with h5py.File(tmp_path / threads, "w") as file:
            write_sparse(file, "layers/a", iter(blocks))
            assert same(ad.io.read_elem(file["layers/a"]), whole)
    assert (tmp_path / "1").read_bytes() == (tmp_path / "4").read_bytes()


def test_anndata_reads_and_extends_the_file(tmp_path: Path) -> None:
    matrix = counts(90, 40)
    path = tmp_path / "a.h5ad"
    write_h5ad(ad.AnnData(matrix.log1p(), layers={"counts": matrix}), path)
    plain, read = ad.read_h5ad(path), read_h5ad(path)
    for adata in (plain, read):
        assert same(adata.layers["counts"], matrix)
        assert same(adata.X, matrix.log1p())
    with h5py.File(path, "r+") as file:
        ad.io.sparse_dataset(file["X"]).append(matrix)
        extended = read_sparse(file["X"])
    assert (extended != sp.vstack([matrix.log1p(), matrix])).nnz == 0


def test_parts_of_a_matrix_are_those_of_scipy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scsiameseclu.store.files.BLOCK_CELLS", 32)
    matrix, path = counts(90, 40), tmp_path / "a.h5ad"
    write_h5ad(ad.AnnData(matrix), path)
    every, some = np.ones(90, bool), np.arange(90) % 7 > 3
    genes = np.ones(40, bool)
    for rows in (every, some, np.zeros(90, bool)):
        for columns in (genes, np.arange(40), np.arange(40)[::-1], np.arange(40) % 3 == 0):
            part = read_columns(path, "X", columns, rows=rows)
            assert (part != matrix[rows][:, columns]).nnz == 0
        with h5py.File(tmp_path / "copy.h5", "w") as file:
            copy_part(path, "X", rows, genes, file, "layers/part")
            assert same(ad.io.read_elem(file["layers/part"]), matrix[rows])
    blocks = list(read_blocks(path, "X", 50))
    assert [block.shape for block in blocks] == [(50, 40), (40, 40)]
    assert same(sp.csr_matrix(sp.vstack(blocks)), matrix)


def otherwise(file: h5py.File, values: np.ndarray) -> dict[str, h5py.Dataset]:
    """The values in ways that are left to h5py."""
    external = h5py.VirtualLayout(values.shape, values.dtype)
    external[:] = h5py.VirtualSource(file.create_dataset("source", data=values))
    space = h5py.h5s.create_simple(values.shape)
    layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    layout.set_chunk((100,))
    layout.set_deflate(1)
    bits = h5py.Dataset(h5py.h5d.create(file.id, b"bits", h5py.h5t.STD_B32LE, space, layout))
    bits[:] = np.abs(values).astype("uint32")
    made = {
        "contiguous": file.create_dataset("contiguous", data=values),
        "virtual": file.create_virtual_dataset("virtual", external),
        "bits": bits,
        "plain": file.create_dataset("plain", data=values, chunks=(100,)),
        "lzf": file.create_dataset("lzf", data=values, chunks=(100,), compression="lzf"),
        "sums": file.create_dataset("sums", data=values, chunks=(100,), fletcher32=True, **GZIP),
        "foreign": file.create_dataset("foreign", data=values, dtype=">i4", chunks=(9,), **GZIP),
        "bool": file.create_dataset("bool", data=values > 1, chunks=(100,), **GZIP),
    }
    return made


def test_what_is_stored_otherwise_is_left_to_h5py(tmp_path: Path) -> None:
    values = np.random.default_rng(0).integers(-9, 2000, 950).astype("int32")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for name, stored in otherwise(file, values).items():
            assert not is_direct(stored), name
            read = read_array(stored, 5, 940)
            assert read.dtype == stored.dtype
            np.testing.assert_array_equal(read, stored[5:940])
        length = chunks.MAX_CHUNK_BYTES // 8 + 1
        big = file.create_dataset("big", (3,), "f8", maxshape=(None,), chunks=(length,), **GZIP)
        assert not is_direct(big)


def test_chunks_that_are_missing_or_not_filtered_are_left_to_h5py(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        stored = file.create_dataset(
            "a", (1000,), "int32", chunks=(100,), fillvalue=7, shuffle=True, **GZIP
        )
        stored[300:450] = np.arange(150)
        unfiltered = np.arange(100, dtype="int32") + 5000
        stored.id.write_direct_chunk((800,), unfiltered.tobytes(), 0b11)
        only_gzip = zlib.compress(unfiltered.tobytes())
        stored.id.write_direct_chunk((700,), only_gzip, 0b01)
        assert is_direct(stored)
        np.testing.assert_array_equal(read_array(stored), stored[:])
        np.testing.assert_array_equal(read_array(stored)[700:900], [*unfiltered, *unfiltered])
        assert (read_array(stored)[:300] == 7).all()


def damaged(how: str, n_bytes: int) -> bytes:
    """A chunk that HDF5 cannot decompress."""
    good = zlib.compress(bytes(n_bytes - 1) + b"1", 1)
    middle = len(good) // 2
    return {
        "truncated": good[:middle],
        "empty": b"\0",
        "other checksum": good[:-1] + bytes([good[-1] ^ 1]),
        "other bytes": good[:middle] + b"\xff\xff\xff" + good[middle + 3 :],
    }[how]


@pytest.mark.parametrize("how", ["truncated", "empty", "other checksum", "other bytes"])
def test_damaged_chunks_raise_as_in_h5py(how: str, tmp_path: Path) -> None:
    path, matrix = tmp_path / "bad.h5ad", counts(90, 40)
    write_h5ad(ad.AnnData(matrix), path)
    with h5py.File(path, "r+") as file:
        file["X/data"].id.write_direct_chunk((64,), damaged(how, 256))
    with h5py.File(path) as file:
        with pytest.raises(OSError, match="filter returned failure"):
            file["X/data"][:]
        for read in (read_array, lambda dataset: read_array(dataset, 70, 80)):
            with pytest.raises(OSError, match="filter returned failure"):
                read(file["X/data"])
        with pytest.raises(OSError, match="filter returned failure"):
            read_compressed(file["X"], matrix.shape)
        assert read_array(file["X/data"], 0, 64).tobytes() == matrix.data[:64].tobytes()
    for read in (read_h5ad, lambda path: read_columns(path, "X", np.arange(40))):
        with pytest.raises(UserError, match=r"bad\.h5ad cannot be read"):
            read(path)


def test_a_chunk_is_not_inflated_beyond_its_size(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        stored = file.create_dataset("a", (200,), "int32", chunks=(100,), **GZIP)
        stored.id.write_direct_chunk((0,), zlib.compress(bytes(100_000_000), 9))
    with h5py.File(tmp_path / "a.h5") as file:
        tracemalloc.start()
        chunk = chunks._inflated(file["a"], 0)  # what h5py does with it is not measured
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert chunk is None
    assert peak < 1_000_000


def test_memory_of_writing_is_a_few_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scsiameseclu.store.sparse.CHUNK_VALUES", 4096)
    block = counts(500, 400, "float64")

    def blocks() -> object:
        for _ in range(40):
            yield block.copy()

    with h5py.File(tmp_path / "a.h5", "w") as file:
        tracemalloc.start()
        write_sparse(file, "X", blocks())
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert file["X/data"].size == 40 * block.nnz
    size = block.data.nbytes + block.indices.nbytes
    assert peak < 6 * size
