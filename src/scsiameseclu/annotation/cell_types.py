"""Names of cell types: synonyms, and which type is a subtype of which.

``cell_type_names.tsv`` has the columns ``name``, ``kind_of`` (the name of the wider type, or
empty) and ``synonyms`` (separated by semicolons). Names are compared without regard to case,
punctuation, plural and a final "cell".
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
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
    """

    names: Mapping[str, str]
    wider: Mapping[str, str]

    def knows(self, name: str) -> bool:
        """Whether the name or a synonym is in the table."""
        return plain(name) in self.names

    def canonical(self, name: str) -> str:
        """The table's name for a type; an unknown name is returned as it is."""
        return self.names.get(plain(name), name)

    def lineage(self, name: str) -> list[str]:
        """A type and the wider types that include it, narrowest first.

        >>> vocabulary().lineage("CD4+ memory T cells")
        ['Memory CD4 T', 'CD4 T', 'T cell']
        """
        types = [self.canonical(name)]
        while wider := self.wider.get(types[-1]):
            types.append(wider)
        return types

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
    """A name without case, punctuation, plural and a final "cell".

    >>> plain("CD14+ Monocytes"), plain("activated_stellate"), plain("NK cells")
    ('cd14 monocyte', 'activated stellate', 'nk')
    """
    words = re.sub(r"[^\w]+|_", " ", name.lower()).split()
    if len(words) > 1 and words[-1] in ("cell", "cells"):
        words.pop()
    singular = [word[:-1] if len(word) > 3 and word.endswith("s") else word for word in words]
    return " ".join(singular)


def _synonyms(lines: Iterable[list[str]]) -> Mapping[str, str]:
    names: dict[str, str] = {}
    for name, _, synonyms in lines:
        for word in (name, *synonyms.split(";")):
            if word.strip():
                names.setdefault(plain(word), name)
    return names


@cache
def vocabulary() -> Vocabulary:
    """The committed table."""
    source = files("scsiameseclu.annotation") / "cell_type_names.tsv"
    rows = source.read_text(encoding="utf-8").splitlines()[1:]
    lines = [row.split("\t") for row in rows]
    return Vocabulary(_synonyms(lines), {name: wider for name, wider, _ in lines if wider})
