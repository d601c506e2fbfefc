"""Genes of one table in another."""

import numpy as np
import pandas as pd
import pytest

from scsiameseclu.errors import UserError
from scsiameseclu.genes.matching import GeneNames, Match, check_overlap, match_genes

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


def test_names_are_those_of_the_columns_or_else_of_the_index() -> None:
    bare = pd.DataFrame(index=["a", "b"])
    assert GeneNames.of(bare) == GeneNames(["a", "b"], ["a", "b"])
    both = bare.assign(gene_id=[1, 2], gene_symbol=["X", "Y"])
    assert GeneNames.of(both) == GeneNames(["1", "2"], ["X", "Y"])
    assert GeneNames.of(both[["gene_symbol"]]) == GeneNames(["a", "b"], ["X", "Y"])


def test_the_kind_of_names_that_finds_more_is_taken() -> None:
    wanted = GeneNames(["i1", "i2", "i3"], ["s1", "s2", "s3"])
    by_symbol = match_genes(wanted, GeneNames(["i1", "x", "y"], ["s1", "s2", "z"]))
    assert (by_symbol.by, by_symbol.positions.tolist()) == ("gene symbols", [0, 1, -1])
    by_id = match_genes(wanted, GeneNames(["i3", "i2", "y"], ["s1", "p", "z"]))
    assert (by_id.by, by_id.positions.tolist()) == ("gene ids", [-1, 1, 0])
    tied = match_genes(wanted, GeneNames(["i3", "p", "q"], ["s1", "p", "q"]))
    assert tied.by == "gene symbols"


def test_only_ids_lose_what_follows_a_point() -> None:
    assert positions(GeneNames(["RP11.1"] * 1, ["RP11.1"]), GeneNames(["RP11"], ["RP11"])) == [-1]
    ids = GeneNames(["ensmusg01.2"], ["ensmusg01.2"])
    assert positions(ids, GeneNames(["ENSMUSG01.9"], [" x "])) == [0]


def test_a_match_of_some_of_the_genes() -> None:
    match = Match(np.array([4, -1, 2, 0]), "gene ids")
    part = match.of(np.array([1, 2]))
    assert (part.positions.tolist(), part.by, part.overlap) == ([-1, 2], "gene ids", 0.5)
    assert match.overlap == 0.75
    assert Match(np.array([], dtype=int), "gene ids").overlap == 0


def test_a_fifth_of_the_genes_is_enough() -> None:
    names = GeneNames(list("abcde"), list("abcde"))
    check_overlap(Match(np.array([0, -1, -1, -1, -1]), "gene ids"), names, names, "a", "b")
    with pytest.raises(UserError, match="b has 17% of the genes of a"):
        check_overlap(Match(np.array([0] + [-1] * 5), "gene ids"), names, names, "a", "b")
