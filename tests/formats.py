"""One small count matrix, and writers of every format that can hold it."""

import gzip
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pandas as pd
from scipy.io import mmwrite
from scipy.sparse import csr_matrix

LETTERS = np.array(list("ACGT"))


@dataclass
class Counts:
    """Counts with names: dense (n_cells, n_genes)."""

    values: np.ndarray
    barcodes: list[str]
    ids: list[str]
    symbols: list[str]

    @property
    def adata(self) -> ad.AnnData:
        var = pd.DataFrame({"gene_id": self.ids}, index=self.symbols)
        obs = pd.DataFrame(index=self.barcodes)
        return ad.AnnData(csr_matrix(self.values.astype("float32")), obs=obs, var=var)


def small_counts() -> Counts:
    """40 cells x 60 genes."""
    rng = np.random.default_rng(7)
    values = rng.poisson(rng.gamma(0.3, 4.0, size=60), size=(40, 60))
    barcodes = ["".join(LETTERS[rng.integers(0, 4, 16)]) + "-1" for _ in range(40)]
    ids = [f"ENSG{number:011d}" for number in range(60)]
    return Counts(values, barcodes, ids, [f"SYM{number}" for number in range(60)])


def write_10x_h5(counts: Counts, path: Path) -> Path:
    turned = csr_matrix(counts.values)
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix")
        for name in ("data", "indices", "indptr"):
            group[name] = getattr(turned, name)
        group["shape"] = counts.values.shape[::-1]
        group["barcodes"] = np.array(counts.barcodes, dtype="S")
        group["features/id"] = np.array(counts.ids, dtype="S")
        group["features/name"] = np.array(counts.symbols, dtype="S")
        group["features/feature_type"] = np.array([b"Gene Expression"] * len(counts.ids))
        group["features/genome"] = np.array([b"GRCh38"] * len(counts.ids))
    return path


def write_10x_h5_v2(counts: Counts, path: Path) -> Path:
    turned = csr_matrix(counts.values)
    with h5py.File(path, "w") as file:
        group = file.create_group("hg19")
        for name in ("data", "indices", "indptr"):
            group[name] = getattr(turned, name)
        group["shape"] = counts.values.shape[::-1]
        group["barcodes"] = np.array(counts.barcodes, dtype="S")
        group["genes"] = np.array(counts.ids, dtype="S")
        group["gene_names"] = np.array(counts.symbols, dtype="S")
    return path


def write_mtx(counts: Counts, path: Path) -> Path:
    path.mkdir()
    mmwrite(path / "matrix.mtx", csr_matrix(counts.values.T))
    (path / "barcodes.tsv").write_text("\n".join(counts.barcodes) + "\n")
    lines = [f"{one}\t{two}\n" for one, two in zip(counts.ids, counts.symbols, strict=True)]
    (path / "genes.tsv").write_text("".join(lines))
    return path


def write_mtx_gz(counts: Counts, path: Path) -> Path:
    write_mtx(counts, path)
    (path / "genes.tsv").rename(path / "features.tsv")
    for plain in list(path.iterdir()):
        with gzip.open(plain.with_name(f"GSM1_{plain.name}.gz"), "wb") as packed:
            packed.write(plain.read_bytes())
        plain.unlink()
    return path


def write_h5ad(counts: Counts, path: Path) -> Path:
    counts.adata.write_h5ad(path)
    return path


def write_h5ad_dense(counts: Counts, path: Path) -> Path:
    adata = counts.adata
    adata.layers["counts"] = adata.X.toarray()
    adata.X = np.log1p(adata.X.toarray())
    adata.write_h5ad(path)
    return path


def write_h5ad_raw(counts: Counts, path: Path) -> Path:
    adata = counts.adata
    adata.raw = adata.copy()
    scaled = adata.X.toarray() - adata.X.toarray().mean(axis=0) + 0.25
    adata = ad.AnnData(scaled[:, :10], obs=adata.obs, raw=adata.raw.to_adata())
    adata.write_h5ad(path)
    return path


def write_loom(counts: Counts, path: Path) -> Path:
    with h5py.File(path, "w") as file:
        file["matrix"] = counts.values.T
        file.create_group("layers")
        file["row_attrs/Gene"] = np.array(counts.symbols, dtype="S")
        file["row_attrs/Accession"] = np.array(counts.ids, dtype="S")
        file["col_attrs/CellID"] = np.array(counts.barcodes, dtype="S")
    return path


def write_xy(counts: Counts, path: Path) -> Path:
    with h5py.File(path, "w") as file:
        file["X"] = counts.values.astype("float64")
        file["Y"] = np.arange(len(counts.barcodes)) % 3.0
    return path


def frame(counts: Counts) -> pd.DataFrame:
    """Cells x genes, genes by id."""
    return pd.DataFrame(counts.values, index=counts.barcodes, columns=counts.ids)


def write_csv_genes(counts: Counts, path: Path) -> Path:
    frame(counts).T.to_csv(path)
    return path


def write_csv_cells(counts: Counts, path: Path) -> Path:
    frame(counts).to_csv(path)
    return path


def write_tsv_r(counts: Counts, path: Path) -> Path:
    """As R's write.table: quoted, the header shorter by one."""
    body = frame(counts).T.to_csv(sep="\t", header=False, quoting=2)
    header = "\t".join(f'"{name}"' for name in counts.barcodes)
    with gzip.open(path, "wt") as stream:
        stream.write(f"{header}\n{body}")
    return path


WRITERS: dict[str, tuple[Callable[[Counts, Path], Path], str, str]] = {
    # writer, name, the format that should be told
    "10x_h5": (write_10x_h5, "a.h5", "10x_h5"),
    "10x_h5_v2": (write_10x_h5_v2, "a.h5", "10x_h5"),
    "mtx": (write_mtx, "folder", "10x_mtx"),
    "mtx_gz_prefixed": (write_mtx_gz, "folder", "10x_mtx"),
    "h5ad": (write_h5ad, "a.h5ad", "h5ad"),
    "h5ad_dense_layer": (write_h5ad_dense, "a.h5ad", "h5ad"),
    "h5ad_raw": (write_h5ad_raw, "a.h5ad", "h5ad"),
    "loom": (write_loom, "a.loom", "loom"),
    "xy": (write_xy, "a.h5", "xy_h5"),
    "csv_genes": (write_csv_genes, "a.csv", "csv"),
    "csv_cells": (write_csv_cells, "a.csv", "csv"),
    "csv_zip": (write_csv_cells, "a.csv.zip", "csv"),
    "tsv_r": (write_tsv_r, "a.txt.gz", "tsv"),
}
