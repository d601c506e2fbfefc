"""Text tables: separators, annotation, long tables, decimal commas, and what is not a gene."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

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


def write_lines(path: Path, table: pd.DataFrame, *, corner: str, head: str = "") -> Path:
    body = table.to_csv(sep="," if path.suffix == ".csv" else "\t", index_label=corner)
    path.write_text(head + body)
    return path


@pytest.mark.parametrize("ending", ["csv", "tsv"])
def test_names_may_contain_spaces(ending: str, tmp_path: Path) -> None:
    cells = [f"T cell of day {cell}" for cell in range(N_CELLS)]
    table = genes_in_rows(SYMBOLS).set_axis(cells, axis=1)
    path = write_lines(tmp_path / f"counts.{ending}", table, corner="gene")
    adata = read_counts(path)
    assert adata.obs_names.tolist() == cells
    np.testing.assert_array_equal(adata.X.toarray(), VALUES)
    table.to_csv(tmp_path / "spaced.txt", sep=" ", index_label="gene")
    np.testing.assert_array_equal(read_counts(tmp_path / "spaced.txt").X.toarray(), VALUES)


def long_table(**columns: np.ndarray) -> pd.DataFrame:
    rows, places = VALUES.nonzero()
    table = pd.DataFrame({"cell": np.array(CELLS)[rows], "gene": np.array(SYMBOLS)[places]})
    return table.assign(**columns, count=VALUES[rows, places])


def test_long_table_with_further_columns(tmp_path: Path) -> None:
    table = long_table()
    table.insert(1, "sample", table["cell"].str[7:8])
    table.insert(2, "gene_id", table["gene"].map(dict(zip(SYMBOLS, IDS, strict=True))))
    table.insert(3, "chrom", "chr1")
    table.to_csv(tmp_path / "long.csv", index=False)
    adata = read_counts(tmp_path / "long.csv")[CELLS]
    expected = pd.DataFrame(VALUES, index=CELLS, columns=SYMBOLS)[adata.var_names]
    np.testing.assert_array_equal(adata.X.toarray(), expected.to_numpy())
    assert adata.obs["sample"].tolist() == [name[7:8] for name in CELLS]
    assert adata.var["gene_id"].tolist() == [IDS[SYMBOLS.index(name)] for name in adata.var_names]


def test_long_table_with_a_barcode_in_two_samples_is_refused(tmp_path: Path) -> None:
    table = long_table()
    table.insert(1, "sample", np.where(np.arange(len(table)) % 2, "one", "two"))
    table.to_csv(tmp_path / "long.csv", index=False)
    with pytest.raises(UserError, match="'sample', which differs"):
        read_counts(tmp_path / "long.csv")


def test_rows_that_are_neither_cells_nor_genes_are_refused(tmp_path: Path) -> None:
    table = long_table().drop(columns="gene")
    table.to_csv(tmp_path / "long.csv", index=False)
    with pytest.raises(UserError, match="with only 30 different names"):
        read_counts(tmp_path / "long.csv")


CELL_SERIES = {
    "PC": [f"PC{cell}" for cell in range(1, N_CELLS + 1)],
    "r_unique": ["Sample", *(f"Sample.{cell}" for cell in range(1, N_CELLS))],
    "words": ["Group", "Start", "Plate", "Label", "cell", *CELLS[5:]],
}


@pytest.mark.parametrize("cells", CELL_SERIES.values(), ids=CELL_SERIES)
def test_cells_named_like_annotation_are_cells(cells: list[str], tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "a.csv", genes_in_rows(SYMBOLS).set_axis(cells, axis=1), corner="gene"
    )
    np.testing.assert_array_equal(read_counts(path).X.toarray(), VALUES)


def test_genes_named_like_annotation_are_genes(tmp_path: Path) -> None:
    genes = [*SYMBOLS[:5], "start", "stop", "size", "cell", "group", *SYMBOLS[10:]]
    table = pd.DataFrame(VALUES, index=CELLS, columns=genes)
    table.insert(0, "n_counts", VALUES.sum(axis=1))
    table["plate"] = 1
    adata = read_counts(write_lines(tmp_path / "a.csv", table, corner=""))
    assert adata.var_names.tolist() == genes
    assert adata.obs.columns.tolist() == ["n_counts", "plate"]
    np.testing.assert_array_equal(adata.X.toarray(), VALUES)


def test_text_of_genes_is_not_text_of_cells(tmp_path: Path) -> None:
    """Names of no organism that is recognised by its names, with distinct or constant text."""
    names = [f"locus{number}" for number in range(N_GENES)]
    distinct = genes_in_rows(names, note=[f"protein {number}" for number in range(N_GENES)])
    adata = read_counts(write_lines(tmp_path / "a.csv", distinct, corner="Name"))
    np.testing.assert_array_equal(adata.X.toarray(), VALUES)
    same = genes_in_rows(names, note="protein")
    adata = read_counts(write_lines(tmp_path / "b.csv", same, corner="Name"))
    assert "confirm it in column `orientation`" in " ".join(adata.uns["source"]["detected"])


def test_gct(tmp_path: Path) -> None:
    names = [f"locus{number}" for number in range(N_GENES)]
    table = genes_in_rows(names, Description="na")
    head = f"#1.2\n{N_GENES}\t{N_CELLS}\n"
    path = write_lines(tmp_path / "a.gct", table, corner="Name", head=head)
    np.testing.assert_array_equal(read_counts(path).X.toarray(), VALUES)


def test_table_without_header_and_with_text_is_refused(tmp_path: Path) -> None:
    table = genes_in_rows(IDS, symbol=SYMBOLS)
    table.to_csv(tmp_path / "a.tsv", sep="\t", header=False)
    with pytest.raises(UserError, match="has no header"):
        read_counts(tmp_path / "a.tsv")


def test_one_decimal_comma_decides_for_all(tmp_path: Path) -> None:
    lines = [["g0", "3,125", "2"], ["g1", "0,5", "1"], ["g2", "0", "7"]]
    text = "\n".join(";".join(line) for line in [["gene", "a", "b"], *lines])
    (tmp_path / "a.csv").write_text(text)
    adata = read_counts(tmp_path / "a.csv", ReadRequest(counts="round"))
    np.testing.assert_array_equal(adata.X.toarray(), [[3, 0, 0], [2, 1, 7]])
    (tmp_path / "b.csv").write_text(text.replace("3,125", "1,003,125"))
    with pytest.raises(UserError, match="'0,5' in line 3"):
        read_counts(tmp_path / "b.csv")


def test_counts_of_thousands_only_are_doubted(tmp_path: Path) -> None:
    table = genes_in_rows(SYMBOLS).map(lambda count: f"{count},000" if count else "0")
    table.to_csv(tmp_path / "a.csv", sep=";", index_label="gene")
    assert "decimal commas" in " ".join(read_counts(tmp_path / "a.csv").uns["source"]["detected"])


def test_scores_between_counts_are_named(tmp_path: Path) -> None:
    table = pd.DataFrame(VALUES, index=CELLS, columns=SYMBOLS)
    table.insert(0, "S.Score", np.linspace(-1, 1, N_CELLS))
    path = write_lines(tmp_path / "a.csv", table, corner="cell")
    with pytest.raises(UserError, match=r"not counts in columns S\.Score only"):
        read_counts(path)


def test_sums_in_both_directions_are_left_out(tmp_path: Path) -> None:
    table = genes_in_rows(SYMBOLS)
    table["Total"] = table.sum(axis=1)
    table.loc["Total"] = table.sum()
    table.loc["__no_feature"] = 7
    adata = read_counts(write_lines(tmp_path / "a.csv", table, corner="gene"))
    assert adata.obs_names.tolist() == CELLS
    np.testing.assert_array_equal(adata.X.toarray(), VALUES)


def test_genes_of_worms_are_not_antibodies(tmp_path: Path) -> None:
    genes = ["adt-1", "adt-2", *SYMBOLS[2:-2], "adt_CD3", "HTO-1"]
    adata = read_counts(write_lines(tmp_path / "a.csv", genes_in_rows(genes), corner="gene"))
    assert adata.var_names.tolist() == genes[:-2]


def test_points_that_separate_thousands(tmp_path: Path) -> None:
    """1.234 of a German spreadsheet is 1234; other numbers with three decimals are not."""
    table = genes_in_rows(SYMBOLS)
    table.iloc[0] = np.arange(1001, 1001 + N_CELLS)
    written = table.map(lambda count: f"{count:,}".replace(",", "."))
    written.to_csv(tmp_path / "a.csv", sep=";", index_label="gene")
    with pytest.raises(UserError, match=r"numbers such as 1\.002, .* separate thousands"):
        read_counts(tmp_path / "a.csv")
    rounded = read_counts(tmp_path / "a.csv", ReadRequest(counts="round"))
    assert "separate thousands" in " ".join(rounded.uns["source"]["detected"])
    for shift in (0.25, 0.004):  # two decimals, and some below 1
        expected = table + shift * (table > 0)
        expected.iloc[1] = 0.123 if shift < 0.1 else 0
        expected.to_csv(tmp_path / "b.csv", index_label="gene")
        read = read_counts(tmp_path / "b.csv", ReadRequest(counts="round"))
        assert "separate thousands" not in " ".join(read.uns["source"]["detected"])


@pytest.mark.parametrize("cell", ["cell", "barcode", "well", "cell_id"])
@pytest.mark.parametrize("value", ["count", "nUMI", "n_counts"])
@pytest.mark.parametrize("first", ["gene", "cell"])
def test_long_tables_with_numbered_cells(tmp_path: Path, cell: str, value: str, first: str) -> None:
    table = long_table()
    table["cell"] = table["cell"].map({name: place for place, name in enumerate(CELLS)})
    order = ["gene", "cell", "count"] if first == "gene" else ["cell", "gene", "count"]
    table[order].rename(columns={"cell": cell, "count": value}).to_csv(
        tmp_path / "long.csv", index=False
    )
    adata = read_counts(tmp_path / "long.csv")[[str(place) for place in range(N_CELLS)]]
    expected = pd.DataFrame(VALUES, columns=SYMBOLS)[adata.var_names]
    np.testing.assert_array_equal(adata.X.toarray(), expected)


@pytest.mark.parametrize("value", ["nUMI", "n_counts", "umi"])
def test_long_tables_with_named_cells_and_any_value(tmp_path: Path, value: str) -> None:
    table = long_table().rename(columns={"count": value})
    table.to_csv(tmp_path / "long.csv", index=False)
    adata = read_counts(tmp_path / "long.csv")[CELLS]
    expected = pd.DataFrame(VALUES, columns=SYMBOLS)[adata.var_names]
    np.testing.assert_array_equal(adata.X.toarray(), expected)
