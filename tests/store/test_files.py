"""Writing is atomic, and what cannot be read is told in a sentence."""

import gzip
import subprocess
import sys
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from scsiameseclu.errors import UserError
from scsiameseclu.store.atomic import atomic_path, write_table
from scsiameseclu.store.files import (
    COMPRESSION,
    add_warnings,
    copy_elements,
    copy_part,
    read_columns,
    read_h5ad,
    sidecar,
    write_h5ad,
)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "file.txt"
    target.write_text("old")

    def fail() -> None:
        with atomic_path(target) as temporary:
            temporary.write_text("half of the n")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_what_a_killed_process_left_goes_with_the_next_write(tmp_path: Path) -> None:
    code = (
        "import os, sys; from scsiameseclu.store.files import atomic_path\n"
        "with atomic_path(sys.argv[1]) as temporary:\n"
        "    temporary.write_text('half'); os.kill(os.getpid(), 9)"
    )
    target, other = tmp_path / "a.h5ad", tmp_path / "a.h5ad.gz"
    for path in (target, other):
        subprocess.run([sys.executable, "-c", code, path], check=False)
    assert len(list(tmp_path.iterdir())) == 2
    with atomic_path(target) as temporary:
        temporary.write_text("whole")
    assert target.read_text() == "whole"
    assert [path.name[:11] for path in tmp_path.glob(".*")] == [".a.h5ad.gz."]


def test_sidecar_round_trip(tmp_path: Path) -> None:
    cells = pd.Index(["a", "b", "c"])
    adata = sidecar(cells, obsm={"X_siamese": np.eye(3, dtype=np.float32)})
    add_warnings(adata, ["first"])
    add_warnings(adata, ["second"])
    write_h5ad(adata, tmp_path / "side.h5ad")
    back = read_h5ad(tmp_path / "side.h5ad")
    assert back.X is None
    assert list(back.obs_names) == list(cells)
    assert list(back.uns["warnings"]) == ["first", "second"]
    np.testing.assert_array_equal(back.obsm["X_siamese"], np.eye(3))


def test_counts_are_compressed_and_embeddings_are_not(tmp_path: Path) -> None:
    adata = ad.AnnData(sp.random(50, 20, 0.2, format="csr", random_state=0, dtype=np.float32))
    adata.obsm["X_pca"] = np.random.default_rng(0).normal(size=(50, 5)).astype(np.float32)
    write_h5ad(adata, tmp_path / "one.h5ad")
    with h5py.File(tmp_path / "one.h5ad") as file:
        assert file["X/data"].compression == file["obs/_index"].compression == "gzip"
        assert file["obsm/X_pca"].compression is None
    back = ad.read_h5ad(tmp_path / "one.h5ad")
    np.testing.assert_array_equal(back.obsm["X_pca"], adata.obsm["X_pca"])
    np.testing.assert_array_equal(back.X.toarray(), adata.X.toarray())


def test_bytes_of_counts_are_grouped_and_those_of_logarithms_are_not(tmp_path: Path) -> None:
    path = tmp_path / "a.h5ad"
    counts = sp.random(500, 200, 0.2, "csr", random_state=0, dtype=np.float32)
    counts.data = np.random.default_rng(0).poisson(3, counts.nnz).astype(np.float32)
    write_h5ad(ad.AnnData(counts.log1p(), layers={"counts": counts}), path)
    with h5py.File(path) as file:
        assert not file["X/data"].shuffle
        assert file["layers/counts/data"].shuffle
        assert file["layers/counts/indices"].shuffle
        grouped = file["layers/counts/data"].id.get_storage_size()
        plain = tmp_path / "plain.h5"
        with h5py.File(plain, "w") as other:
            kept = other.create_dataset("data", data=counts.data, **COMPRESSION)
            assert grouped < 0.8 * kept.id.get_storage_size()
    assert (ad.read_h5ad(path).layers["counts"] != counts).nnz == 0


def test_equal_contents_give_equal_bytes(tmp_path: Path) -> None:
    adata = ad.AnnData(sp.random(50, 20, 0.2, format="csr", random_state=0, dtype=np.float32))
    for name in ("one", "two"):
        write_h5ad(adata, tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize("content", [b"", b"not HDF5", None])
def test_damaged_files_are_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "bad.h5ad"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"bad\.h5ad"):
        read_h5ad(path)


