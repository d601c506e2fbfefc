"""Layouts of counters and pipelines, each in a small made file with the same counts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.io import mmwrite
from scipy.sparse import csr_matrix

from scsiameseclu.errors import UserError
from scsiameseclu.io.readers import read_counts
from scsiameseclu.io.request import ReadRequest

N_CELLS, N_GENES = 30, 40
CELLS = [f"plate1_{row}{column:02d}" for row in "ABC" for column in range(1, 11)]
SYMBOLS = ["MT-CO1", "RPS27A", *(f"SYM{number}" for number in range(N_GENES - 2))]
IDS = [f"ENSG{number:011d}" for number in range(N_GENES)]
VALUES = np.random.default_rng(3).poisson(2.0, size=(N_CELLS, N_GENES))


def genes_in_rows(names: list[str], **columns: object) -> pd.DataFrame:
    """Genes x cells with further columns before the counts."""
    annotation = pd.DataFrame(columns, index=names)
    return pd.concat([annotation, pd.DataFrame(VALUES.T, index=names, columns=CELLS)], axis=1)


def extra_rows(names: list[str], value: int) -> pd.DataFrame:
    return pd.DataFrame(value, index=names, columns=CELLS)


def write_lines(path: Path, table: pd.DataFrame, *, corner: str, head: str = "") -> Path:
    body = table.to_csv(sep="," if path.suffix == ".csv" else "\t", index_label=corner)
    path.write_text(head + body)
    return path


def feature_counts(folder: Path) -> Path:
    table = genes_in_rows(
        IDS,
        Chr=["chr1;chr1"] * 20 + ["2"] * 20,
        Start=range(100, 100 + N_GENES),
        End=range(900, 900 + N_GENES),
        Strand=["+"] * N_GENES,
        Length=[1500] * N_GENES,
    )
    head = '# Program:featureCounts v2.0.6; Command:"featureCounts" "-a" "genes.gtf"\n'
    return write_lines(folder / "counts.txt", table, corner="Geneid", head=head)


def htseq_merged(folder: Path) -> Path:
    summary = ["__no_feature", "__ambiguous", "__too_low_aQual", "__not_aligned"]
    table = pd.concat([genes_in_rows(SYMBOLS), extra_rows(summary, 10**6)])
    return write_lines(folder / "htseq.tsv", table, corner="")


def star_merged(folder: Path) -> Path:
    summary = ["N_unmapped", "N_multimapping", "N_noFeature", "N_ambiguous"]
    table = pd.concat([extra_rows(summary, 10**6), genes_in_rows(IDS)])
    return write_lines(folder / "ReadsPerGene.tsv", table, corner="gene_id")


def dropseq_tools(folder: Path) -> Path:
    head = "#DGE\tVERSION:1.1\tEXPRESSION_FORMAT:raw\n"
    return write_lines(folder / "a.dge.txt", genes_in_rows(SYMBOLS), corner="GENE", head=head)


def hash_header(folder: Path) -> Path:
    head = "# made by a pipeline\n"
    return write_lines(folder / "umi.tsv", genes_in_rows(SYMBOLS), corner="#gene", head=head)


def celseq2(folder: Path) -> Path:
    names = [f"{name}__chr{place % 22 + 1}" for place, name in enumerate(SYMBOLS)]
    table = pd.concat([genes_in_rows(names), extra_rows(["ERCC-00002__chrERCC-00002"], 4)])
    return write_lines(folder / "celseq.tsv", table, corner="GENEID")


def rsem_with_lengths(folder: Path) -> Path:
    table = genes_in_rows(SYMBOLS, gene_length=range(500, 500 + N_GENES))
    return write_lines(folder / "rsem.csv", table, corner="")


def rhapsody(folder: Path) -> Path:
    antibodies = [f"CD{n}:CLONE{n}|CD{n}|AHS000{n}|pAbO" for n in (3, 4)]
    table = pd.DataFrame(VALUES, columns=SYMBOLS)
    bound = np.random.default_rng(4).poisson(300, size=(N_CELLS, 2))
    table = pd.concat([pd.DataFrame(bound, columns=antibodies), table], axis=1)
    table.index = pd.Index([4409 + 7919 * cell % 99991 for cell in range(N_CELLS)])
    head = "####################\n## BD Rhapsody pipeline\n"
    return write_lines(folder / "S1_MolsPerCell.csv", table, corner="Cell_Index", head=head)


def cells_with_metadata(folder: Path) -> Path:
    table = pd.DataFrame(VALUES, index=CELLS, columns=SYMBOLS)
    table.insert(0, "n_counts", VALUES.sum(axis=1))
    table.insert(1, "leiden", [str(cell % 3) for cell in range(N_CELLS)])
    return write_lines(folder / "cells.csv", table, corner="cell_id")


def numbered_cells(folder: Path) -> Path:
    table = pd.DataFrame(VALUES, columns=SYMBOLS)
    table.insert(0, "barcode", CELLS)
    return write_lines(folder / "numbered.csv", table, corner="")


def thousands(folder: Path) -> Path:
    table = pd.concat([genes_in_rows(SYMBOLS), extra_rows(["BIG"], 1234)]).astype(str)
    table.loc["BIG"] = "1,234"
    return write_lines(folder / "thousands.csv", table, corner="gene")


def long_umi_tools(folder: Path) -> Path:
    rows, columns = VALUES.T.nonzero()
    table = pd.DataFrame(
        {
            "gene": np.array(SYMBOLS)[rows],
            "cell": np.array(CELLS)[columns],
            "count": VALUES.T[rows, columns],
        }
    )
    path = folder / "counts.tsv"
    table.sample(frac=1, random_state=0).to_csv(path, sep="\t", index=False)
    return path


def long_with_numbered_rows(folder: Path) -> Path:
    table = pd.read_csv(long_umi_tools(folder), sep="\t")
    path = folder / "long.csv"
    table.to_csv(path)
    return path


def names_file(path: Path, names: list[str]) -> None:
    path.write_text("".join(f"{name}\n" for name in names))


def kb_python(folder: Path) -> Path:
    place = folder / "counts_unfiltered"
    place.mkdir()
    mmwrite(place / "cells_x_genes.mtx", csr_matrix(VALUES))
    names_file(place / "cells_x_genes.barcodes.txt", CELLS)
    names_file(place / "cells_x_genes.genes.txt", IDS)
    names_file(place / "cells_x_genes.genes.names.txt", SYMBOLS)
    return place


def kb_python_nac(folder: Path) -> Path:
    place = kb_python(folder)
    (place / "cells_x_genes.mtx").rename(place / "cells_x_genes.mature.mtx")
    mmwrite(place / "cells_x_genes.nascent.mtx", csr_matrix(VALUES + 1))
    return place / "cells_x_genes.mature.mtx"


def alevin_fry(folder: Path) -> Path:
    place = folder / "alevin"
    place.mkdir()
    mmwrite(place / "quants_mat.mtx", csr_matrix(VALUES))
    names_file(place / "quants_mat_rows.txt", CELLS)
    names_file(place / "quants_mat_cols.txt", IDS)
    return place


def alevin_fry_usa(folder: Path) -> Path:
    """Spliced, unspliced and ambiguous counts in one matrix; their sum is the counts."""
    place = alevin_fry(folder)
    rng = np.random.default_rng(0)
    unspliced = rng.binomial(VALUES, 0.3)
    ambiguous = rng.binomial(VALUES - unspliced, 0.2)
    parts = np.hstack([VALUES - unspliced - ambiguous, unspliced, ambiguous])
    mmwrite(place / "quants_mat.mtx", csr_matrix(parts))
    names_file(
        place / "quants_mat_cols.txt",
        [*IDS, *(f"{name}-U" for name in IDS), *(f"{name}-A" for name in IDS)],
    )
    return folder


def parse(folder: Path) -> Path:
    place = folder / "DGE_filtered"
    place.mkdir()
    mmwrite(place / "count_matrix.mtx", csr_matrix(VALUES))
    genes = pd.DataFrame({"gene_id": IDS, "gene_name": SYMBOLS, "genome": "hg38"})
    genes.to_csv(place / "all_genes.csv", index=False)
    cells = pd.DataFrame({"bc_wells": CELLS, "sample": "all-well", "gene_count": 12})
    cells.to_csv(place / "cell_metadata.csv", index=False)
    return place


def triplet(place: Path, values: np.ndarray, *, third: str = "Gene Expression") -> Path:
    place.mkdir(parents=True)
    mmwrite(place / "matrix.mtx", csr_matrix(values.T))
    names_file(place / "barcodes.tsv", CELLS)
    pairs = zip(IDS, SYMBOLS, strict=True)
    names_file(place / "features.tsv", [f"{one}\t{two}\t{third}" for one, two in pairs])
    return place


def starsolo(folder: Path) -> Path:
    triplet(folder / "Solo.out/Gene/filtered", VALUES)
    triplet(folder / "Solo.out/Gene/raw", VALUES + 1)
    velocyto = triplet(folder / "Solo.out/Velocyto/raw", VALUES)
    (velocyto / "matrix.mtx").rename(velocyto / "spliced.mtx")
    return folder / "Solo.out"


def starsolo_em(folder: Path) -> Path:
    place = triplet(folder / "raw", VALUES + 1)
    lines = (triplet(folder / "other", VALUES) / "matrix.mtx").read_text().splitlines()
    lines[0] = "%%MatrixMarket matrix coordinate float general"
    (place / "UniqueAndMult-EM.mtx").write_text("\n".join(lines) + "\n")
    return place / "UniqueAndMult-EM.mtx"


def cell_ranger_multi(folder: Path) -> Path:
    triplet(folder / "outs/multi/count/raw_feature_bc_matrix", VALUES + 1)
    triplet(folder / "outs/per_sample_outs/S1/count/sample_filtered_feature_bc_matrix", VALUES)
    return folder / "outs"


def biotypes(folder: Path) -> Path:
    return triplet(folder / "a", VALUES, third="protein_coding")


def trailing_separators(folder: Path) -> Path:
    path = write_lines(folder / "a.csv", genes_in_rows(SYMBOLS), corner="gene")
    path.write_text("".join(f"{line},\n" for line in path.read_text().splitlines()))
    return path


def excel_unicode_text(folder: Path) -> Path:
    path = write_lines(folder / "a.txt", genes_in_rows(SYMBOLS), corner="gene")
    path.write_bytes(path.read_text().encode("utf-16"))
    return path


def cells_with_numeric_batch(folder: Path) -> Path:
    table = pd.DataFrame(VALUES, index=CELLS, columns=SYMBOLS)
    table.insert(0, "sample", [1, 2] * 15)
    return write_lines(folder / "cells.csv", table, corner="")


def length_last(folder: Path) -> Path:
    table = genes_in_rows(SYMBOLS)
    table["Length"] = range(700, 700 + N_GENES)
    return write_lines(folder / "a.tsv", table, corner="")


def version_and_position(folder: Path) -> Path:
    table = genes_in_rows(SYMBOLS, version=[3] * N_GENES, rank=range(17, 17 + N_GENES))
    return write_lines(folder / "a.tsv", table, corner="gene")


def with_total(folder: Path) -> Path:
    table = genes_in_rows(SYMBOLS)
    table["all"] = table.sum(axis=1)
    return write_lines(folder / "a.tsv", table, corner="gene")


def with_total_row(folder: Path) -> Path:
    table = genes_in_rows(SYMBOLS)
    table.loc["all"] = table.sum(axis=0)
    return write_lines(folder / "a.tsv", table, corner="gene")


def headers_in_folder(folder: Path) -> Path:
    place = triplet(folder / "a", VALUES)
    for name, header in (("features", "gene_id\tgene_name\ttype"), ("barcodes", "barcode")):
        path = place / f"{name}.tsv"
        path.write_text(f"{header}\n{path.read_text()}")
    return place


LAYOUTS: dict[str, tuple[Callable[[Path], Path], list[str], str]] = {
    # writer, symbols, a word of the notes
    "featureCounts": (feature_counts, IDS, "Length"),
    "htseq-count, merged": (htseq_merged, SYMBOLS, "4 summary rows"),
    "STAR, merged": (star_merged, IDS, "4 summary rows"),
    "Drop-seq tools": (dropseq_tools, SYMBOLS, "genes x cells"),
    "header with #": (hash_header, SYMBOLS, "genes x cells"),
    "CEL-Seq2": (celseq2, SYMBOLS, "1 spike-ins"),
    "RSEM with lengths": (rsem_with_lengths, SYMBOLS, "gene_length"),
    "BD Rhapsody": (rhapsody, SYMBOLS, "2 antibodies"),
    "cells with metadata": (cells_with_metadata, SYMBOLS, "n_counts, leiden"),
    "numbered cells": (numbered_cells, SYMBOLS, "cells x genes"),
    "thousands separators": (thousands, [*SYMBOLS, "BIG"], "thousands separators"),
    "UMI-tools, long": (long_umi_tools, SYMBOLS, "long table"),
    "long, numbered rows": (long_with_numbered_rows, SYMBOLS, "long table"),
    "kb_python": (kb_python, SYMBOLS, "cells_x_genes.genes.txt"),
    "kb_python nac": (kb_python_nac, SYMBOLS, "mature.mtx"),
    "alevin-fry": (alevin_fry, IDS, "quants_mat_cols.txt"),
    "alevin-fry USA": (alevin_fry_usa, IDS, "unspliced"),
    "Parse": (parse, SYMBOLS, "all_genes.csv"),
    "STARsolo": (starsolo, SYMBOLS, "Gene/filtered"),
    "STARsolo EM": (starsolo_em, SYMBOLS, "UniqueAndMult-EM.mtx"),
    "Cell Ranger multi": (cell_ranger_multi, SYMBOLS, "sample_filtered_feature_bc_matrix"),
    "length in the last column": (length_last, SYMBOLS, "genes x cells"),
    "numbers that are no counts": (version_and_position, SYMBOLS, "version, rank"),
    "sum of all cells": (with_total, SYMBOLS, "'all' is the sum of all cells"),
    "sum of all genes": (with_total_row, SYMBOLS, "'all' is the sum of all genes"),
    "separators at the ends": (trailing_separators, SYMBOLS, "genes x cells"),
    "Unicode text of Excel": (excel_unicode_text, SYMBOLS, "tab-separated"),
    "numeric metadata": (cells_with_numeric_batch, SYMBOLS, "metadata columns: sample"),
    "headers in a folder": (headers_in_folder, SYMBOLS, "features.tsv"),
    "biotypes": (biotypes, SYMBOLS, "protein_coding"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout(layout: str, tmp_path: Path) -> None:
    writer, symbols, note = LAYOUTS[layout]
    adata = read_counts(writer(tmp_path))
    assert sorted(adata.var["gene_symbol"]) == sorted(symbols)
    table = pd.DataFrame(adata.X.toarray(), adata.obs_names, adata.var["gene_symbol"])
    names = [str(4409 + 7919 * cell % 99991) for cell in range(N_CELLS)]
    cells = names if layout == "BD Rhapsody" else CELLS
    assert sorted(table.index) == sorted(cells)
    ours = table.loc[cells, symbols[:N_GENES]].to_numpy()
    np.testing.assert_array_equal(ours, VALUES)
    assert any(note in message for message in adata.uns["source"]["detected"])
    if "BIG" in symbols:
        assert table["BIG"].eq(1234).all()


def test_share_of_spike_ins(tmp_path: Path) -> None:
    adata = read_counts(celseq2(tmp_path))
    expected = 100 * 4 / (VALUES.sum(axis=1) + 4)
    np.testing.assert_allclose(adata.obs["pct_counts_spike_in"], expected)


def test_metadata_of_parse_is_kept(tmp_path: Path) -> None:
    adata = read_counts(parse(tmp_path))
    assert adata.obs["sample"].unique().tolist() == ["all-well"]


ONE_LIBRARY = {
    "RSEM": "gene_id\ttranscript_id(s)\tlength\teffective_length\texpected_count\tTPM\tFPKM\n"
    "G1\tT1\t900\t750.1\t3.00\t1.5\t1.2\n",
    "salmon": "Name\tLength\tEffectiveLength\tTPM\tNumReads\nT1\t900\t750.1\t1.5\t3\n",
    "kallisto": "target_id\tlength\teff_length\test_counts\ttpm\nT1\t900\t750.1\t3\t1.5\n",
    "STAR": "N_unmapped\t5\t5\t5\nN_multimapping\t1\t1\t1\nG1\t3\t1\t2\n",
}


@pytest.mark.parametrize("program", ONE_LIBRARY)
def test_result_of_one_library_is_refused(program: str, tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text(ONE_LIBRARY[program])
    with pytest.raises(UserError, match=f"{program}.* one library, with several values per gene"):
        read_counts(path)


def test_htseq_of_one_library_has_no_header(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text("G1\t3\nG2\t5\n__no_feature\t7\n")
    with pytest.raises(UserError, match="has no header"):
        read_counts(path)


def test_long_table_with_several_values_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = "".join(f"{cell},{gene},3,2\n" for cell in (11, 12, 13) for gene in ("A", "B"))
    path.write_text(f"Cell_Index,Gene,RSEC_Reads,Raw_Molecules\n{rows}")
    with pytest.raises(UserError, match=r"2 value columns .RSEC_Reads, Raw_Molecules"):
        read_counts(path)


def test_several_matrices_below_a_folder_are_listed(tmp_path: Path) -> None:
    for feature in ("Gene", "GeneFull"):
        triplet(tmp_path / feature / "filtered", VALUES)
    with pytest.raises(UserError, match=r"Gene/filtered, GeneFull/filtered.*column `path`"):
        read_counts(tmp_path)


def test_genomes_below_a_filtered_folder_ask_for_one(tmp_path: Path) -> None:
    """filtered_gene_bc_matrices of Cell Ranger 2, with one folder per genome."""
    for genome in ("hg19", "mm10"):
        triplet(tmp_path / "outs/filtered_gene_bc_matrices" / genome, VALUES)
        triplet(tmp_path / "outs/raw_gene_bc_matrices" / genome, VALUES)
    with pytest.raises(UserError, match=r"2 genomes .hg19, mm10.*column `genome`"):
        read_counts(tmp_path / "outs")
    adata = read_counts(tmp_path / "outs", ReadRequest(genome="mm10"))
    np.testing.assert_array_equal(adata.X.toarray(), VALUES)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("3,5", "0", "not whole"),
        ("1,234", "3,5", "not whole"),
        ("1,234,567", "3,5", "'3,5'"),
        ("1_1", "2", "'1_1'"),
    ],
)
def test_numbers_are_read_in_one_notation(
    first: str, second: str, expected: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.csv"
    rows = "".join(f"SYM{place},1,2,3\n" for place in range(30))
    path.write_text(f'gene,c1,c2,c3\nA,"{first}",2,1\nB,"{second}",0,0\n{rows}')
    with pytest.raises(UserError, match=expected):
        read_counts(path)


def test_several_kinds_of_values_per_cell_are_refused(tmp_path: Path) -> None:
    counts = genes_in_rows(SYMBOLS)
    table = pd.concat([counts.add_suffix("_counts"), counts.add_suffix("_TPM")], axis=1)
    path = write_lines(tmp_path / "a.tsv", table, corner="gene")
    with pytest.raises(UserError, match=r"several kinds of values per cell \(counts, tpm\)"):
        read_counts(path)


def test_a_column_without_zeros_is_unlike_a_cell(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(rng.poisson(0.5, size=(200, 30)), columns=CELLS)
    table.index = pd.Index([f"SYM{number}" for number in range(200)])
    cells = read_counts(write_lines(tmp_path / "a.tsv", table, corner="gene"))
    assert not any("every gene" in message for message in cells.uns["source"]["detected"])
    table["extent"] = rng.integers(500, 5000, size=200)
    read = read_counts(write_lines(tmp_path / "b.tsv", table, corner="gene"))
    assert any("column extent has a count of every" in m for m in read.uns["source"]["detected"])
