"""Detection of the organism and of mitochondrial genes from gene names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Literal

import numpy as np

Organism = Literal["human", "mouse", "unknown"]

ENSEMBL_IDS = "Ensembl ids"
"""Value used in place of a prefix if mitochondrial genes are recognised by their ids."""

MITOCHONDRIAL_IDS = frozenset(
    [f"ENSG00000198{number}" for number in (695, 712, 727, 763, 786, 804, 840, 886, 888, 899, 938)]
    + ["ENSG00000212907", "ENSG00000228253"]
    + [f"ENSMUSG000000643{number}" for number in (41, 45, 51, 54, 56, 57, 58, 60, 63, 67, 68, 70)]
    + ["ENSMUSG00000065947"]
)
"""The 13 protein-coding mitochondrial genes (MT-ND1 ... MT-CYB) of GRCh38 and GRCm38/39."""

MITOCHONDRIAL_NAME = re.compile(r"^(?:[A-Za-z0-9]+_+)?(mt[-.])(?=[a-z])", re.IGNORECASE)
"""MT-CO1 and mt-Co1, MT.CO1 (after R's make.names), GRCh38_MT-CO1 (multi-genome references)."""
HUMAN_ID = re.compile(r"^ENSG\d{11}")
MOUSE_ID = re.compile(r"^ENSMUSG\d{11}")
HUMAN_SYMBOL = re.compile(r"^[A-Z][A-Z]+[0-9]*[A-Z]*[0-9]*$")
"""FOXP3, CD8A; clone names (AC012345.1) and Orf names match neither organism."""
MOUSE_SYMBOL = re.compile(r"^[A-Z][a-z]+[0-9]*[a-z]*[0-9]*$")
"""Foxp3, Cd8a."""

MIN_SHARE = 0.3
"""Minimum fraction of the genes that must match an organism for it to be reported."""


def detect_organism(symbols: Sequence[str], ids: Sequence[str]) -> Organism:
    """Detect human or mouse from Ensembl ids or, failing that, from the case of gene symbols.

    An organism is reported if at least 30 % of the genes match it and at least three times as many
    as match the other; otherwise the result is ``"unknown"``.
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
    if max(human, mouse) < MIN_SHARE * max(total, 1):
        return "unknown"
    if human >= 3 * mouse:
        return "human"
    return "mouse" if mouse >= 3 * human else "unknown"


def mitochondrial_genes(symbols: Sequence[str], ids: Sequence[str]) -> tuple[np.ndarray, str]:
    """Mark the mitochondrial genes.

    Returns
    -------
    mask : np.ndarray
        True for mitochondrial genes, (n_genes,).
    prefix : str
        The most common prefix (``"MT-"``, ``"mt-"``, ``"MT."`` ...), ``"Ensembl ids"`` if genes
        were recognised by ids only, ``""`` if none was recognised.
    """
    matches = [MITOCHONDRIAL_NAME.match(gene) for gene in symbols]
    mask = np.array([match is not None for match in matches], dtype=bool)
    prefixes = Counter(match.group(1) for match in matches if match)
    if prefixes:
        return mask, max(sorted(prefixes), key=lambda name: prefixes[name])
    mask = np.array([gene.split(".")[0] in MITOCHONDRIAL_IDS for gene in ids], dtype=bool)
    return mask, ENSEMBL_IDS if mask.any() else ""
