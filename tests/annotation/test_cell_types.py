"""The table of names: nothing in it contradicts itself, and names of the field are known."""

import re
from importlib.resources import files

import pytest

from scsiameseclu.annotation.cell_types import Vocabulary, cell_ontology, plain, vocabulary
from scsiameseclu.annotation.marker_sets import canonical_table

TABLE = files("scsiameseclu.annotation") / "cell_type_names.tsv"
LINES = [line.split("\t") for line in TABLE.read_text(encoding="utf-8").splitlines()[1:]]
NOT_IN_ONTOLOGY = {
    "Basal": "Lung epithelial",
    "Committed oligodendrocyte precursor": "Glia",
    "Mural": "Stromal",
    "Muscle satellite": "Muscle",
    "Neural progenitor": "Neural",
    "Vascular smooth muscle": "Mural",
}
"""Types whose wider type in the tree is not a superclass in the Cell Ontology."""


def ancestors(one: str) -> set[str]:
    parents = cell_ontology()[one].parents
    return {one}.union(*(ancestors(parent) for parent in parents))


def test_every_name_means_one_type() -> None:
    meant: dict[str, str] = {}
    for name, _, _, synonyms in LINES:
        for word in (name, *filter(None, map(str.strip, synonyms.split(";")))):
            assert meant.setdefault(plain(word), name) == name, word
    assert len({name for name, *_ in LINES}) == len(LINES)


def test_wider_types_are_in_the_table_and_never_circular() -> None:
    names = {name for name, *_ in LINES}
    for name, wider, *_ in LINES:
        assert wider == "" or wider in names
        line = vocabulary().lineage(name)
        assert len(set(line)) == len(line)


def test_each_type_has_one_class_of_the_ontology_below_that_of_its_wider_type() -> None:
    ids = {name: one for name, _, one, _ in LINES}
    outside = {}
    for name, wider, one, _ in LINES:
        assert one in cell_ontology(), name
        assert vocabulary().ontology_id(name) == one
        if wider and ids[wider] not in ancestors(one):
            outside[name] = wider
    assert outside == NOT_IN_ONTOLOGY


def test_the_extract_is_acyclic_closed_and_no_larger_than_needed() -> None:
    needed = set().union(*(ancestors(one) for _, _, one, _ in LINES))  # ends, if acyclic
    assert needed == set(cell_ontology())
    assert "CL:0000000" in needed
    text = (files("scsiameseclu.annotation") / "cell_ontology.tsv").read_text(encoding="utf-8")
    first = text.splitlines()[0]
    assert "CC BY 4.0" in first
    assert re.search(r"Cell Ontology v\d{4}-\d\d-\d\d", first)


def test_all_types_of_the_marker_table_are_known() -> None:
    unknown = [
        name for name in canonical_table()["cell_type"].unique() if not vocabulary().knows(name)
    ]
    assert unknown == []


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("CD14+ Mono", "CD14 monocyte"),
        ("CD14+ Monocytes", "CD14 monocyte"),
        ("Classical monocytes", "CD14 monocyte"),
        ("B cells", "B cell"),
        ("B", "B cell"),
        ("NK cells", "NK"),
        ("activated_stellate", "Activated stellate"),
        ("Tcm/Naive helper T cells", "Naive CD4 T"),
        ("Megakaryocytes/platelets", "Megakaryocyte/platelet"),
        ("Platelets", "Platelet"),
        ("CD4+/CD25 T Reg", "Regulatory T"),
        ("pancreatic A cell", "Alpha"),
        ("astrocytes_ependymal", "Astrocyte"),
        ("my own type", "my own type"),
    ],
)
def test_names_of_atlases_and_tutorials(written: str, meant: str) -> None:
    assert vocabulary().canonical(written) == meant


