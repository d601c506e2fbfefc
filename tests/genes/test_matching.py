"""Genes of one table in another."""

import numpy as np
import pytest

from scsiameseclu.errors import UserError
from scsiameseclu.genes.matching import GeneNames, check_overlap, match_genes

IDS = ["ENSG00000000001", "ENSG00000000002", "ENSG00000000003"]
SYMBOLS = ["CD3E", "MS4A1", "LYZ"]


def positions(wanted: GeneNames, there: GeneNames) -> list[int]:
    return match_genes(wanted, there).positions.tolist()


def test_by_symbol_by_id_and_across_organisms() -> None:
    both = GeneNames(IDS, SYMBOLS)
    assert positions(both, both) == [0, 1, 2]
    assert positions(both, GeneNames(IDS[::-1], IDS[::-1])) == [2, 1, 0]
    versions = [f"{name}.7" for name in IDS]
    assert positions(GeneNames(versions, versions), both) == [0, 1, 2]
    mouse = GeneNames(["m1", "m2"], ["Lyz", "Cd3e"])
    found = match_genes(both, mouse)
    assert found.positions.tolist() == [1, -1, 0]
    assert found.by == "gene symbols"
    assert found.overlap == pytest.approx(2 / 3)


def test_a_gene_is_taken_once_and_the_first_of_one_name() -> None:
    twice = GeneNames(["a", "b", "c"], ["LYZ", "LYZ", "CD3E"])
    assert positions(GeneNames(["x", "y"], ["LYZ", "lyz"]), twice) == [0, -1]


def test_too_few_genes_are_an_error_with_examples_of_both() -> None:
    wanted = GeneNames(IDS, SYMBOLS)
    there = GeneNames(["g1", "g2"], ["g1", "g2"])
    with pytest.raises(UserError) as caught:
        check_overlap(match_genes(wanted, there), wanted, there, "reference r.h5ad", "sample s")
    said = str(caught.value)
    for part in ("sample s has 0%", "reference r.h5ad", "CD3E (ENSG00000000001)", "g1, g2", "20%"):
        assert part in said
    check_overlap(match_genes(wanted, wanted), wanted, wanted, "a", "b")


def test_property_matched_genes_have_the_same_name() -> None:
    rng = np.random.default_rng(0)
    pool = [f"Gene{number}" for number in range(300)]
    one, two = (list(rng.choice(pool, 150, replace=False)) for _ in range(2))
    found = match_genes(GeneNames(one, one), GeneNames(two, two)).positions
    assert all(two[at] == name for name, at in zip(one, found, strict=True) if at >= 0)
    assert (found >= 0).sum() == len(set(one) & set(two))
