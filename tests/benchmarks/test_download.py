"""The recipe that downloads the benchmark data: parsing, checksums, the h5ad it writes."""

import gzip
import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from accuracy import SETS
from download import Lock, main, overview, read_sources, sha256_of
from source_readers import READERS, geo, mixology, mudan, pbmc3k, scorpius, xy

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "benchmarks" / "sources.json"

GEO = ",barcode,assigned_cluster,Ins2,Gcg\nc1,AAAC,beta,90,0\nc2,TTTG,alpha,1,70\n"


BY_HAND = {
    *("cellbench5_3plate", "darmanis_brain", "human_kidney_young", "joost_epidermis"),
    *("marques_oligo", "mouse_bladder_hvg", "pbmc_10x_4k", "pollen_11lines"),
    "zilionis_mouse_lung",
}
"""Sets that download.py does not fetch; benchmarks/README.md names the repositories."""


def test_every_benchmark_data_set_has_a_source() -> None:
    sources = read_sources(SOURCES)
    files = {file.removesuffix(".h5ad") for file, _, _ in SETS.values()}
    assert files - set(sources) == BY_HAND
    told = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in told for name in BY_HAND)
    assert all(file.url.startswith("https://") for s in sources.values() for file in s.files)


def test_geo_tables_are_joined_with_their_batches(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(GEO.encode()))
    (tmp_path / "b.csv.gz").write_bytes(
        gzip.compress(GEO.replace("c1", "c3").replace("c2", "c4").encode())
    )
    adata = geo([tmp_path / "a.csv.gz", tmp_path / "b.csv.gz"], ["mouse1", "mouse2"])
    assert list(adata.var_names) == ["Ins2", "Gcg"]
    assert adata.X.toarray().tolist() == [[90, 0], [1, 70], [90, 0], [1, 70]]
    assert list(adata.obs["batch"]) == ["mouse1", "mouse1", "mouse2", "mouse2"]
    assert list(adata.obs["cell_type"]) == ["beta", "alpha"] * 2


def test_mixology_keeps_genes_of_both_batches_and_orders_metadata(tmp_path: Path) -> None:
    counts = '"C1","C2"\n"ENSG1",1,2\n"ENSG2",3,4\n'
    other = '"C1","C2"\n"ENSG2",5,6\n"ENSG3",7,8\n'
    metadata = '"cell_line","demuxlet_cls"\n"C2","H2228","DBL"\n"C1","H1975","SNG"\n'
    paths = [tmp_path / f"{n}.csv" for n in range(4)]
    for path, text in zip(paths, (counts, metadata, other, metadata), strict=True):
        path.write_text(text)
    adata = mixology(paths, ["x", None, "y", None])
    assert list(adata.var_names) == ["ENSG2"]
    assert adata.X.toarray().ravel().tolist() == [3, 4, 5, 6]
    assert list(adata.obs_names) == ["x_C1", "x_C2", "y_C1", "y_C2"]
    assert list(adata.obs["cell_type"]) == ["H1975", "H2228"] * 2


