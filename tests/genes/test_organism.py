"""Organism and mitochondrial genes from names alone."""

import anndata as ad
import pytest

from scsiameseclu.genes.organism import (
    ENSEMBL_IDS,
    SYMBOLS,
    are_symbols,
    detect_organism,
    mitochondrial_genes,
    mitochondrial_table,
)

HUMAN = ["CD3D", "MS4A1", "LYZ", "NKG7", "GNLY", "PPBP", "AL627309.1", "C1orf159"]
MOUSE = ["Cd3d", "Ms4a1", "Lyz2", "Nkg7", "Ppbp", "Gm1992", "0610007P14Rik"]


@pytest.mark.parametrize(
    ("symbols", "ids", "expected"),
    [
        (HUMAN, HUMAN, "human"),
        (MOUSE, MOUSE, "mouse"),
        (["a"] * 5, [f"ENSG0000000000{i}.2" for i in range(5)], "human"),
        (["a"] * 5, [f"ENSMUSG0000000000{i}" for i in range(5)], "mouse"),
        (HUMAN + MOUSE, HUMAN + MOUSE, "unknown"),
        ([f"gene_{i:05d}" for i in range(20)], ["1"] * 20, "unknown"),
        (["mt-co1", "cd74a", "actb2", "fabp7a"], [""] * 4, "unknown"),
        (["si:ch211-1e14.1", "zgc:110340", "si:dkey-21a6.5", "actb2"], [""] * 4, "zebrafish"),
        ([name.upper() for name in MOUSE] + ["GM2000", "H2-K1"], [""] * 9, "mouse"),
        ([*HUMAN, "HLA-A", "LINC00115", "GM2A"], [""] * 11, "human"),
        ([*MOUSE, "Mt-nd1", "Mt-nd2", "RGD1565355"], [""] * 10, "rat"),
        ([*HUMAN, *(f"ENSSSCG{i:011d}" for i in range(3))], [""] * 11, "pig"),
        (HUMAN, [f"ENSBTAG{i:011d}" for i in range(8)], "unknown"),  # cow
        (["mt:CoI", "mt:ND1", "CG10000", "wg"], [""] * 4, "fruit fly"),
        (["a"] * 4, ["YAL001C", "YBR020W", "Q0045", "YDL007C-A"], "yeast"),
        (["a"] * 3, ["AT1G01010", "ATMG00160", "AT2G01008"], "Arabidopsis"),
        ([], [], "unknown"),
    ],
)
def test_organism(symbols: list[str], ids: list[str], expected: str) -> None:
    assert detect_organism(symbols, ids) == expected


@pytest.mark.parametrize(
    ("symbol", "prefix"),
    [
        ("MT-CO1", "MT-"),
        ("mt-Co1", "mt-"),
        ("MT.ND4L", "MT."),
        ("GRCh38_MT-CYB", "MT-"),
        ("mt:Cyt-b", "mt:"),
    ],
)
def test_mitochondrial_prefixes(symbol: str, prefix: str) -> None:
    others = ["MTOR", "MT1A", "Mtf1", "MTRNR2L1", "CD3D"]
    mask, found = mitochondrial_genes([symbol, *others], [""] * 6)
    assert mask.tolist() == [True] + [False] * 5
    assert found == prefix


def test_mitochondrial_genes_by_id_only_where_names_do_not_tell() -> None:
    known = mitochondrial_table()["gene_id"].tolist()
    ids = [f"{name}.3" for name in known] + ["ENSG00000141510"]
    mask, found = mitochondrial_genes(ids, ids)
    assert mask.sum() == len(known)
    assert not mask[-1]
    assert found == ENSEMBL_IDS


def test_table_of_mitochondrial_genes() -> None:
    table = mitochondrial_table()
    assert table["gene_id"].is_unique
    sizes = table["organism"].value_counts()
    assert sizes.drop(["worm", "yeast"]).eq(13).all()
    assert sizes["worm"] == 12  # no ATP8
    for organism, part in table.groupby("organism"):
        ids = part["gene_id"].tolist()
        assert detect_organism(ids, ids) == organism


@pytest.mark.parametrize("names", [["Q0045", "ACT1"], ["ATMG00160", "AT1G01010"]])
def test_mitochondrial_genes_by_systematic_name(names: list[str]) -> None:
    mask, found = mitochondrial_genes(names, ["", ""])
    assert mask.tolist() == [True, False]
    assert found == ENSEMBL_IDS


def test_mitochondrial_genes_by_symbols_without_prefix() -> None:
    table = mitochondrial_table().groupby("organism")["symbol"].agg(list)
    for organism in ("pig", "worm", "yeast"):
        symbols = [*table[organism], "ACTB"]
        mask, found = mitochondrial_genes(symbols, [""] * len(symbols))
        assert mask.tolist() == [True] * len(table[organism]) + [False]
        assert found == SYMBOLS
    assert not mitochondrial_genes(["COX1", "COX2", "ACTB"], [""] * 3)[0].any()


def test_no_mitochondrial_genes() -> None:
    mask, found = mitochondrial_genes(["gene_1", "gene_2"], ["gene_1", "gene_2"])
    assert not mask.any()
    assert found == ""


def test_real_names(data_dir) -> None:
    for name, organism, mito in [
        ("pbmc3k", "human", 13),
        ("baron_mouse", "mouse", 0),
        ("worm_neuron", "unknown", 0),
    ]:
        genes = list(ad.read_h5ad(data_dir / f"{name}.h5ad", backed="r").var_names)
        assert detect_organism(genes, genes) == organism
        assert mitochondrial_genes(genes, genes)[0].sum() == mito


@pytest.mark.parametrize("name", ["SRR{}", "ERR{}", "GSM{}", "Cell{}", "cell{}", "Sample{}"])
def test_numbered_names_are_of_no_organism(name: str) -> None:
    names = [name.format(1000 + place) for place in range(300)]
    assert detect_organism(names, names) == "unknown"
    assert not are_symbols(names)


def test_symbols_have_different_stems() -> None:
    human = [
        "CD3E", "CD8A", "FOXP3", "LYZ", "NKG7", "MS4A1", "PPBP", "HES4", "SSU72", "PARK7", "RBP7",
        "SRM", "AGTRAP", "ID3", "IFI6", "LCK", "HDAC1", "YRDC", "CAP1", "TESK2",
    ]  # fmt: skip
    assert are_symbols(human)
    assert are_symbols([name.capitalize() for name in human])
    assert not are_symbols([f"{row}{column}" for row in "ABCDEF" for column in range(1, 13)])
    assert not are_symbols(["ACGTTGCA" * 2, "AAACCTGA" * 2, "TTTGGTCA" * 2] * 20)
