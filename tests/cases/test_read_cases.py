"""Small input files that other tools write or users send, each with its right result.

The folders in ``../shared/cases`` have a README that explains each file.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from scsiameseclu.errors import UserError
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.io.sample import Sample, read_sample

Read = Callable[..., Sample]


@pytest.fixture
def read(cases_dir: Path) -> Read:
    """Read a file of a case, with settings of the sample sheet."""

    def reader(path: str, **settings: str) -> Sample:
        if "metadata" in settings:
            settings["metadata"] = str(cases_dir / settings["metadata"])
        return read_sample(str(cases_dir / path), ReadRequest(**settings), sample="s1")

    return reader


def refused(read: Read, path: str, *words: str, **settings: str) -> str:
    """Reading ends in one sentence that names the file and contains these words."""
    try:
        errors = read(path, **settings).errors
        assert len(errors) == 1, errors
        message = errors[0]
    except UserError as error:
        message = str(error)
    assert "\n" not in message
    for word in (path.rpartition("/")[2], *words):
        assert word in message, message
    return message


READ = {
    # file: cells, genes, total counts
    "cell-names-like-numbers/wells.csv": (40, 60, None),
    "csv-european-decimals/counts.csv": (60, 294, None),
    "csv-long-format/counts_long.csv.gz": (60, 251, None),
    "csv-numbered-rows-gene-name-column/counts.csv": (60, 263, None),
    "gene-name-newline/newline.h5ad": (90, 150, None),
    "gene-names-with-prefix-or-suffix/celseq_chr.csv": (60, 294, None),
    "gene-names-with-prefix-or-suffix/quoted": (60, 294, None),
    "gene-names-with-prefix-or-suffix/seurat_dash.csv": (60, 294, None),
    "gene-names-with-prefix-or-suffix/underscore.csv": (60, 294, None),
    "h5ad-ambiguous-layer/velocyto_lognorm.h5ad": (60, 294, 21008),
    "h5ad-null-element/counts.h5ad": (60, 294, 21008),
    "loom-scenic/one.loom": (60, 294, 21008),
    "loom-scenic/two.loom": (60, 294, 21008),
    "mtx-third-column/biotype": (60, 294, 21008),
    "mtx-third-column/chromosome": (60, 294, 21008),
    "mtx-third-column/quoted_lines": (60, 294, 21008),
    "outs-folder/outs": (60, 294, 21008),
    "rhapsody-cell-index/S1.csv": (60, 294, 21008),
    "rhapsody-cell-index/S1_with_header.csv": (60, 294, 21008),
    "smartseq2-htseq-ercc/counts.tsv": (60, 294, None),
    "text-comment-lines/sample.dge.txt.gz": (60, 294, 21008),
}


@pytest.mark.parametrize("path", READ)
def test_read(path: str, read: Read) -> None:
    sample = read(path)
    n_cells, n_genes, total = READ[path]
    assert sample.errors == []
    assert sample.loaded.matrix.shape == (n_cells, n_genes)
    assert sample.obs.index.is_unique
    assert len(sample.obs) == n_cells
    assert len(sample.loaded.var) == n_genes
    if total:
        assert sample.loaded.matrix.sum() == total


REFUSED = {
    "10x-counts-beyond-indptr/last_indptr_low.h5": ("indptr", "3334"),
    "atac-peaks-h5/filtered_peak_bc_matrix.h5": ("Peaks", "Gene Expression"),
    "csv-bad-field-drops-cell/bad_field_row1.csv": ("'abc'", "line 2", "'TTCCTCCTTATT-1'"),
    "csv-bad-field-drops-cell/bad_field_row60.csv": ("'abc'", "line 61", "column '"),
    "expected-counts/expected_count.tsv": ("not whole", "`counts`", "round"),
    "mtx-header-claims-1e12/folder": ("1000000000000 x 60", "features.tsv.gz has 120"),
    "mtx-index-wraps/folder": ("4294967297", "120 x 60"),
    "raw-droplets-h5/raw_feature_bc_matrix.h5": ("raw", "filtered", "6000"),
}


@pytest.mark.parametrize("path", REFUSED)
def test_refused(path: str, read: Read) -> None:
    refused(read, path, *REFUSED[path])


def test_wells_are_the_names_of_the_cells(read: Read) -> None:
    sample = read("cell-names-like-numbers/wells.csv")
    assert sample.obs.index[0] == "1_1"
    assert sample.obs.index[-1] == "4_4"
    assert sample.loaded.var.index.tolist() == [f"GENE{number}" for number in range(60)]


def test_long_table(read: Read) -> None:
    sample = read("csv-long-format/counts_long.csv.gz")
    assert sample.obs.index[0] == "CGTTAATTACTCCTCC"
    assert sample.loaded.matrix.nnz == 3521
    assert sample.loaded.matrix[0, sample.loaded.var.index.get_loc("SRM")] == 1


def test_numbered_rows(read: Read) -> None:
    sample = read("csv-numbered-rows-gene-name-column/counts.csv")
    assert sample.loaded.var.index[:3].tolist() == ["NOC2L", "SSU72", "KCNAB2"]
    assert sample.obs.index[0] == "plate1_A01"


def test_expected_counts_are_rounded_on_request(read: Read) -> None:
    sample = read("expected-counts/expected_count.tsv", counts="round")
    assert sample.errors == []
    assert sample.loaded.matrix.shape == (60, 294)
    ssu72 = sample.loaded.matrix[:, sample.loaded.var.index.get_loc("SSU72")].toarray().ravel()
    assert ssu72[:6].tolist() == [0, 37, 74, 0, 41, 40]
    assert any("rounded" in note for note in sample.notes)


def test_line_breaks_in_gene_names(read: Read) -> None:
    sample = read("gene-name-newline/newline.h5ad")
    names = (
        sample.loaded.var.astype(str).to_numpy().ravel().tolist() + sample.loaded.var.index.tolist()
    )
    assert all(len(name.splitlines()) == 1 for name in names)
    assert any("line break" in warning for warning in sample.warnings)


@pytest.mark.parametrize("name", ["celseq_chr.csv", "quoted", "seurat_dash.csv", "underscore.csv"])
def test_gene_names_with_prefix_or_suffix(name: str, read: Read) -> None:
    from scsiameseclu.genes.organism import detect_organism, mitochondrial_genes

    sample = read(f"gene-names-with-prefix-or-suffix/{name}")
    assert sample.obs.index[0] == "CGTTAATTACTCCTCC-1"
    var = sample.loaded.var
    symbols, ids = var["gene_symbol"].tolist(), var["gene_id"].tolist()
    assert {"CD3E", "NOC2L", "MT-CO1"} <= set(symbols)
    assert detect_organism(symbols, ids) == "human"
    assert mitochondrial_genes(symbols, ids)[1] == "MT-"


def test_layer_of_all_molecules(read: Read) -> None:
    sample = read("h5ad-ambiguous-layer/velocyto_lognorm.h5ad")
    assert any("layer matrix" in note for note in sample.notes)


def test_zstd(read: Read) -> None:
    assert read("h5ad-zstd/counts.h5ad").loaded.matrix.sum() == 21008


@pytest.mark.parametrize("name", ["one.loom", "two.loom"])
def test_compound_attributes_of_a_loom(name: str, read: Read) -> None:
    sample = read(f"loom-scenic/{name}")
    assert any("RegulonsAUC" in note for note in sample.notes)
    assert sample.obs.columns.tolist() == ["sample", "batch"]


def test_metadata_column_that_hdf5_cannot_store(read: Read, tmp_path: Path) -> None:
    import anndata as ad

    from scsiameseclu.store.files import write_h5ad

    folder = "metadata-column-dot"
    sample = read(f"{folder}/counts.csv.gz", metadata=f"{folder}/metadata.csv")
    assert any("'.'" in note and "renamed" in note for note in sample.notes)
    write_h5ad(ad.AnnData(sample.loaded.matrix, obs=sample.obs), tmp_path / "a.h5ad")
    back = ad.read_h5ad(tmp_path / "a.h5ad").obs
    assert back.iloc[:, -1].tolist()[:4] == [0.0, 0.5, 1.0, 1.5]


def test_metadata_with_fields_too_many(read: Read) -> None:
    folder = "metadata-two-more-fields"
    settings = {"metadata": f"{folder}/metadata.csv"}
    sample = read(f"{folder}/counts.csv.gz", **settings)
    assert len(sample.errors) == 1
    for word in ("metadata.csv", "5 fields", "line 2", "3"):
        assert word in sample.errors[0]


def test_outs_folder_takes_the_filtered_matrix(read: Read) -> None:
    sample = read("outs-folder/outs")
    assert any("filtered_feature_bc_matrix" in note for note in sample.notes)


@pytest.mark.parametrize("name", ["S1.csv", "S1_with_header.csv"])
def test_rhapsody(name: str, read: Read) -> None:
    sample = read(f"rhapsody-cell-index/{name}")
    assert sample.obs.index[:2].tolist() == ["441990", "271414"]
    assert any("3 antibodies" in note for note in sample.notes)
    sums = np.asarray(sample.loaded.matrix.sum(axis=0)).ravel()
    largest = sample.loaded.var.index[sums.argmax()]
    assert largest in {"MALAT1", "RPL10"}


def test_spike_ins_and_summary_rows(read: Read) -> None:
    sample = read("smartseq2-htseq-ercc/counts.tsv")
    assert any("5" in note and "__no_feature" in note for note in sample.notes)
    assert any("92 spike-ins" in note for note in sample.notes)
    share = sample.obs["pct_counts_spike_in"]
    assert share.between(0, 100).all()
    assert share.mean() > 1
    assert not sample.loaded.var.index.str.contains("ERCC-|^__").any()


def test_mitochondrial_genes_of_the_fruit_fly(read: Read) -> None:
    from scsiameseclu.annotation.marker_sets import choose_organism
    from scsiameseclu.genes.organism import detect_organism, mitochondrial_genes

    sample = read("fly-mitochondrial-names/fly.csv")
    assert sample.loaded.matrix.shape[0] == 60
    var = sample.loaded.var
    symbols, ids = var["gene_symbol"].tolist(), var["gene_id"].tolist()
    mask, prefix = mitochondrial_genes(symbols, ids)
    assert prefix == "mt:"
    totals = np.asarray(sample.loaded.matrix.sum(axis=1)).ravel()
    share = np.asarray(sample.loaded.matrix[:, mask].sum(axis=1)).ravel() / totals
    assert share.mean() == pytest.approx(0.08, abs=0.01)
    assert detect_organism(symbols, ids) == "fruit fly"
    assert choose_organism("auto", symbols, ids) not in ("human", "mouse")
