"""The genes of several samples, matched by id and then by symbol."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from scsiameseclu.errors import UserError
from scsiameseclu.genes.matching import MIN_OVERLAP, GeneNames, normalised
from scsiameseclu.genes.organism import UNKNOWN, detect_organism


@dataclass(frozen=True)
class JointGenes:
    """Genes of a cohort.

    Attributes
    ----------
    positions
        Position of each gene in each sample, -1 where the sample lacks it, (n_genes,) by sample.
    n_shared, n_any
        Number of genes that all samples have, and that any sample has.
    """

    positions: dict[str, np.ndarray]
    n_shared: int
    n_any: int

    @property
    def n_genes(self) -> int:
        """Number of genes."""
        return len(next(iter(self.positions.values()))) if self.positions else 0

    def first(self) -> list[tuple[str, int]]:
        """The first sample that has each gene, and the gene's position in it."""
        samples = list(self.positions)
        table = np.array([self.positions[sample] for sample in samples])
        which = (table >= 0).argmax(axis=0)
        return [(samples[n], int(table[n, gene])) for gene, n in enumerate(which)]


def joint_genes(
    samples: Mapping[str, GeneNames], genes: Literal["intersection", "union"] = "intersection"
) -> JointGenes:
    """Match the genes of samples.

    Parameters
    ----------
    samples
        Gene names by sample.
    genes
        Whether to keep the genes that all samples have, or those that any sample has.

    Returns
    -------
    JointGenes
        In the order of the first sample, followed by genes that it lacks.

    Raises
    ------
    UserError
        The samples are of several organisms, or a sample shares less than 20 % of the genes of the
        one with the fewest.
    """
    _require_one_organism(samples)
    joint = _Joint()
    columns = {sample: joint.add(names) for sample, names in samples.items()}
    positions = {}
    for sample, places in columns.items():
        row = np.full(joint.n_genes, -1, dtype=np.int64)
        row[places] = np.arange(places.size)
        positions[sample] = row
    shared = np.logical_and.reduce([row >= 0 for row in positions.values()]) if samples else []
    n_shared = int(np.sum(shared))
    fewest = min((len(names.ids) for names in samples.values()), default=0)
    if n_shared < MIN_OVERLAP * fewest:
        examples = "; ".join(f"{name} has {g.examples()}" for name, g in samples.items())
        raise UserError(
            f"the samples share {n_shared} genes, fewer than {MIN_OVERLAP:.0%} of {fewest} "
            f"({examples}); use the same gene names in all, or name cohorts in the column cohort "
            "of the sample sheet"
        )
    if genes == "intersection":
        positions = {sample: row[shared] for sample, row in positions.items()}
    return JointGenes(positions, n_shared, joint.n_genes)


def joinable(samples: Mapping[str, GeneNames]) -> list[str]:
    """The largest group of samples that can be joined, in their order; of equal ones, the first.

    Groups begin with a sample that is in none yet, and take each of the others that can be joined
    with all before it.
    """
    largest: list[str] = []
    left = list(samples)
    while len(left) > len(largest):
        group: list[str] = []
        for name in left:
            if _can_be_joined([samples[other] for other in (*group, name)]):
                group.append(name)
        left = [name for name in left if name not in group]
        if len(group) > len(largest):
            largest = group
    return largest


def _can_be_joined(genes: list[GeneNames]) -> bool:
    try:
        joint_genes({str(number): names for number, names in enumerate(genes)})
    except UserError:
        return False
    return True


class _Joint:
    """Genes seen so far, by normalised id and by symbol."""

    def __init__(self) -> None:
        self.n_genes = 0
        self.by_id: dict[str, int] = {}
        self.symbols: list[str] = []

    def add(self, names: GeneNames) -> np.ndarray:
        """The place of each gene of a sample among all; genes that are new get new places."""
        ids = [normalised(name) for name in names.ids]
        symbols = [normalised(name) for name in names.symbols]
        places = np.array([self.by_id.get(name, -1) for name in ids], dtype=np.int64)
        taken = set()
        for gene, place in enumerate(places):  # the first of several genes with the same id
            if place in taken:
                places[gene] = -1
            elif place >= 0:
                taken.add(place)
        self._match_symbols(places, symbols, taken)
        for gene in (places < 0).nonzero()[0].tolist():
            places[gene] = self.n_genes
            self.n_genes += 1
            self.symbols.append(symbols[gene])
            self.by_id.setdefault(ids[gene], int(places[gene]))
        return places

    def _match_symbols(self, places: np.ndarray, symbols: list[str], taken: set[int]) -> None:
        """Place genes without a known id by their symbol, if only one gene of each side has it."""
        free = [place for place in range(self.n_genes) if place not in taken]
        known = Counter(self.symbols[place] for place in free)
        by_symbol = {self.symbols[place]: place for place in free}
        left = (places < 0).nonzero()[0]
        wanted = Counter(symbols[gene] for gene in left)
        for gene in left:
            name = symbols[gene]
            if known[name] == 1 and wanted[name] == 1:
                places[int(gene)] = by_symbol[name]


def _require_one_organism(samples: Mapping[str, GeneNames]) -> None:
    first: dict[str, str] = {}
    for sample, names in samples.items():
        organism = detect_organism(names.symbols, names.ids)
        if organism != UNKNOWN:
            first.setdefault(organism, sample)
    if len(first) > 1:
        which = " and ".join(f"{organism} ({sample})" for organism, sample in first.items())
        raise UserError(
            f"the samples are of several organisms: {which}; name cohorts of one organism in the "
            "column cohort of the sample sheet, or set cohort.run: named"
        )
