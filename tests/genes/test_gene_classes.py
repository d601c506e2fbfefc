"""Classes of genes by their symbols, in several organisms."""

import pytest

from scsiameseclu.genes.gene_classes import (
    cell_cycle_genes,
    cell_cycle_table,
    haemoglobin_genes,
    ribosomal_genes,
)

RIBOSOMAL = ("RPL13A", "Rps4x", "RPLP0", "RPSA", "RpL10Ab", "rpl-1", "RPS27A", "Rpl36al")
HAEMOGLOBIN = ("HBA1", "HBB", "HBG2", "HBZ", "Hbb-bs", "Hba-a1", "Hbq1a", "hbaa1", "hbae1.1")
NEITHER = ("RPS6KA1", "RPS19BP1", "HBEGF", "HBP1", "HBS1L", "RPA2", "CD3E", "Hbegf", "RPRD1A")


def test_ribosomal_and_haemoglobin_genes() -> None:
    names = [*RIBOSOMAL, *HAEMOGLOBIN, *NEITHER]
    assert [n for n, hit in zip(names, ribosomal_genes(names), strict=True) if hit] == [*RIBOSOMAL]
    hits = haemoglobin_genes(names)
    assert [n for n, hit in zip(names, hits, strict=True) if hit] == [*HAEMOGLOBIN]


def test_the_table_has_each_marker_once() -> None:
    table = cell_cycle_table()
    assert table["phase"].value_counts().to_dict() == {"S": 43, "G2M": 54}
    names = [*table["symbol"], *table["former_symbol"][table["former_symbol"] != ""]]
    assert len(names) == len(set(names)) == 100


@pytest.mark.parametrize("organism", ["human", "mouse"])
def test_markers_are_found_by_old_and_new_symbols(organism: str) -> None:
    symbols = ["CD3E", "MKI67", "PCNA", "HN1", "JPT1", "MLF1IP"]
    if organism == "mouse":
        symbols = [symbol.capitalize() for symbol in symbols]
    found = cell_cycle_genes(symbols, organism)
    assert {phase: places.tolist() for phase, places in found.items()} == {
        "S": [2, 5],
        "G2M": [1, 3, 4],
    }


def test_organisms_without_a_table_have_no_markers() -> None:
    assert not any(len(places) for places in cell_cycle_genes(["MKI67", "PCNA"], "worm").values())
