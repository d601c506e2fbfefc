"""Choice of the layer that contains all counts, by what the layers hold and how they relate."""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import combinations

from scipy.sparse import csr_matrix

from scsiameseclu.io.loaded import Origin, list_names

PARTS = frozenset({"unspliced", "ambiguous", "spanning", "nascent"})
"""Layers that hold only part of the molecules."""
HEAD_CELLS = 1000
"""Number of cells of each layer that are compared."""


NAMED = re.compile(r"((raw|original)[_. -]?)?(umi[_. -]?)?(counts?|umis?)|raw", re.IGNORECASE)
"""Names of layers that say that they hold the counts."""
MAX_REDUCED = 0.5
"""Largest value of reduced integers (bins, rounded logarithms), relative to that of the counts."""


def largest(head: csr_matrix) -> float:
    """The largest value of a matrix, 0 for an empty one."""
    return float(head.data.max(initial=0))


def counts_instead_of(
    main: csr_matrix, named: Mapping[str, csr_matrix], origin: Origin
) -> str | None:
    """The layer with the counts if the main matrix has reduced integers, such as bins of them.

    Parameters
    ----------
    main
        The first cells of the main matrix, which are integers.
    named
        Those of the layers of integers that have a name like :data:`NAMED`.

    Raises
    ------
    UserError
        Several layers could be meant.
    """
    larger = {
        name: head for name, head in named.items()
        if largest(main) <= MAX_REDUCED * largest(head)
    }  # fmt: skip
    return choose_layer(larger, origin) if larger else None


def choose_layer(heads: Mapping[str, csr_matrix], origin: Origin) -> str:
    """Choose among layers of counts.

    Layers of zeros and ones are not considered if others hold more, and of equal layers only the
    first. A layer that is the sum of others (spliced + unspliced + ambiguous) contains all counts.

    Parameters
    ----------
    heads
        The first cells of each layer, (n_cells, n_genes).

    Raises
    ------
    UserError
        Several layers could be meant, or the only one holds part of the molecules.
    """
    several = {name: head for name, head in heads.items() if largest(head) > 1}
    names = _distinct(several or heads)
    sums = [name for name in names if _is_sum(name, names, heads)]
    if len(sums) == 1:
        return sums[0]
    if len(names) == 1 and names[0] not in PARTS:
        return names[0]
    raise origin.error(
        f"has counts in {'these layers' if len(names) > 1 else 'this layer'} only: "
        f"{list_names(names)}; set column `layer` to the one to cluster"
    )


def _distinct(heads: Mapping[str, csr_matrix]) -> list[str]:
    names: list[str] = []
    for name, head in heads.items():
        if not any(_equal(head, heads[other]) for other in names):
            names.append(name)
    return names


def _is_sum(name: str, names: list[str], heads: Mapping[str, csr_matrix]) -> bool:
    others = [other for other in names if other != name]
    total = heads[name]
    return any(
        _equal(total, sum((heads[part] for part in parts[1:]), start=heads[parts[0]]))
        for size in (2, 3)
        for parts in combinations(others, size)
    )


def _equal(one: csr_matrix, other: csr_matrix) -> bool:
    return bool(one.shape == other.shape and (one != other).nnz == 0)
