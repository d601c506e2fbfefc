"""Every format gives back the same counts; corrupt files give one sentence."""

import gzip

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csc_matrix, csr_matrix

import scsiameseclu.io.blocks as blocks
from scsiameseclu.errors import UserError
from scsiameseclu.io.readers import load, read_counts
from scsiameseclu.io.request import ReadRequest

AUTO = ReadRequest()


def fails(path, *words, request=AUTO):
    """Reading ends in one sentence that names the file and these words."""
    with pytest.raises(UserError) as caught:
        read_counts(path, request)
    sentence = str(caught.value)
    assert "\n" not in sentence
    for word in (str(path), *words):
        assert word in sentence
    return sentence


def test_every_format_gives_back_the_same_counts(counts, write, any_format):
    kind, told = any_format
    adata = read_counts(write(kind), AUTO)
    assert adata.X.format == "csr"
    assert adata.X.dtype == np.float32
    np.testing.assert_array_equal(adata.X.toarray(), counts.values)
    assert adata.uns["source"]["format"] == told
    assert adata.var.columns.tolist() == ["gene_id", "gene_symbol"]
    if kind == "xy":
        assert adata.obs["Y"].tolist() == [str(number % 3) for number in range(40)]
        return
    assert adata.obs_names.tolist() == counts.barcodes
    assert adata.var["gene_id"].tolist() == counts.ids
    symbols = counts.ids if told in ("csv", "tsv") else counts.symbols
    assert adata.var_names.tolist() == adata.var["gene_symbol"].tolist() == symbols


def test_reading_in_small_blocks_changes_nothing(counts, write, any_format, monkeypatch):
    monkeypatch.setattr(blocks, "BLOCK_VALUES", 150)
    adata = read_counts(write(any_format[0]), AUTO)
    np.testing.assert_array_equal(adata.X.toarray(), counts.values)