def test_xy(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["X"], file["Y"] = np.array([[0.0, 3], [2, 0]]), np.array([5.0, 1])
    adata = xy([tmp_path / "a.h5"], [None])
    assert adata.X.toarray().tolist() == [[0, 3], [2, 0]]
    assert list(adata.obs["cell_type"]) == ["type_5", "type_1"]


def dgc_matrix(cells_by_genes: np.ndarray) -> dict[str, Any]:
    """The slots of R's dgCMatrix, genes x cells."""
    columns = sp.csc_matrix(cells_by_genes.T)
    n_cells, n_genes = cells_by_genes.shape
    genes, cells = [f"g{n}" for n in range(n_genes)], [f"c{n}" for n in range(n_cells)]
    return {
        "i": columns.indices.astype(np.int32),
        "p": columns.indptr.astype(np.int32),
        "x": columns.data.astype(float),
        "Dim": np.array([n_genes, n_cells], dtype=np.int32),
        "Dimnames": [np.array(genes), np.array(cells)],
    }


def test_pbmc3k_from_an_r_file(tmp_path: Path) -> None:
    import rdata

    matrix = np.array([[1, 1, 0], [0, 2, 0]])
    slots = dgc_matrix(matrix)
    slots["x"] = {
        "lengths": np.array([2, 1], dtype=np.int32),
        "values": np.array([1, 2], dtype=np.int32),
    }
    slots["cell_type"] = pd.Categorical(["B", "NK"])
    rdata.write_rda(tmp_path / "pbmc3k.RData", {"pbmc3k": slots})
    adata = pbmc3k([tmp_path / "pbmc3k.RData"], [None])
    assert adata.X.toarray().tolist() == matrix.tolist()
    assert list(adata.obs_names) == ["c0", "c1"]
    assert list(adata.obs["cell_type"]) == ["B", "NK"]


def test_mudan_reads_an_s4_object(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    matrix = np.array([[0, 4], [5, 0], [1, 1]])
    objects = {
        "counts.rda": {"referenceCounts": SimpleNamespace(**dgc_matrix(matrix))},
        "types.rda": {"referenceAnnot": pd.Categorical(["nk", "bcells", None])},
    }
    monkeypatch.setattr("source_readers._r_objects", lambda path: objects[path.name])
    adata = mudan([tmp_path / "counts.rda", tmp_path / "types.rda"], [None, None])
    assert adata.X.toarray().tolist() == matrix.tolist()
    assert list(adata.obs["cell_type"])[:2] == ["nk", "bcells"]
    assert adata.obs["cell_type"].isna().tolist() == [False, False, True]


def test_scorpius_keeps_logged_values(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import xarray

    expression = xarray.DataArray(
        [[0.5, 9.0]], dims=["dim_0", "dim_1"], coords={"dim_0": ["s1"], "dim_1": ["Mpo", "Ly6d"]}
    )
    groups = pd.DataFrame({"group_name": ["MDP"]}, index=["s1"])
    objects = {"ginhoux": {"expression": expression, "sample_info": groups}}
    monkeypatch.setattr("source_readers._r_objects", lambda path: objects)
    adata = scorpius([tmp_path / "ginhoux.rda"], [None])
    assert adata.X.toarray().tolist() == [[0.5, 9.0]]
    assert list(adata.obs["time"]) == ["MDP"]


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    """A table of one data set whose file lies on this machine."""
    remote = tmp_path / "remote" / "mouse.csv"
    remote.parent.mkdir()
    remote.write_text(GEO)
    file = {"url": remote.as_uri(), "sha256": None, "batch": "mouse1"}
    table = {"publication": "p", "accession": "a", "reader": "geo", "files": [file]}
    path = tmp_path / "sources.json"
    path.write_text(json.dumps({"mouse": table}))
    return path


def download(sources: Path, data: Path) -> None:
    lock = sources.parent / "downloads.lock"
    main(["--sources", str(sources), "--lock", str(lock), "--data", str(data)])


def test_first_download_is_recorded_and_later_ones_verified(sources: Path, tmp_path: Path) -> None:
    download(sources, tmp_path / "data")
    remote = tmp_path / "remote" / "mouse.csv"
    lock = Lock(tmp_path / "downloads.lock")
    assert lock.sums == {remote.as_uri(): sha256_of(remote)}
    adata = ad.read_h5ad(tmp_path / "data" / "mouse.h5ad")
    assert adata.shape == (2, 2)
    assert json.loads(adata.uns["source"])["files"] == lock.sums
    assert "checksum recorded" in overview(read_sources(sources), lock)

    shutil.rmtree(tmp_path / "data")
    remote.write_text(GEO.replace("90", "91"))
    with pytest.raises(SystemExit, match="expected"):
        download(sources, tmp_path / "data")
    assert not (tmp_path / "data" / "mouse.h5ad").exists()
    assert not list((tmp_path / "data").rglob("*.csv"))


def test_a_known_checksum_is_verified_at_once(sources: Path, tmp_path: Path) -> None:
    sources.write_text(sources.read_text().replace("null", json.dumps("0" * 64)))
    with pytest.raises(SystemExit, match="0" * 64):
        download(sources, tmp_path / "data")
    assert not (tmp_path / "downloads.lock").exists()


def test_a_failed_download_leaves_nothing(sources: Path, tmp_path: Path) -> None:
    (tmp_path / "remote" / "mouse.csv").unlink()
    with pytest.raises(SystemExit, match="download failed"):
        download(sources, tmp_path / "data")
    assert [path for path in (tmp_path / "data").rglob("*") if path.is_file()] == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [('"geo"', '"excel"', "unknown reader"), ("null", '"12ab"', "malformed SHA-256")],
)
def test_mistakes_in_the_table(sources: Path, old: str, new: str, message: str) -> None:
    sources.write_text(sources.read_text().replace(old, new))
    with pytest.raises(SystemExit, match=message):
        read_sources(sources)


def test_real_files_give_the_data_that_was_measured(data_dir: Path) -> None:
    raw = data_dir / "raw"
    cases = [
        ("cite_cbmc", xy([raw / "CITE_CBMC_counts_top2000.h5"], [None]), None),
        ("baron_mouse", geo([raw / "baron_mouse1.csv.zip"], ["mouse1"]), "mouse1"),
    ]
    for name, converted, batch in cases:
        measured = ad.read_h5ad(data_dir / f"{name}.h5ad")
        if batch:
            measured = measured[measured.obs["batch"] == batch]
        assert (converted.X != measured.X).nnz == 0
        labels = (cells.obs["cell_type"].to_numpy() for cells in (converted, measured))
        types = pd.crosstab(*labels)
        assert ((types > 0).sum(axis=1) == 1).all()  # a label of one is a label of the other
        assert ((types > 0).sum(axis=0) == 1).all()


def test_known_checksums_are_those_of_the_real_files(data_dir: Path) -> None:
    known = {f.name: f.sha256 for s in read_sources(SOURCES).values() for f in s.files if f.sha256}
    assert known
    for name, sha256 in known.items():
        assert sha256_of(data_dir / "raw" / name) == sha256


def test_all_readers_are_used() -> None:
    assert {source.reader for source in read_sources(SOURCES).values()} == set(READERS)
