"""What a file declares is compared with what it stores and with limits, before it is converted."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pytest
from formats import WRITERS, Counts, write_10x_h5, write_h5ad
from scipy.sparse import csc_matrix, csr_matrix

from scsiameseclu.errors import UserError
from scsiameseclu.io import bounded
from scsiameseclu.io.compressed import to_csr
from scsiameseclu.io.readers import read_counts
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.io.sample import read_sample
from scsiameseclu.run_settings import LimitSettings

N_CELLS, N_GENES = 40, 60
PACKED = ("csv_zip", "tsv_r", "mtx_gz_prefixed")
Write = Callable[[str], Path]


@pytest.mark.parametrize("kind", WRITERS)
def test_limits_of_cells_genes_and_values(kind: str, write: Write, counts: Counts) -> None:
    path = write(kind)
    n_values = int((counts.values > 0).sum())
    exact = LimitSettings(max_cells=N_CELLS, max_genes=N_GENES, max_values=n_values)
    assert read_counts(path, limits=exact).shape == (N_CELLS, N_GENES)
    for name, most in (("cells", N_CELLS), ("genes", N_GENES), ("values", n_values)):
        limits = LimitSettings(**{f"max_{name}": most - 1})
        with pytest.raises(UserError, match=rf"declares .* {name}, and at most {most - 1:,}") as e:
            read_counts(path, limits=limits)
        assert f"raise config key limits.max_{name}" in str(e.value)
        assert str(path) in str(e.value)


@pytest.mark.parametrize("kind", PACKED)
def test_compressed_tables_unpack_within_a_limit(kind: str, write: Write) -> None:
    path = write(kind)
    assert read_counts(path, limits=LimitSettings(max_unpacked_gb=2e-5)).n_obs == N_CELLS
    with pytest.raises(UserError, match=r"unpacks to more than 1e-06 GB; .*limits.max_unpacked_gb"):
        read_counts(path, limits=LimitSettings(max_unpacked_gb=1e-6))


def test_metadata_unpacks_within_a_limit(write: Write, counts: Counts, tmp_path: Path) -> None:
    table = tmp_path / "cells.csv.gz"
    rows = "".join(f"{name},{'x' * 2000}\n" for name in counts.barcodes)
    table.write_bytes(gzip.compress(f"barcode,donor\n{rows}".encode()))
    request = ReadRequest(metadata=str(table))
    read = read_sample(str(write("10x_h5")), request, sample="s", limits=LimitSettings())
    assert read.errors == []
    small = LimitSettings(max_unpacked_gb=5e-5)
    read = read_sample(str(tmp_path / "a.h5"), request, sample="s", limits=small)
    assert len(read.errors) == 1
    assert f"file {table} unpacks to more than 5e-05 GB" in read.errors[0]


def test_a_line_without_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "MAX_LINE_BYTES", 100_000)
    monkeypatch.setattr(bounded, "BUFFER", 1 << 12)
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b"gene,a,b\nx," + b"1" * 500_000))
    with pytest.raises(UserError, match=r"has a line of more than 0\.0 GB"):
        read_counts(path)


@pytest.mark.parametrize(
    "name", ["obs/donor", "X/data", "X/indptr", "obs/_index", "layers/other/indices"]
)
def test_values_that_no_file_can_hold_are_not_allocated(
    name: str, counts: Counts, tmp_path: Path
) -> None:
    path = write_h5ad(counts, tmp_path / "a.h5ad")
    with h5py.File(path, "r+") as file:
        if name in file:
            del file[name]
        file.create_dataset(name, shape=(10**13,), dtype="i8", chunks=(1000,))
    with pytest.raises(UserError, match=r"declares 10,?0.* values, ") as caught:
        read_counts(path)
    assert "\n" not in str(caught.value)


def compressed(counts: Counts, layout: str) -> dict[str, np.ndarray]:
    kind = csr_matrix if layout == "csr" else csc_matrix
    matrix = kind(counts.values.astype("float32"))
    return {
        name: getattr(matrix, name).astype("int64" if name != "data" else "float32")
        for name in ("data", "indices", "indptr")
    }


def beyond(parts: dict[str, np.ndarray]) -> None:
    parts["indices"][7] = 1000


def negative(parts: dict[str, np.ndarray]) -> None:
    parts["indices"][7] = -1


def wraps(parts: dict[str, np.ndarray]) -> None:
    """An index that is a valid one in 32 bits."""
    parts["indices"][7] += 2**32


def backwards(parts: dict[str, np.ndarray]) -> None:
    parts["indptr"][3] = parts["indptr"][5] + 1


def far(parts: dict[str, np.ndarray]) -> None:
    parts["indptr"][3] = 10**12


def short(parts: dict[str, np.ndarray]) -> None:
    parts["indices"] = parts["indices"][:-3]


def cut(parts: dict[str, np.ndarray]) -> None:
    """Fewer values than the pointers say."""
    for name in ("data", "indices"):
        parts[name] = parts[name][:-3]


def fractions(parts: dict[str, np.ndarray]) -> None:
    parts["indices"] = parts["indices"] + 0.5


WRONG = (beyond, negative, wraps, backwards, far, short, cut, fractions)


def store(parts: dict[str, np.ndarray], file: h5py.File, place: str, layout: str) -> None:
    """Write the parts in place of a matrix of the file."""
    if place in file:
        del file[place]
    group = file.create_group(place)
    for name, values in parts.items():
        group[name] = values
    group.attrs["encoding-type"] = f"{layout}_matrix"
    group.attrs["encoding-version"] = "0.1.0"
    group.attrs["shape"] = (N_CELLS, N_GENES)


@pytest.mark.parametrize("wrong", WRONG)
@pytest.mark.parametrize("place", ["X", "layers/counts", "layers/spliced"])
@pytest.mark.parametrize("layout", ["csr", "csc"])
def test_every_sparse_matrix_of_an_h5ad_is_checked(
    wrong: Callable[[dict[str, np.ndarray]], None],
    place: str,
    layout: str,
    counts: Counts,
    tmp_path: Path,
) -> None:
    """Also a layer that is only compared with others."""
    path = write_h5ad(counts, tmp_path / "a.h5ad")
    parts = compressed(counts, layout)
    wrong(parts)
    with h5py.File(path, "r+") as file:
        if place == "layers/spliced":  # X has no counts, so that layers are compared
            file["X/data"][:] = np.log1p(file["X/data"][:])
            file.copy("X", "layers/whole")
            file["layers/whole/data"][:] = np.expm1(file["X/data"][:]).round()
        store(parts, file, place, layout)
    with pytest.raises(UserError, match=r"cannot be read as h5ad \(\w+: "):
        read_counts(path)


@pytest.mark.parametrize("wrong", WRONG)
def test_the_matrix_of_a_10x_file_is_checked(
    wrong: Callable[[dict[str, np.ndarray]], None], counts: Counts, tmp_path: Path
) -> None:
    path = write_10x_h5(counts, tmp_path / "a.h5")
    parts = compressed(counts, "csr")
    wrong(parts)
    with h5py.File(path, "r+") as file:
        for name, values in parts.items():
            del file["matrix"][name]
            file["matrix"][name] = values
    with pytest.raises(UserError, match=r"cannot be read as 10x_h5 \(ValueError: "):
        read_counts(path)


@pytest.mark.parametrize("wrong", WRONG)
def test_the_matrix_of_a_zarr_folder_is_checked(
    wrong: Callable[[dict[str, np.ndarray]], None], counts: Counts, tmp_path: Path
) -> None:
    zarr = pytest.importorskip("zarr")
    counts.adata.write_zarr(tmp_path / "a.zarr")
    parts = compressed(counts, "csr")
    wrong(parts)
    group = zarr.open_group(tmp_path / "a.zarr", mode="r+")["X"]
    for name, values in parts.items():
        del group[name]
        group.create_array(name, data=values)
    with pytest.raises(UserError, match=r"cannot be read as h5ad \(ValueError: "):
        read_counts(tmp_path / "a.zarr")


@pytest.mark.parametrize("layout", ["csr", "csc"])
def test_order_and_repeated_entries(layout: str, counts: Counts, tmp_path: Path) -> None:
    """Unsorted indices are fine; repeated entries are added, and a warning says so."""
    path = write_h5ad(counts, tmp_path / "a.h5ad")
    parts = compressed(counts, layout)
    first, second = parts["indptr"][:2]
    for name in ("data", "indices"):
        parts[name][first:second] = parts[name][first:second][::-1].copy()
    with h5py.File(path, "r+") as file:
        store(parts, file, "X", layout)
    read = read_counts(path)
    np.testing.assert_array_equal(read.X.toarray(), counts.values)
    assert "repeat" not in " ".join(read.uns["source"]["detected"])

    expected = counts.values.copy()
    before, place = parts["indices"][first : first + 2]
    value = parts["data"][first]
    parts["indices"][first] = place
    at, to = ((0, before), (0, place)) if layout == "csr" else ((before, 0), (place, 0))
    expected[at] -= value
    expected[to] += value
    with h5py.File(path, "r+") as file:
        store(parts, file, "X", layout)
    read = read_counts(path)
    np.testing.assert_array_equal(read.X.toarray(), expected)
    warning = "1 entries repeat a cell and a gene; their counts were added"
    assert warning in read.uns["source"]["detected"]


def test_repeated_entries_of_an_mtx(write: Write, counts: Counts) -> None:
    path = write("mtx")
    lines = (path / "matrix.mtx").read_text().splitlines()
    header = next(i for i, line in enumerate(lines) if not line.startswith("%"))
    gene, cell, value = (int(word) for word in lines[header + 1].split())
    lines[header] = " ".join([*lines[header].split()[:2], str(len(lines) - header)])
    (path / "matrix.mtx").write_text("\n".join([*lines, lines[header + 1]]) + "\n")
    read = read_counts(path)
    assert read.X[cell - 1, gene - 1] == 2 * value
    assert any("1 entries repeat" in text for text in read.uns["source"]["detected"])


def test_an_mtx_with_more_entries_than_its_header_says_or_than_fit(write: Write) -> None:
    path = write("mtx") / "matrix.mtx"
    lines = path.read_text().splitlines()
    header = next(i for i, line in enumerate(lines) if not line.startswith("%"))
    shape = lines[header].split()[:2]
    lines[header] = " ".join([*shape, "5"])
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(UserError, match=r"entries or more, its header says 5"):
        read_counts(path.parent)
    lines[header] = " ".join([*shape, "2400"])
    path.write_text("\n".join(lines[: header + 9]) + "\n")
    with pytest.raises(UserError, match="2400 entries, which the file cannot hold"):
        read_counts(path.parent)


def test_checked_matrices_are_those_of_scipy(counts: Counts) -> None:
    for layout in ("csr", "csc"):
        parts = compressed(counts, layout)
        matrix, n_repeated = to_csr(*parts.values(), (N_CELLS, N_GENES), layout)  # type: ignore[arg-type]
        np.testing.assert_array_equal(matrix.toarray(), counts.values)
        assert (n_repeated, matrix.dtype) == (0, np.float32)


@pytest.mark.parametrize("kind", [kind for kind in WRITERS if kind not in ("h5ad_raw", "xy")])
@pytest.mark.parametrize("value", [2**24 - 1, 2**24 + 1])
def test_large_counts_are_exact_or_refused(
    kind: str, value: int, counts: Counts, tmp_path: Path
) -> None:
    counts.values = counts.values.astype("int64")
    counts.values[3, 5] = value
    writer, name, _ = WRITERS[kind]
    path = writer(counts, tmp_path / name)
    if value < 2**24:
        adata = read_counts(path)
        row = adata.obs_names.get_loc(counts.barcodes[3])
        assert int(adata.X.toarray()[row].max()) == value
        return
    with pytest.raises(UserError, match=r"counts of a gene in a cell are exact up to 16,777,215"):
        read_counts(path)


def test_sums_of_repeated_entries_are_exact_or_refused(counts: Counts, tmp_path: Path) -> None:
    adata = ad.AnnData(csr_matrix(counts.values.astype("float32")))
    adata.X = csr_matrix(
        (np.r_[adata.X.data, [2**23, 2**23]].astype("float32"),
         np.r_[adata.X.indices, [0, 0]], np.r_[adata.X.indptr[:-1], adata.X.nnz + 2]),
        shape=adata.shape,
    )  # fmt: skip
    adata.write_h5ad(tmp_path / "a.h5ad")
    with pytest.raises(UserError, match="contains a value of 16,777,2"):
        read_counts(tmp_path / "a.h5ad")
