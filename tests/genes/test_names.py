"""Symbols and ids are kept apart, and names are unique."""

import pandas as pd
import pytest

from scsiameseclu.genes.names import gene_table, genes_of_table
from scsiameseclu.io.orientation import rows_are_genes


def test_ids_alone_and_symbols_alone():
    for names in (["ENSG00000141510", "ENSMUSG00000059552.2"], ["TP53", "Actb"]):
        table, notes, warnings = gene_table(names)
        assert table["gene_id"].tolist() == table["gene_symbol"].tolist() == names
        assert len(notes) == 1
        assert not warnings


def test_two_ids_of_one_symbol_are_a_note_and_two_equal_rows_a_warning():
    table, notes, warnings = gene_table(["a", "b"], ids=["ID1", "ID2"], symbols=["X", "X"])
    assert table.index.tolist() == ["X", "X-1"]
    assert table["gene_symbol"].tolist() == ["X", "X"]
    assert "1 gene names are repeated" in notes[0]
    assert not warnings
    _, _, warnings = gene_table(["X", "X", "Y"])
    assert "made unique" in warnings[0]


def test_a_gene_without_symbol_goes_by_its_id():
    var = pd.DataFrame(
        {"feature_name": ["TP53", None]}, index=["ENSG00000141510", "ENSG00000000001"]
    )
    table, _, _ = genes_of_table(var)
    assert table.index.tolist() == ["TP53", "ENSG00000000001"]


@pytest.mark.parametrize(
    ("name", "gene_id", "symbol"),
    [
        ("ENSG00000141510_TP53", "ENSG00000141510", "TP53"),
        ("ENSG00000141510.7|TP53", "ENSG00000141510.7", "TP53"),
        ("HLA-A_ENSG00000206503", "ENSG00000206503", "HLA-A"),
        ("Trp53|ENSMUSG00000059552.8", "ENSMUSG00000059552.8", "Trp53"),
        ("HUMAN_10:1000-2000:LOXL4", "HUMAN_10:1000-2000:LOXL4", "LOXL4"),
    ],
)
def test_joined_names_are_taken_apart(name, gene_id, symbol):
    table, _, _ = gene_table([name])
    assert table.iloc[0].tolist() == [gene_id, symbol]


def test_names_that_a_spreadsheet_made_dates_are_a_warning():
    dates = ["1-Mar", "2-SEP", "Dec-01", "2001-03-01"]
    _, _, (warning,) = gene_table(["TP53", *dates, "MARCHF1", "NKX2-1", "HLA-A", "9-Foo"])
    assert warning.startswith("4 gene names are dates (first: 1-Mar)")


def test_genes_without_any_name_are_named():
    table, _, warnings = gene_table(["E1", "", "nan"], symbols=["TP53", "", "nan"])
    assert table.index.tolist() == ["TP53", "unnamed", "unnamed-1"]
    assert any("2 genes have no name" in warning for warning in warnings)


def test_columns_of_many_names():
    var = pd.DataFrame({"gene_ids": ["E1", "E2"]}, index=["TP53", "ACTB"])
    assert genes_of_table(var)[0]["gene_id"].tolist() == ["E1", "E2"]
    numbered = pd.DataFrame(
        {"Gene_ID": ["E1", "E2"], "Gene_Symbol": ["TP53", "ACTB"]}, index=["0", "1"]
    )
    table = genes_of_table(numbered)[0]
    assert table.index.tolist() == ["TP53", "ACTB"]
    assert table["gene_id"].tolist() == ["E1", "E2"]


CELLS = ["AAACCTGAGAAACCAT-1", "cell_2", "s_cell_0003"]
GENES = ["ENSG00000141510", "MT-CO1", "Rpl13a", "0610007P14Rik"]


@pytest.mark.parametrize(
    ("corner", "rows", "columns", "has_labels", "expected", "guessed"),
    [
        ("", GENES, CELLS, False, True, False),
        ("", CELLS, GENES, True, False, False),
        ("GENE", CELLS, GENES, False, True, False),
        ("barcode", GENES, CELLS, False, False, False),
        ("", ["p", "q", "r"], ["x", "y"], True, False, True),
        ("", ["p", "q"], ["x", "y", "z"], True, False, False),
        ("", ["p", "q", "r"], ["x", "y"], False, True, True),
        ("", ["p", "q"], ["x", "y", "z"], False, False, True),
    ],
)
def test_orientation_rule(corner, rows, columns, has_labels, expected, guessed):
    shape = (len(rows), len(columns))
    found = rows_are_genes("auto", corner, rows, columns, shape=shape, has_labels=has_labels)
    assert (found[0], found[2]) == (expected, guessed)
    asked = rows_are_genes(
        "cells_x_genes", corner, rows, columns, shape=shape, has_labels=has_labels
    )
    assert asked[0] is False
