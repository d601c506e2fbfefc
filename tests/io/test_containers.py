"""Compressed files, archives, zarr, and formats of other programs."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pytest

from scsiameseclu.errors import UserError
from scsiameseclu.io import unpack
from scsiameseclu.io.readers import load, read_counts
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.stages.ingest import sha256

Write = Callable[[str], Path]


def zipped(path: Path) -> Path:
    target = path.with_name(f"{path.name}.gz")
    target.write_bytes(gzip.compress(path.read_bytes()))
    return target


@pytest.mark.parametrize("kind", ["h5ad", "10x_h5", "loom"])
def test_gzipped_hdf5(kind: str, write: Write, counts) -> None:
    path = zipped(write(kind))
    adata = read_counts(path)
    np.testing.assert_array_equal(adata.X.toarray(), counts.values)
    assert adata.uns["source"]["format"] == kind
    assert load(path, ReadRequest()).files == [path]


def test_tar_of_a_folder(write: Write, counts, tmp_path: Path) -> None:
    for kind in ("mtx", "mtx_gz_prefixed"):
        folder = write(kind)
        archive = tmp_path / f"{kind}.tar.gz"
        with tarfile.open(archive, "w:gz") as tar:
            tar.add(folder, arcname="run1/filtered_feature_bc_matrix")
            hidden = tarfile.TarInfo("../../outside.tsv")
            hidden.size = 2
            tar.addfile(hidden, io.BytesIO(b"x\n"))
        adata = read_counts(archive)
        np.testing.assert_array_equal(adata.X.toarray(), counts.values)
        assert adata.obs_names.tolist() == counts.barcodes
        assert not list(tmp_path.parent.rglob("outside.tsv"))
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()


def test_damaged_archives(write: Write, tmp_path: Path) -> None:
    path = zipped(write("h5ad"))
    path.write_bytes(path.read_bytes()[:-500])
    with pytest.raises(UserError, match="cannot be read as an archive"):
        read_counts(path)
    (tmp_path / "a.tar").write_bytes(b"not a tar archive" * 50)
    with pytest.raises(UserError, match="cannot be read as an archive"):
        read_counts(tmp_path / "a.tar")


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "MIN_ALLOWED", 1 << 20)
    path = tmp_path / "a.h5ad.gz"
    path.write_bytes(gzip.compress(bytes(8 << 20)))
    with pytest.raises(UserError, match="unpacks to more than a count matrix can have"):
        read_counts(path)


@pytest.mark.parametrize("dense", [False, True])
def test_zarr(dense: bool, counts, tmp_path: Path) -> None:
    adata = counts.adata
    adata.obs["kind"] = ["x", "y"] * 20
    if dense:
        adata.X = adata.X.toarray()
    adata.write_zarr(tmp_path / "a.zarr")
    read = read_counts(tmp_path / "a.zarr")
    np.testing.assert_array_equal(read.X.toarray(), counts.values)
    assert read.obs["kind"].tolist() == ["x", "y"] * 20
    files = load(tmp_path / "a.zarr", ReadRequest()).files
    assert len(files) > 5
    assert len(sha256(files)) == 64


def test_zarr_with_pickles_is_refused(counts, tmp_path: Path) -> None:
    counts.adata.write_zarr(tmp_path / "a.zarr")
    (tmp_path / "a.zarr" / "obs" / ".zarray").write_text('{"filters": [{"id": "pickle"}]}')
    with pytest.raises(UserError, match="pickled objects"):
        read_counts(tmp_path / "a.zarr")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a.rds", "is an R object; in R, write"),
        ("a.h5Seurat", "SeuratDisk::Convert"),
        ("a.xlsx", "export the sheet as CSV"),
        ("a.bam", "contains reads, not counts"),
    ],
)
def test_formats_of_other_programs(name: str, words: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"PK\3\4 and more")
    with pytest.raises(UserError, match=words):
        read_counts(tmp_path / name)


def test_xls_is_often_text(write: Write, counts, tmp_path: Path) -> None:
    path = write("tsv_r")
    named = tmp_path / "counts.xls"
    named.write_bytes(gzip.decompress(path.read_bytes()))
    np.testing.assert_array_equal(read_counts(named).X.toarray(), counts.values)
    named.write_bytes(b"\xd0\xcf\x11\xe0 workbook")
    with pytest.raises(UserError, match="Excel workbook"):
        read_counts(named)


@pytest.mark.parametrize("name", ["Zstd", "LZ4"])
def test_filters_of_hdf5plugin_are_loaded(name: str, counts, tmp_path: Path) -> None:
    # in other processes: a filter stays loaded
    write = (
        "import sys, anndata, hdf5plugin\n"
        f"plain = anndata.read_h5ad(sys.argv[1])\n"
        f"plain.write_h5ad(sys.argv[2], compression=hdf5plugin.{name}())\n"
    )
    read = (
        "import sys\nfrom scsiameseclu.io.readers import read_counts\n"
        "print(int(read_counts(sys.argv[2]).X.sum()))\n"
    )
    files = [str(tmp_path / "plain.h5ad"), str(tmp_path / "packed.h5ad")]
    counts.adata.write_h5ad(files[0])
    for code in (write, read):
        command = [sys.executable, "-W", "ignore", "-c", code, *files]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) == counts.values.sum()


def test_a_filter_that_nobody_has_is_named(counts, tmp_path: Path) -> None:
    path = tmp_path / "a.h5ad"
    counts.adata.write_h5ad(path, compression="lzf")
    data = path.read_bytes()
    # the number and the name of lzf in the file, in every filter message
    assert b"\x00\x7d" in data
    unknown = data.replace((32000).to_bytes(2, "little"), (32999).to_bytes(2, "little"))
    path.write_bytes(unknown)
    with pytest.raises(UserError, match="filter number 32999, which the package hdf5plugin"):
        read_counts(path)


def test_lzf_needs_no_plugin(counts, tmp_path: Path) -> None:
    counts.adata.write_h5ad(tmp_path / "a.h5ad", compression="lzf")
    np.testing.assert_array_equal(read_counts(tmp_path / "a.h5ad").X.toarray(), counts.values)


def test_more_values_declared_than_stored(counts, tmp_path: Path) -> None:
    """An array of 10^9 values of which none is written."""
    path = tmp_path / "a.h5ad"
    counts.adata.write_h5ad(path)
    with h5py.File(path, "r+") as file:
        del file["X/data"]
        file["X"].create_dataset("data", shape=(10**9,), dtype="f4", chunks=(10**6,))
    with pytest.raises(UserError, match="declares 1000000000 values"):
        read_counts(path)
    with h5py.File(path, "r+") as file:
        del file["X"]
        file.create_dataset("X", shape=(40, 60 * 10**9), dtype="f4", chunks=(1, 10**6))
    with pytest.raises(UserError, match="X declares 2400000000000 values"):
        read_counts(path)


def test_h5ad_read_by_anndata_is_the_same(counts, tmp_path: Path) -> None:
    counts.adata.write_h5ad(tmp_path / "a.h5ad")
    theirs = ad.read_h5ad(tmp_path / "a.h5ad")
    assert (read_counts(tmp_path / "a.h5ad").X != theirs.X).nnz == 0
