"""The table of names: nothing in it contradicts itself, and names of the field are known."""

from importlib.resources import files

import pytest

from scsiameseclu.annotation.cell_types import plain, vocabulary
from scsiameseclu.annotation.marker_sets import canonical_table

TABLE = files("scsiameseclu.annotation") / "cell_type_names.tsv"
LINES = [line.split("\t") for line in TABLE.read_text(encoding="utf-8").splitlines()[1:]]


def test_every_name_means_one_type() -> None:
    meant: dict[str, str] = {}
    for name, _, synonyms in LINES:
        for word in (name, *filter(None, map(str.strip, synonyms.split(";")))):
            assert meant.setdefault(plain(word), name) == name, word
    assert len({name for name, *_ in LINES}) == len(LINES)


def test_wider_types_are_in_the_table_and_never_circular() -> None:
    names = {name for name, *_ in LINES}
    for name, wider, _ in LINES:
        assert wider == "" or wider in names
        line = vocabulary().lineage(name)
        assert len(set(line)) == len(line)


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
        ({"B": 1, "NK": 1, "Monocyte": 1}, 3, None),
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