def test_a_file_cut_in_half_is_one_sentence(write, any_format):
    path = write(any_format[0])
    for file in sorted(path.iterdir()) if path.is_dir() else [path]:
        if "matrix" in file.name or file == path:
            content = file.read_bytes()
            file.write_bytes(content[: len(content) // 2 + 1])
    fails(path)


def test_a_real_file_cut_in_half_is_one_sentence(data_dir, tmp_path):
    for name in ("pbmc3k.h5ad", "raw/mpfc-starmap.loom", "raw/sc_dropseq.count.csv.gz"):
        whole = data_dir / name
        path = tmp_path / whole.name
        path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
        fails(path, "cannot be read", "again")


@pytest.mark.parametrize("name", ["a.h5ad", "a.h5", "a.loom"])
def test_text_named_like_hdf5(tmp_path, name):
    (tmp_path / name).write_text("this is no HDF5")
    fails(tmp_path / name, "not an HDF5 file")


def test_what_is_no_table_of_counts(tmp_path):
    path = tmp_path / "a.csv"
    for content, words in {
        "": "is empty",
        "gene,a,b\n": "has no table",
        "gene,a,b\nx,1,2\ny,1\n": "has 2 fields in line 3 but 3 in its header",
        "gene,a,b\nx,1,2\ny,1,2,3\n": "has 4 fields in line 3",
        "just a line\nand another\n": "2 fields in line 2",
        "1,0,0,3\n0,0,0,2\n": "has no header",
        "gene,type\nx,y\n": "no numeric column",
        "a\n1\n2\n": "one field",
    }.items():
        path.write_text(content)
        fails(path, words)
    path.write_bytes(b"PK\0\0\0\0")
    fails(path, "is not text")
    fails(tmp_path / "absent.csv", "does not exist")
    (tmp_path / "a.rds").write_bytes(b"RDX3")
    fails(tmp_path / "a.rds", "is an R object", "write10xCounts")
    (tmp_path / "a.dat").write_bytes(b"RDX3")
    fails(tmp_path / "a.dat", "has an unknown format", ".h5ad")


def test_a_word_where_a_number_should_be_is_named(tmp_path):
    path = tmp_path / "a.csv"
    rows = "".join(f"gene_{number},1,2\n" for number in range(60))
    path.write_text(f"gene,a,b\n{rows}gene_60,1,oops\n")
    fails(path, "'oops'", "line 62", "column 'b'")


def test_missing_numbers_in_a_table_are_counted(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("gene,a,b\nx,1,NA\ny,,2\n")
    fails(path, "contains 2 missing values (NaN)")


def test_files_of_a_folder_that_disagree(write):
    folder = write("mtx")
    lines = (folder / "barcodes.tsv").read_text().splitlines()
    (folder / "barcodes.tsv").write_text("\n".join(lines[:-3]) + "\n")
    fails(folder, "inconsistent", "60 x 40", "60 genes", "37 cells")
    (folder / "barcodes.tsv").unlink()
    fails(folder, "lacks barcodes.tsv")
    (folder / "matrix.mtx").unlink()
    fails(folder, "not a 10x folder", "genes.tsv")


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace(text[200:264], "\0" * 64),
        lambda text: text[: len(text) // 2].rstrip() + "%",
        lambda text: text.rsplit("\n", 2)[0] + "\n",
        lambda text: text.rstrip().rsplit("\n", 1)[0] + "\n61 1 1\n",
    ],
    ids=["zeros", "half", "short", "outside"],
)
def test_damaged_mtx(write, damage):
    folder = write("mtx")
    text = (folder / "matrix.mtx").read_text()
    (folder / "matrix.mtx").write_text(damage(text))
    fails(folder, "cannot be read as 10x mtx (matrix.mtx)")


@pytest.mark.parametrize(
    "kind", ["array integer general", "coordinate pattern general", "coordinate integer symmetric"]
)
def test_mtx_of_another_kind_is_not_called_damaged(write, kind):
    folder = write("mtx")
    _, rest = (folder / "matrix.mtx").read_text().split("\n", 1)
    (folder / "matrix.mtx").write_text(f"%%MatrixMarket matrix {kind}\n{rest}")
    assert "damaged" not in fails(folder, f"kind {kind}", "coordinate integer general")


@pytest.mark.parametrize("factor", [1, 5000])
@pytest.mark.parametrize("layout", ["dense", "csr", "csc"])
def test_half_precision_is_exact_up_to_2048(counts, tmp_path, layout, factor):
    values = counts.values * factor
    matrix = {"dense": np.asarray, "csr": csr_matrix, "csc": csc_matrix}[layout](values)
    file = tmp_path / "half.h5ad"
    ad.AnnData(matrix.astype("float32")).write_h5ad(file)
    with h5py.File(file, "r+") as store:
        place = "X" if layout == "dense" else "X/data"
        stored, attributes = store[place][()], dict(store[place].attrs)
        del store[place]
        store[place] = np.minimum(stored, 60_000).astype("float16")
        store[place].attrs.update(attributes)
    adata = read_counts(file)
    if factor == 1:
        np.testing.assert_array_equal(adata.X.toarray(), values)
    warned = any("half precision" in text for text in load(file, ReadRequest()).warnings)
    assert warned == (factor > 1)


def test_labels_say_where_the_cells_are(counts, tmp_path):
    for name, matrix in (("rows", counts.values), ("columns", counts.values.T)):
        with h5py.File(tmp_path / f"{name}.h5", "w") as store:
            store["X"], store["Y"] = matrix, np.arange(len(counts.values)) % 3
        adata = read_counts(tmp_path / f"{name}.h5")
        np.testing.assert_array_equal(adata.X.toarray(), counts.values)


def test_mtx_with_cells_in_rows_is_told(counts, write):
    from scipy.io import mmwrite

    folder = write("mtx")
    mmwrite(folder / "matrix.mtx", csr_matrix(counts.values))
    adata = read_counts(folder, AUTO)
    np.testing.assert_array_equal(adata.X.toarray(), counts.values)
    fails(folder, "inconsistent", request=ReadRequest(orientation="genes_x_cells"))


def test_the_orientation_asked_for_is_taken(counts, write):
    path = write("csv_cells")
    adata = read_counts(path, ReadRequest(orientation="genes_x_cells"))
    np.testing.assert_array_equal(adata.X.toarray(), counts.values.T)


def test_genomes(data_dir):
    both = data_dir / "raw/10x_data/1.2.0/multiple_genomes.h5"
    fails(both, "another_genome, hg19_chr21")
    fails(both, "'mm10'", "another_genome", request=ReadRequest(genome="mm10"))
    one = read_counts(both, ReadRequest(genome="hg19_chr21"))
    assert one.shape == (12, 343)
    assert "DSCAM" in one.var_names


def test_layers_of_an_h5ad(counts, tmp_path):
    adata = counts.adata
    adata.layers["spliced"] = adata.X.copy()
    adata.X = np.log1p(adata.X.toarray())
    path = tmp_path / "a.h5ad"
    adata.write_h5ad(path)
    found = read_counts(path, AUTO)
    assert any("layer spliced" in sentence for sentence in found.uns["source"]["detected"])
    fails(path, "'umi'", "X, spliced", request=ReadRequest(layer="umi"))
    fails(path, "log-transformed", request=ReadRequest(layer="X"))


def test_what_a_format_does_not_know_is_refused(write):
    fails(write("csv_cells"), "`layer`", request=ReadRequest(layer="counts"))
    fails(write("h5ad"), "`genome`", request=ReadRequest(genome="GRCh38"))
    fails(write("loom"), "is loom, not h5ad", request=ReadRequest(format="h5ad"))
    fails(write("mtx"), "is not csv", request=ReadRequest(format="csv"))


def test_antibodies_are_left_out(counts, write):
    path = write("10x_h5")
    with h5py.File(path, "r+") as file:
        kinds = file["matrix/features/feature_type"][()].astype("S20")
        kinds[-5:] = b"Antibody Capture"
        del file["matrix/features/feature_type"]
        file["matrix/features/feature_type"] = kinds
    adata = read_counts(path, AUTO)
    np.testing.assert_array_equal(adata.X.toarray(), counts.values[:, :-5])


def test_indices_outside_the_matrix_are_found(write):
    path = write("10x_h5")
    with h5py.File(path, "r+") as file:
        file["matrix/indices"][0] = 60
    fails(path, "cannot be read as 10x_h5")


def test_real_text_files(data_dir):
    raw = data_dir / "raw"
    baron = read_counts(raw / "baron_mouse1.csv.zip", AUTO)
    assert baron.shape == (822, 14878)
    assert baron.obs.columns.tolist() == ["barcode", "assigned_cluster"]
    dropseq = read_counts(raw / "dropseq_speciesmix100_HUMAN.dge.txt.gz", AUTO)
    assert dropseq.n_vars == 18472
    assert "LOXL4" in dropseq.var_names
    assert dropseq.var.loc["LOXL4", "gene_id"].startswith("HUMAN_10:")


def test_one_data_set_in_two_formats_is_one_data_set(data_dir):
    """Baron's first mouse as GEO has it and as h5ad; CITE-CBMC as X,Y and as h5ad."""
    baron = read_counts(data_dir / "raw/baron_mouse1.csv.zip", AUTO)
    both = read_counts(data_dir / "baron_mouse.h5ad", AUTO)
    same = both[baron.obs_names, baron.var_names]
    assert (same.X != baron.X).nnz == 0
    xy = read_counts(data_dir / "raw/CITE_CBMC_counts_top2000.h5", AUTO)
    cite = read_counts(data_dir / "cite_cbmc.h5ad", AUTO)
    assert (xy.X != cite.X).nnz == 0
    crosstab = pd.crosstab(xy.obs["Y"].to_numpy(), cite.obs["label_code"].to_numpy())
    assert (crosstab > 0).to_numpy().sum() == len(crosstab)


def test_10x_folder_and_hdf5_agree(data_dir):
    place = data_dir / "raw/10x_data/3.0.0"
    folder = read_counts(place / "filtered_feature_bc_matrix", AUTO)
    file = read_counts(place / "filtered_feature_bc_matrix.h5", AUTO)
    assert (folder.X != file.X).nnz == 0
    assert folder.var.equals(file.var)
    assert folder.obs_names.equals(file.obs_names)
    ids = read_counts(data_dir / "raw/10x_data/int-ids", AUTO).var
    assert ids.loc["Gpr17", "gene_id"] == "574402"


def test_columns_of_text_beside_genes_name_them(tmp_path):
    path = tmp_path / "a.tsv.gz"
    with gzip.open(path, "wt") as stream:
        stream.write("gene_id\tsymbol\tcell_1\tcell_2\n")
        stream.write("ENSG00000141510\tTP53\t1\t0\nENSG00000075624\tACTB\t3\t9\n")
    adata = read_counts(path, AUTO)
    assert adata.var_names.tolist() == ["TP53", "ACTB"]
    assert adata.var["gene_id"].tolist() == ["ENSG00000141510", "ENSG00000075624"]
    np.testing.assert_array_equal(adata.X.toarray(), [[1, 3], [0, 9]])


def test_h5ad_of_before_anndata_0_7():
    """scanpy's own demo file has that layout."""
    import scanpy

    from scsiameseclu.io.h5ad import load_h5ad
    from scsiameseclu.io.loaded import Origin

    path = f"{scanpy.datasets.__path__[0]}/10x_pbmc68k_reduced.h5ad"
    loaded = load_h5ad(path, AUTO, Origin(path))
    adata = scanpy.datasets.pbmc68k_reduced()
    assert loaded.values.kind == "scaled"
    assert loaded.obs["bulk_labels"].astype(str).equals(adata.obs["bulk_labels"].astype(str))
    raw = load_h5ad(path, ReadRequest(layer="raw"), Origin(path))
    assert raw.values.kind == "log"
    assert raw.var.index.equals(adata.raw.var_names)
