"""Names of cell types: the tree of types, their synonyms and their Cell Ontology ids.

``cell_type_names.tsv`` has the columns ``name``, ``kind_of`` (the wider type in the tree, empty at
the top), ``cl`` (the narrowest class of the Cell Ontology that contains the type) and ``synonyms``
(separated by semicolons). The Cell Ontology gives a class several superclasses; ``kind_of`` selects
one of them, so that the types form a tree. Names are compared without regard to case, punctuation,
plural and a final "cell".

``cell_ontology.tsv`` is an extract of the Cell Ontology (CC BY 4.0; version in its first line) with
the columns ``id``, ``name`` and ``parents``, written by ``benchmarks/cell_ontology.py``.
"""

import csv
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files

UNASSIGNED, UNKNOWN, CONFLICT = "Unassigned", "Unknown", "conflict"
ABSTENTIONS = (UNASSIGNED, UNKNOWN, CONFLICT)
"""What is written in place of a type where there is none."""


@dataclass(frozen=True)
class Vocabulary:
    """Known names of cell types.

    Attributes
    ----------
    names
        The table's name for the plain form of each name and synonym.
    wider
        The wider type of each name that has one.
    ids
        The Cell Ontology id of each of the table's names.
    """

    names: Mapping[str, str]
    wider: Mapping[str, str]
    ids: Mapping[str, str] = field(default_factory=dict)

    def knows(self, name: str) -> bool:
        """Whether the name or a synonym is in the table."""
        return plain(name) in self.names

    def canonical(self, name: str) -> str:
        """The table's name for a type; an unknown name is returned as it is."""
        return self.names.get(plain(name), name)

    def lineage(self, name: str) -> list[str]:
        """A type and the wider types that include it, narrowest first.

        >>> vocabulary().lineage("CD4+ memory T cells")
        ['Memory CD4 T', 'CD4 T', 'T cell', 'Lymphocyte', 'Hematopoietic']
        """
        types = [self.canonical(name)]
        while wider := self.wider.get(types[-1]):
            types.append(wider)
        return types

    def ontology_id(self, name: str) -> str:
        """The Cell Ontology id of a type; empty if the name is unknown.

        >>> vocabulary().ontology_id("CD4+ memory T cells")
        'CL:0000897'
        """
        return self.ids.get(self.canonical(name), "")

    def comparable(self, one: str, other: str) -> bool:
        """Whether two names can be compared: both are known, or have the same plain form."""
        return plain(one) == plain(other) or (self.knows(one) and self.knows(other))

    def settle(self, weights: Mapping[str, float], total: float) -> tuple[str | None, float]:
        """The narrowest type that more than half of the weight supports.

        A type supports itself and all wider types; narrower ones with half its weight, since it
        does not exclude them.

        Parameters
        ----------
        weights
            Weight of each name.
        total
            Total weight, abstentions included.

        Returns
        -------
        The type (None if there is none) and the weight that supports it.

        >>> vocabulary().settle({"Naive CD4 T": 1, "Memory CD4 T": 1}, total=2)
        ('CD4 T', 2.0)
        >>> vocabulary().settle({"B cell": 1, "NK": 1}, total=2)
        ('Lymphocyte', 2.0)
        >>> vocabulary().settle({"B cell": 1, "Hepatocyte": 1}, total=2)
        (None, 0.0)
        """
        lineages = {name: self.lineage(name) for name in weights}
        candidates = {
            name: len(lineage) - position
            for lineage in lineages.values()
            for position, name in enumerate(lineage)
        }
        support = {
            candidate: sum(
                weight
                * (
                    candidate in lineages[name]
                    or (lineages[name][0] in self.lineage(candidate)) / 2
                )
                for name, weight in weights.items()
            )
            for candidate in candidates
        }
        enough = [name for name in candidates if support[name] > total / 2]
        if not enough:
            return None, 0.0
        best = max(enough, key=lambda name: (candidates[name], support[name]))
        return best, float(support[best])


def plain(name: str) -> str:
    """A name without case, punctuation, plural and a final "cell"; a minus behind a word stays.

    >>> plain("CD14+ Monocytes"), plain("activated_stellate"), plain("NK cells")
    ('cd14 monocyte', 'activated stellate', 'nk')
    >>> plain("CD14+CD16- monocytes"), plain("T-cells")
    ('cd14 cd16 neg monocyte', 't')
    """
    lacking = re.sub(r"(?<=\w)-(?=$|[\s/,;)+]|CD\d)", " neg ", name)
    words = re.sub(r"[^\w]+|_", " ", lacking.lower()).split()
    if len(words) > 1 and words[-1] in ("cell", "cells"):
        words.pop()
    singular = [word[:-1] if len(word) > 3 and word.endswith("s") else word for word in words]
    return " ".join(singular)


def _synonyms(rows: Iterable[Mapping[str, str]]) -> Mapping[str, str]:
    names: dict[str, str] = {}
    for row in rows:
        for word in (row["name"], *row["synonyms"].split(";")):
            if word.strip():
                names.setdefault(plain(word), row["name"])
    return names


def _read(name: str) -> list[dict[str, str]]:
    """The rows of a committed table, without its comments."""
    text = (files("scsiameseclu.annotation") / name).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE))


@cache
def vocabulary() -> Vocabulary:
    """The committed table."""
    rows = _read("cell_type_names.tsv")
    return Vocabulary(
        _synonyms(rows),
        {row["name"]: row["kind_of"] for row in rows if row["kind_of"]},
        {row["name"]: row["cl"] for row in rows},
    )


@dataclass(frozen=True)
class OntologyClass:
    """A class of the Cell Ontology: its name and the ids of its superclasses."""

    name: str
    parents: tuple[str, ...]


@cache
def cell_ontology() -> Mapping[str, OntologyClass]:
    """The committed extract of the Cell Ontology, by id."""
    return {
        row["id"]: OntologyClass(row["name"], tuple(filter(None, row["parents"].split(";"))))
        for row in _read("cell_ontology.tsv")
    }