def test_truncated_h5ad_is_named(tmp_path: Path) -> None:
    path = tmp_path / "bad.h5ad"
    write_h5ad(ad.AnnData(sp.eye(100, format="csr", dtype=np.float32)), path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(UserError, match=r"bad\.h5ad cannot be read"):
        read_h5ad(path)


def test_compressed_tables_are_equal_if_their_text_is(tmp_path: Path) -> None:
    table = pd.DataFrame({"gene": ["a", "b"], "p": [0.5, np.nan]})
    for name in ("one.tsv", "one.tsv.gz", "two.tsv.gz"):
        write_table(tmp_path / name, table)
    one, two = ((tmp_path / f"{name}.tsv.gz").read_bytes() for name in ("one", "two"))
    assert one == two
    assert gzip.decompress(one).decode() == (tmp_path / "one.tsv").read_text()


def test_tables_mark_missing_values(tmp_path: Path) -> None:
    write_table(tmp_path / "t.tsv", pd.DataFrame({"a": [1.0, np.nan]}))
    assert (tmp_path / "t.tsv").read_text() == "a\n1\nNA\n"


@pytest.fixture
def counted(tmp_path: Path) -> Path:
    """Cells x genes with a layer, and names."""
    matrix = sp.random(90, 40, density=0.2, format="csr", random_state=0, dtype=np.float32)
    adata = ad.AnnData(matrix, layers={"counts": (matrix * 4).ceil()})
    adata.obs["batch"] = pd.Categorical(["a", "b"] * 45)
    adata.varm["PCs"] = np.ones((40, 2), dtype=np.float32)
    write_h5ad(adata, tmp_path / "counted.h5ad")
    return tmp_path / "counted.h5ad"


def test_columns_are_read_in_blocks(counted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scsiameseclu.store.files.BLOCK_CELLS", 32)
    whole = ad.read_h5ad(counted).layers["counts"]
    for columns in (np.array([3, 1, 30]), np.arange(40) % 3 == 0):
        part = read_columns(counted, "layers/counts", columns)
        assert (part != whole[:, columns]).nnz == 0
        assert part.dtype == whole.dtype
    rows = np.arange(90) % 7 < 3
    part = read_columns(counted, "layers/counts", np.array([3, 1, 30]), rows=rows)
    assert (part != whole[rows][:, [3, 1, 30]]).nnz == 0


def test_cells_and_genes_are_copied_in_blocks(
    counted: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scsiameseclu.store.files.BLOCK_CELLS", 32)
    whole = ad.read_h5ad(counted).layers["counts"]
    rows, columns = np.arange(90) > 40, np.arange(40) % 3 == 0  # none of the first block
    target = tmp_path / "part.h5ad"
    write_h5ad(
        ad.AnnData(obs=pd.DataFrame(index=[str(i) for i in range(49)]), shape=(49, 14)),
        target,
        fill=lambda file: copy_part(counted, "layers/counts", rows, columns, file, "layers/some"),
    )
    part = ad.read_h5ad(target).layers["some"]
    assert (part != whole[rows][:, columns]).nnz == 0
    assert part.dtype == whole.dtype


def test_slots_can_be_left_unread(counted: Path) -> None:
    light = read_h5ad(counted, without=["X", "layers"])
    assert light.X is None
    assert not light.layers
    pd.testing.assert_frame_equal(light.obs, ad.read_h5ad(counted).obs)
    assert light.varm["PCs"].shape == (40, 2)


def test_matrices_are_copied_as_they_lie_on_disk(counted: Path, tmp_path: Path) -> None:
    light = read_h5ad(counted, without=["X", "layers"])
    light.obs["more"] = 1
    write_h5ad(
        light,
        tmp_path / "joined.h5ad",
        fill=lambda file: copy_elements(counted, ("X", "layers/counts"), file),
    )
    before, joined = ad.read_h5ad(counted), ad.read_h5ad(tmp_path / "joined.h5ad")
    assert (joined.X != before.X).nnz == 0
    assert (joined.layers["counts"] != before.layers["counts"]).nnz == 0
    assert list(joined.obs) == ["batch", "more"]
