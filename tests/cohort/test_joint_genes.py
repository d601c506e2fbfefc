"""Genes of several samples are matched by id, then by symbol, and never across organisms."""

import numpy as np
import pytest

from scsiameseclu.cohort.joint_genes import joinable, joint_genes
from scsiameseclu.errors import UserError
from scsiameseclu.genes.matching import GeneNames


def named(*pairs: tuple[str, str]) -> GeneNames:
    return GeneNames([gene_id for gene_id, _ in pairs], [symbol for _, symbol in pairs])


A = named(("ENSG00000000001.3", "CD3E"), ("ENSG00000000002", "MS4A1"), ("ENSG00000000003", "NKG7"))


def test_ids_match_whatever_their_version_and_order() -> None:
    b = named(("ENSG00000000003", "other"), ("ENSG00000000001.7", "CD3E"))
    joint = joint_genes({"a": A, "b": b})
    np.testing.assert_array_equal(joint.positions["a"], [0, 2])
    np.testing.assert_array_equal(joint.positions["b"], [1, 0])
    assert (joint.n_shared, joint.n_any) == (2, 3)


def test_symbols_match_where_a_sample_has_no_ids() -> None:
    joint = joint_genes({"a": A, "b": named(("NKG7", "NKG7"), ("CD3E", "CD3E"))})
    np.testing.assert_array_equal(joint.positions["b"], [1, 0])


def test_an_id_wins_over_a_symbol() -> None:
    """A gene that was renamed, and another that got its symbol."""
    b = named(("ENSG00000000001", "MS4A1"), ("ENSG00000000002", "CD20"), ("X1", "CD3E"))
    joint = joint_genes({"a": A, "b": b})
    np.testing.assert_array_equal(joint.positions["a"], [0, 1])
    np.testing.assert_array_equal(joint.positions["b"], [0, 1])


def test_symbols_that_repeat_match_nothing() -> None:
    b = named(("CD3E", "CD3E"), ("copy", "NKG7"), ("copy2", "NKG7"), ("MS4A1", "MS4A1"))
    joint = joint_genes({"a": A, "b": b})
    np.testing.assert_array_equal(joint.positions["a"], [0, 1])


def test_a_union_has_the_genes_of_any_sample() -> None:
    b = named(("ENSG00000000003", "NKG7"), ("ENSG00000000009", "GNLY"))
    joint = joint_genes({"a": A, "b": b, "c": b}, "union")
    np.testing.assert_array_equal(joint.positions["a"], [0, 1, 2, -1])
    np.testing.assert_array_equal(joint.positions["b"], [-1, -1, 0, 1])
    np.testing.assert_array_equal(joint.positions["c"], joint.positions["b"])
    assert joint.first() == [("a", 0), ("a", 1), ("a", 2), ("b", 1)]


def test_every_gene_of_a_sample_is_used_once() -> None:
    twice = named(("ENSG00000000001", "CD3E"), ("ENSG00000000001", "CD3E"))
    joint = joint_genes({"a": A, "b": twice}, "union")
    for positions in joint.positions.values():
        used = positions[positions >= 0]
        assert len(set(used)) == len(used)
    assert sorted(joint.positions["b"][joint.positions["b"] >= 0]) == [0, 1]


def test_samples_without_shared_genes_are_refused() -> None:
    with pytest.raises(UserError, match=r"share 0 genes.*CD3E.*column cohort"):
        joint_genes({"a": A, "b": named(("x1", "x1"), ("x2", "x2"))})


def test_two_organisms_are_refused() -> None:
    mouse = named(*((f"ENSMUSG{n:011d}", f"Gene{n}") for n in range(30)))
    human = named(*((f"ENSG{n:011d}", f"GENE{n}") for n in range(30)))
    with pytest.raises(UserError, match=r"human \(h\) and mouse \(m\)"):
        joint_genes({"h": human, "m": mouse})


def test_of_samples_that_cannot_all_be_joined_the_largest_group_is() -> None:
    mouse = named(*((f"ENSMUSG{n:011d}", f"Gene{n}") for n in range(30)))
    human = named(*((f"ENSG{n:011d}", f"GENE{n}") for n in range(30)))
    other = named(*((f"x{n}", f"x{n}") for n in range(30)))
    samples = {"m1": mouse, "h1": human, "x": other, "h2": human, "m2": mouse, "h3": human}
    assert joinable(samples) == ["h1", "h2", "h3"]
    assert joinable({"m1": mouse, "h1": human}) == ["m1"]
    assert joinable({"h1": human, "h2": human}) == ["h1", "h2"]
