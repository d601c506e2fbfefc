"""Which matrix of a file has the counts: by what the matrices hold and how they relate."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pytest
from scipy.sparse import csc_matrix, csr_matrix

from scsiameseclu.errors import UserError
from scsiameseclu.io.readers import read_counts
from scsiameseclu.io.request import ReadRequest

Parts = dict[str, np.ndarray]


@pytest.fixture
def parts(counts) -> Parts:
    """All molecules of each gene and cell, divided at random as velocyto does."""
    rng = np.random.default_rng(1)
    unspliced = rng.binomial(counts.values, 0.3)
    ambiguous = rng.binomial(counts.values - unspliced, 0.1)
    return {
        "ambiguous": ambiguous,
        "spliced": counts.values - unspliced - ambiguous,
        "unspliced": unspliced,
    }


@pytest.fixture
def logged(counts, tmp_path: Path) -> Callable[..., Path]:
    """Write an h5ad with log-normalised X and the given layers."""

    def write(**layers: np.ndarray) -> Path:
        adata = counts.adata
        depth = counts.values.sum(axis=1, keepdims=True)
        adata.X = csr_matrix(np.log1p(counts.values / depth * 1e4).astype("float32"))
        for name, values in layers.items():
            adata.layers[name] = csr_matrix(values).astype("float32")
        adata.write_h5ad(tmp_path / "a.h5ad")
        return tmp_path / "a.h5ad"

    return write


def test_the_sum_of_other_layers(logged, parts: Parts, counts) -> None:
    adata = read_counts(logged(zz_all=counts.values, **parts))
    np.testing.assert_array_equal(adata.X.toarray(), counts.values)
    assert any("layer zz_all" in note for note in adata.uns["source"]["detected"])


def test_parts_without_their_sum_ask_for_a_layer(logged, parts: Parts) -> None:
    path = logged(**parts)
    with pytest.raises(UserError, match="ambiguous, spliced, unspliced; set column `layer`"):
        read_counts(path)
    spliced = read_counts(path, ReadRequest(layer="spliced"))
    np.testing.assert_array_equal(spliced.X.toarray(), parts["spliced"])


def test_a_single_part_is_not_the_counts(logged, parts: Parts) -> None:
    with pytest.raises(UserError, match="unspliced; set column `layer`"):
        read_counts(logged(unspliced=parts["unspliced"]))


def test_equal_layers_are_one(logged, counts) -> None:
    adata = read_counts(logged(one=counts.values, two=counts.values))
    np.testing.assert_array_equal(adata.X.toarray(), counts.values)


def test_zeros_and_ones_are_not_the_counts(logged, counts, tmp_path: Path) -> None:
    detected = (counts.values > 0).astype(int)
    adata = read_counts(logged(detected=detected, umi=counts.values))
    np.testing.assert_array_equal(adata.X.toarray(), counts.values)
    binary = counts.adata
    binary.layers["umi"] = binary.X.copy()
    binary.X = csr_matrix(detected.astype("float32"))
    binary.write_h5ad(tmp_path / "b.h5ad")
    adata = read_counts(tmp_path / "b.h5ad")
    np.testing.assert_array_equal(adata.X.toarray(), counts.values)


def test_counts_in_columns_of_csc(logged, parts: Parts, counts, tmp_path: Path) -> None:
    adata = ad.read_h5ad(logged(**parts))
    adata.layers["total"] = csc_matrix(counts.values.astype("float32"))
    adata.write_h5ad(tmp_path / "b.h5ad")
    np.testing.assert_array_equal(read_counts(tmp_path / "b.h5ad").X.toarray(), counts.values)


def test_antibodies_in_an_h5ad(counts, tmp_path: Path) -> None:
    adata = counts.adata
    adata.var["feature_types"] = ["Gene Expression"] * 55 + ["Antibody Capture"] * 5
    adata.write_h5ad(tmp_path / "a.h5ad")
    read = read_counts(tmp_path / "a.h5ad")
    np.testing.assert_array_equal(read.X.toarray(), counts.values[:, :55])
    adata.var["feature_types"] = "Peaks"
    adata.write_h5ad(tmp_path / "a.h5ad")
    with pytest.raises(UserError, match=r"but: Peaks \(60\)"):
        read_counts(tmp_path / "a.h5ad")


def test_expected_counts_of_a_dense_h5ad(counts, tmp_path: Path) -> None:
    adata = counts.adata
    adata.X = (counts.values * 20 + 0.25 * (counts.values > 3)).astype("float32")
    adata.write_h5ad(tmp_path / "a.h5ad")
    with pytest.raises(UserError, match="set column `counts` to round"):
        read_counts(tmp_path / "a.h5ad")
    read = read_counts(tmp_path / "a.h5ad", ReadRequest(counts="round"))
    np.testing.assert_array_equal(read.X.toarray(), counts.values * 20)


def test_loom_of_normalised_values_with_layers(counts, parts: Parts, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.loom", "w") as file:
        file["matrix"] = np.log1p(counts.values.T / 3)
        for name, values in {"total": counts.values, **parts}.items():
            file[f"layers/{name}"] = values.T
        file["row_attrs/Gene"] = np.array(counts.symbols, dtype="S")
        file["col_attrs/CellID"] = np.array(counts.barcodes, dtype="S")
    read = read_counts(tmp_path / "a.loom")
    np.testing.assert_array_equal(read.X.toarray(), counts.values)


def test_genes_of_cellbender(counts, write) -> None:
    path = write("10x_h5")
    with h5py.File(path, "r+") as file:
        for old, new in (("id", "genes"), ("name", "gene_names")):
            file.move(f"matrix/features/{old}", f"matrix/{new}")
        del file["matrix/features"]
    read = read_counts(path)
    np.testing.assert_array_equal(read.X.toarray(), counts.values)
    assert read.var["gene_symbol"].tolist() == counts.symbols


def test_probes_of_flex_are_added(counts, write) -> None:
    path = write("10x_h5")
    with h5py.File(path, "r+") as file:
        features = file["matrix/features"]
        features["gene_id"] = np.array([counts.ids[place // 3] for place in range(60)], dtype="S")
        names = [counts.symbols[place // 3] for place in range(60)]
        features["gene_name"] = np.array(names, dtype="S")
    read = read_counts(path)
    by_gene = counts.values.reshape(40, 20, 3).sum(axis=2)
    np.testing.assert_array_equal(read.X.toarray(), by_gene)
    assert read.var["gene_symbol"].tolist() == counts.symbols[:20]


def test_mudata(counts, tmp_path: Path) -> None:
    counts.adata.write_h5ad(tmp_path / "rna.h5ad")
    path = tmp_path / "a.h5mu"
    with h5py.File(path, "w") as file, h5py.File(tmp_path / "rna.h5ad") as rna:
        file.create_group("obs")
        file.create_group("var")
        for name in ("rna", "prot"):
            rna.copy(rna["/"], file, name=f"mod/{name}")
    read = read_counts(path)
    np.testing.assert_array_equal(read.X.toarray(), counts.values)
    assert any("modality rna" in note for note in read.uns["source"]["detected"])
    with h5py.File(path, "r+") as file:
        file.move("mod/rna", "mod/atac")
    with pytest.raises(UserError, match="modalities atac, prot"):
        read_counts(path)


def test_a_column_of_metadata_that_cannot_be_read(counts, tmp_path: Path) -> None:
    adata = counts.adata
    adata.obs["bad"], adata.obs["good"] = 1, ["x", "y"] * 20
    adata.write_h5ad(tmp_path / "a.h5ad")
    with h5py.File(tmp_path / "a.h5ad", "r+") as file:
        del file["obs/bad"]
        file["obs/bad"] = h5py.Empty("f4")
        file["obs/bad"].attrs["encoding-type"] = "of the future"
        file["obs/bad"].attrs["encoding-version"] = "9.0.0"
    read = read_counts(tmp_path / "a.h5ad")
    assert read.obs["good"].tolist() == ["x", "y"] * 20
    assert read.obs.columns.tolist() == ["good"]
    assert any("left out: bad" in message for message in read.uns["source"]["detected"])


def test_cellxgene(logged, counts, tmp_path: Path) -> None:
    """Normalised X with counts in raw, genes by Ensembl id, symbols in feature_name."""
    adata = ad.read_h5ad(logged())
    adata.var = adata.var.assign(feature_name=counts.symbols).set_index("gene_id")
    raw = adata.copy()
    raw.X = csr_matrix(counts.values.astype("float32"))
    adata.raw = raw
    adata.write_h5ad(tmp_path / "b.h5ad")
    read = read_counts(tmp_path / "b.h5ad")
    np.testing.assert_array_equal(read.X.toarray(), counts.values)
    assert read.var["gene_symbol"].tolist() == counts.symbols
    assert read.var["gene_id"].tolist() == counts.ids


def test_velocyto_loom(counts, parts: Parts, tmp_path: Path) -> None:
    """The main matrix has all molecules; gene attributes name ids and symbols."""
    with h5py.File(tmp_path / "a.loom", "w") as file:
        file["matrix"] = counts.values.T.astype("float32")
        for name, values in parts.items():
            file[f"layers/{name}"] = values.T.astype("uint32")
        for name, values in (("Gene", counts.symbols), ("Accession", counts.ids)):
            file[f"row_attrs/{name}"] = np.array(values, dtype="S")
        file["row_attrs/Start"] = np.arange(60)
        file["col_attrs/CellID"] = np.array([f"run:{name}x" for name in counts.barcodes], "S")
    read = read_counts(tmp_path / "a.loom")
    np.testing.assert_array_equal(read.X.toarray(), counts.values)
    assert read.var["gene_id"].tolist() == counts.ids


@pytest.fixture
def loom(counts, tmp_path: Path) -> Callable[..., Path]:
    """Write a loom file with the given main matrix and layers, (n_cells, n_genes)."""

    def write(main: np.ndarray, **layers: np.ndarray) -> Path:
        with h5py.File(tmp_path / "a.loom", "w") as file:
            file["matrix"] = main.T
            for name, values in layers.items():
                file[f"layers/{name}"] = values.T
            file["row_attrs/Gene"] = np.array(counts.symbols, dtype="S")
            file["col_attrs/barcodes"] = np.array(counts.barcodes, dtype="S")
        return tmp_path / "a.loom"

    return write


@pytest.mark.parametrize("main", ["log", "zero", "detected", "bins", "counts"])
def test_layers_of_a_loom_are_chosen_like_those_of_an_h5ad(
    main: str, loom, parts: Parts, counts
) -> None:
    matrix = {
        "log": np.log1p(counts.values / 3),
        "zero": np.zeros_like(counts.values),
        "detected": (counts.values > 0).astype(int),
        "bins": np.minimum(counts.values, 3),
        "counts": counts.values,
    }[main]
    read = read_counts(loom(matrix, counts=counts.values, **parts))
    np.testing.assert_array_equal(read.X.toarray(), counts.values)
    assert read.obs_names.tolist() == counts.barcodes


def test_bins_are_not_the_counts(counts, tmp_path: Path) -> None:
    adata = counts.adata
    adata.layers["raw_counts"] = adata.X.copy()
    adata.X.data = np.minimum(adata.X.data, 3)
    adata.write_h5ad(tmp_path / "a.h5ad")
    np.testing.assert_array_equal(read_counts(tmp_path / "a.h5ad").X.toarray(), counts.values)


def test_what_is_no_matrix_among_the_layers_is_left_alone(counts, tmp_path: Path) -> None:
    counts.adata.write_h5ad(tmp_path / "a.h5ad")
    with h5py.File(tmp_path / "a.h5ad", "a") as file:
        file["layers/nested/x"] = counts.values
        file["layers/null"] = h5py.Empty("f")
        file.create_group("layers/group")["a"] = 1
    np.testing.assert_array_equal(read_counts(tmp_path / "a.h5ad").X.toarray(), counts.values)


def test_a_column_of_biotypes_does_not_name_the_genes(counts, tmp_path: Path) -> None:
    adata = counts.adata
    adata.var = adata.var.set_index("gene_id").assign(gene=["protein_coding", "lncRNA"] * 30)
    adata.write_h5ad(tmp_path / "a.h5ad")
    assert read_counts(tmp_path / "a.h5ad").var_names.tolist() == counts.ids


def test_missing_fields_of_a_table_have_no_layer(counts, tmp_path: Path) -> None:
    table = counts.adata.to_df().T.astype(int).astype(object)
    table.iloc[3, 4] = ""
    table.to_csv(tmp_path / "a.csv", index_label="gene")
    with pytest.raises(UserError, match=r"write 0 for genes without counts, and use raw counts$"):
        read_counts(tmp_path / "a.csv")


def named_like_slots(counts, path: Path, *, log_x: bool, layers: Parts, raw: bool) -> Path:
    """An h5ad whose layers have the names of slots; .raw has logarithms, and genes reversed."""
    logs = csr_matrix(np.log1p(counts.values * 1.5).astype("float32"))
    adata = counts.adata
    if raw:
        turned = np.arange(adata.n_vars)[::-1]
        adata.raw = ad.AnnData(logs[:, turned], obs=adata.obs, var=adata.var.iloc[turned])
    if log_x:
        adata.X = logs
    for name, values in layers.items():
        adata.layers[name] = csr_matrix(values.astype("float32"))
    adata.write_h5ad(path / "a.h5ad")
    return path / "a.h5ad"


@pytest.mark.parametrize(
    ("log_x", "layer", "raw", "kind"),
    [
        (True, "raw", True, "counts"),
        (True, "raw", False, "counts"),
        (True, "X", False, "counts"),
        (False, "X", False, "binary"),
        (False, "X", False, "logs"),
        (False, "raw", True, "logs"),
    ],
)
@pytest.mark.parametrize("requested", [False, True])
def test_layers_named_like_slots(
    counts, tmp_path: Path, log_x: bool, layer: str, raw: bool, kind: str, requested: bool
) -> None:
    values = {"counts": counts.values, "binary": counts.values > 0, "logs": counts.values / 2}[kind]
    path = named_like_slots(counts, tmp_path, log_x=log_x, layers={layer: values}, raw=raw)
    right = layer if kind == "counts" else "X"
    adata = read_counts(path, ReadRequest(layer=right if requested else None))
    assert adata.var["gene_symbol"].tolist() == counts.symbols
    np.testing.assert_array_equal(adata.X.toarray(), counts.values)
    place = f"layer {layer}" if kind == "counts" else "the matrix X"
    assert any(f"counts read from {place}" in note for note in adata.uns["source"]["detected"])
