"""Organism and mitochondrial genes from names alone."""

import anndata as ad
import pytest

from scsiameseclu.genes.organism import (
    ENSEMBL_IDS,
    MITOCHONDRIAL_IDS,
    detect_organism,
    mitochondrial_genes,
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
        (["mt-co1", "cd74a", "actb2", "fabp7a"], [""] * 4, "unknown"),  # zebrafish
        ([], [], "unknown"),
    ],
)
def test_organism(symbols: list[str], ids: list[str], expected: str) -> None:
    assert detect_organism(symbols, ids) == expected


@pytest.mark.parametrize(
    ("symbol", "prefix"),
    [("MT-CO1", "MT-"), ("mt-Co1", "mt-"), ("MT.ND4L", "MT."), ("GRCh38_MT-CYB", "MT-")],
)
def test_mitochondrial_prefixes(symbol: str, prefix: str) -> None:
    others = ["MTOR", "MT1A", "Mtf1", "MTRNR2L1", "CD3D"]
    mask, found = mitochondrial_genes([symbol, *others], [""] * 6)
    assert mask.tolist() == [True] + [False] * 5
    assert found == prefix


def test_mitochondrial_genes_by_id_only_where_names_do_not_tell() -> None:
    ids = [f"{name}.3" for name in sorted(MITOCHONDRIAL_IDS)] + ["ENSG00000141510"]
    mask, found = mitochondrial_genes(ids, ids)
    assert mask.sum() == len(MITOCHONDRIAL_IDS) == 26
    assert not mask[-1]
    assert found == ENSEMBL_IDS


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
