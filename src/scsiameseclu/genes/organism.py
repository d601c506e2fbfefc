"""Which organism the genes are of, and which of them are mitochondrial."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np

Organism = Literal["human", "mouse", "unknown"]

ENSEMBL_IDS = "Ensembl ids"
"""What stands for the prefix when mitochondrial genes are known by their ids alone."""

# The 13 proteins of the mitochondrial genome (MT-ND1 ... MT-CYB) of GRCh38 and GRCm38/39.
MITOCHONDRIAL_IDS = frozenset(
    [f"ENSG00000198{number}" for number in (695, 712, 727, 763, 786, 804, 840, 886, 888, 899, 938)]
    + ["ENSG00000212907", "ENSG00000228253"]
    + [f"ENSMUSG000000643{number}" for number in (41, 45, 51, 54, 56, 57, 58, 60, 63, 67, 68, 70)]
    + ["ENSMUSG00000065947"]
)

# MT-CO1 and mt-Co1; MT.CO1 where R's make.names has been; GRCh38_MT-CO1 in multi-genome references.
MITOCHONDRIAL_NAME = re.compile(r"^(?:[A-Za-z0-9]+_+)?(mt[-.])(?=[a-z])", re.IGNORECASE)
HUMAN_ID = re.compile(r"^ENSG\d{11}")
MOUSE_ID = re.compile(r"^ENSMUSG\d{11}")
# FOXP3 and CD8A against Foxp3 and Cd8a; clone names (AC012345.1) and Orf names say nothing.
HUMAN_SYMBOL = re.compile(r"^[A-Z][A-Z]+[0-9]*[A-Z]*[0-9]*$")
MOUSE_SYMBOL = re.compile(r"^[A-Z][a-z]+[0-9]*[a-z]*[0-9]*$")

CLEAR_SHARE = 0.3
"""Smallest share of the genes that must look like an organism's for it to be named."""


def detect_organism(symbols: Sequence[str], ids: Sequence[str]) -> Organism:
    """Human or mouse, by Ensembl ids first, and by the case of the gene symbols else.

    The organism is named when at least 30 % of the genes look like it, and three times as many as
    look like the other; else it is ``"unknown"``.
    """
    by_id = _decide(
        sum(bool(HUMAN_ID.match(gene)) for gene in ids),
        sum(bool(MOUSE_ID.match(gene)) for gene in ids),
        len(ids),
    )
    if by_id != "unknown":
        return by_id
    return _decide(
        sum(bool(HUMAN_SYMBOL.match(gene)) for gene in symbols),
        sum(bool(MOUSE_SYMBOL.match(gene)) for gene in symbols),
        len(symbols),
    )


def _decide(human: int, mouse: int, total: int) -> Organism:
    if max(human, mouse) < CLEAR_SHARE * max(total, 1):
        return "unknown"
    if human >= 3 * mouse:
        return "human"
    return "mouse" if mouse >= 3 * human else "unknown"


def mitochondrial_genes(symbols: Sequence[str], ids: Sequence[str]) -> tuple[np.ndarray, str]:
    """Mark the mitochondrial genes.

    Returns
    -------
    mask
        True for mitochondrial genes, shape (n_genes,).
    prefix
        The commonest prefix found (``"MT-"``, ``"mt-"``, ``"MT."`` ...), ``"Ensembl ids"`` when
        only the ids gave them away, ``""`` when none was recognised.
    """
    found = [MITOCHONDRIAL_NAME.match(gene) for gene in symbols]
    mask = np.array([match is not None for match in found], dtype=bool)
    prefixes = Counter(match.group(1) for match in found if match)
    if prefixes:
        return mask, max(sorted(prefixes), key=lambda name: prefixes[name])
    mask = np.array([gene.split(".")[0] in MITOCHONDRIAL_IDS for gene in ids], dtype=bool)
    return mask, ENSEMBL_IDS if mask.any() else ""