@pytest.mark.parametrize(
    ("weights", "total", "answer"),
    [
        ({"Naive CD4 T": 2, "Memory CD4 T": 1}, 3, "Naive CD4 T"),
        ({"Naive CD4 T": 1, "CD8 T": 1, "T cell": 1}, 3, "T cell"),
        ({"Naive CD4 T": 1, "T cells": 1}, 2, "Naive CD4 T"),
        ({"Naive CD4 T": 1, "Memory CD4 T": 1, "T cell": 1}, 3, "CD4 T"),
        ({"B": 1, "B cells": 1}, 2, "B cell"),
        ({"B": 1, "NK": 1, "Hepatocyte": 1}, 3, "Lymphocyte"),
        ({"B": 1, "Beta": 1, "Hepatocyte": 1}, 3, "Epithelial"),
        ({"B": 1, "Beta": 1, "Neuron": 1}, 3, None),
        ({"B": 0.4}, 1, None),
        ({}, 1, None),
    ],
)
def test_the_narrowest_type_of_the_majority(
    weights: dict[str, float], total: float, answer: str | None
) -> None:
    found, support = vocabulary().settle(weights, total)
    assert found == answer
    assert (support > total / 2) == (answer is not None)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("CD14+ Monocytes", "cd14 monocyte"),
        ("activated_stellate", "activated stellate"),
        ("NK cells", "nk"),
        ("T  cell", "t"),
        ("Cells", "cell"),  # nothing else is left
        ("gas", "gas"),  # too short for a plural
        ("rods", "rod"),
        ("my cell type", "my cell type"),
        ("", ""),
    ],
)
def test_plain_names(written: str, expected: str) -> None:
    assert plain(written) == expected


def test_lineage_goes_from_narrow_to_wide() -> None:
    assert vocabulary().lineage("Naive CD4+ T cells") == [
        *("Naive CD4 T", "CD4 T", "T cell", "Lymphocyte", "Hematopoietic")
    ]
    assert vocabulary().lineage("T cell") == ["T cell", "Lymphocyte", "Hematopoietic"]
    assert vocabulary().lineage("my own type") == ["my own type"]


@pytest.mark.parametrize(
    ("one", "other", "comparable"),
    [
        ("B cells", "NK", True),  # both are known
        ("B cells", "odd", False),
        ("odd", "B cells", False),
        ("odd", "other", False),
        ("odd types", "Odd_type", True),  # both are the same
    ],
)
def test_names_are_comparable_where_both_are_known_or_the_same(
    one: str, other: str, comparable: bool
) -> None:
    assert vocabulary().comparable(one, other) is comparable


@pytest.mark.parametrize(
    ("weights", "total", "answer", "support"),
    [
        ({"a1": 1.0}, 1.0, "a1", 1.0),
        ({"a1": 1.0, "a2": 1.0}, 2.0, "a", 2.0),
        ({"a1": 1.0, "a": 1.0}, 2.0, "a1", 1.5),  # the wider type counts half for the narrower
        ({"a1": 1.0, "a": 3.0}, 4.0, "a1", 2.5),
        ({"a1": 1.0, "a2": 1.0, "a": 2.0}, 4.0, "a", 4.0),  # 2 of 4 is not more than half
        ({"a1": 1.0, "b": 1.0}, 2.0, None, 0.0),
        ({"a1": 2.0, "b": 1.0}, 3.0, "a1", 2.0),
        ({"a1": 2.0}, 4.0, None, 0.0),  # abstentions count in the total
        ({"a1x": 3.0, "a1": 1.0, "b": 1.0}, 5.0, "a1x", 3.5),
        ({"a1": 2.0, "a2": 2.0, "a": 5.0}, 9.0, "a", 9.0),
    ],
)
def test_support_by_hand(
    weights: dict[str, float], total: float, answer: str | None, support: float
) -> None:
    names = {name: name for name in ("a", "a1", "a2", "a1x", "b")}
    known = Vocabulary(names, {"a1": "a", "a2": "a", "a1x": "a1"})
    assert known.settle(weights, total) == (answer, support)


def test_of_equally_narrow_types_the_better_supported_is_taken() -> None:
    known = Vocabulary({name: name for name in ("a", "a1", "a2")}, {"a1": "a", "a2": "a"})
    weights = {"a1": 1.0, "a2": 1.5, "a": 8.0}
    assert known.settle(weights, 10.5) == ("a2", 5.5)
    assert known.settle(dict(reversed(weights.items())), 10.5) == ("a2", 5.5)
