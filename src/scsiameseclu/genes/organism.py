"""Detection of the organism and of mitochondrial genes from gene names.

``mitochondrial.tsv`` lists the protein-coding genes of mitochondrial genomes: ids of Ensembl
(human, mouse, rat, zebrafish, pig, macaque), FlyBase (fruit fly), WormBase (worm) and SGD (yeast),
with the symbols of the same databases. Genes of the mitochondrial genomes of yeast and Arabidopsis
are also recognised by their systematic names (Q0045, ATMG00160).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.resources import files

import numpy as np
import pandas as pd

ENSEMBL_IDS = "Ensembl ids"
"""Value used in place of a prefix if mitochondrial genes are recognised by their ids."""
SYMBOLS = "gene symbols"
"""Value used in place of a prefix if mitochondrial genes are recognised by symbols without one."""

MITOCHONDRIAL_NAME = re.compile(r"^(?:[A-Za-z0-9]+_+)?(mt[-.:])(?=[a-z])", re.IGNORECASE)
"""MT-CO1 and mt-Co1, MT.CO1 (after R's make.names), mt:CoI (fruit fly), GRCh38_MT-CO1."""
MITOCHONDRIAL_ID = re.compile(r"Q0\d{3}|ATMG\d{5}|MTCE\.\d+")
"""Systematic names of genes of the mitochondrial genomes of yeast, Arabidopsis and worm."""
MIN_SYMBOLS = 0.6
"""Minimum fraction of an organism's mitochondrial symbols (ND1, COX1, ...) for them to count."""

UNKNOWN, ANOTHER = "unknown", "another species"
ORGANISM_IDS = {
    "human": r"ENSG\d{11}",
    "mouse": r"ENSMUSG\d{11}",
    "rat": r"ENSRNOG\d{11}",
    "zebrafish": r"ENSDARG\d{11}|(si|zgc|wu|im):[\w.-]+",
    "pig": r"ENSSSCG\d{11}",
    "macaque": r"ENSM(MU|FA)G\d{11}",
    "fruit fly": r"FBgn\d{7}|CG\d{4,5}|mt:[A-Z].*",
    "worm": r"WBGene\d{8}|MTCE\.\d+",
    "yeast": r"Y[A-P][LR]\d{3}[WC](-[A-Z])?|Q0\d{3}",
    "Arabidopsis": r"AT[1-5MC]G\d{5}",
    ANOTHER: r"ENS[A-Z]{3,6}G\d{11}",
}
"""Ids, and symbols that only one organism has; the first that matches a gene counts."""
HUMAN_SYMBOL = re.compile(r"^[A-Z][A-Z]+[0-9]*[A-Z]*[0-9]*$")
"""FOXP3, CD8A; clone names (AC012345.1) and Orf names match neither organism."""
MOUSE_SYMBOL = re.compile(r"^[A-Z][a-z]+[0-9]*[a-z]*[0-9]*$")
"""Foxp3, Cd8a."""
UPPER_CASE_MOUSE = re.compile(r"^([0-9A-Z]{6,}RIK|GM\d{3,}|H2-[A-Z]+\d*|OLFR\d+)$")
"""2410089E03RIK, GM1992, H2-K1: mouse symbols in upper case."""
UPPER_CASE_HUMAN = re.compile(r"^(HLA-.+|LINC\d+|C\d+ORF\d+|C\d+orf\d+|A[CLP]\d{6}\.\d+)$")
RAT_SYMBOL = re.compile(r"^(RGD\d{5,}|Mt-[a-z].*)$")

NUMBER = re.compile(r"\d.*$")
NOT_A_SYMBOL = re.compile(r"[ACGTN]+|[A-P]\d{1,2}")
"""Barcodes and wells."""
NUMBERED = re.compile(
    r"((SRR|ERR|DRR|SRX|ERX|SRS|ERS|SAMN|SAMEA|GSM)\d+|(cell|sample|well|barcode)s?\d+)",
    re.IGNORECASE,
)
"""Accessions of runs and samples, and numbered cells."""
MAX_NUMBERED = 0.5
MIN_NAMES, MIN_STEMS = 20, 0.4
"""Minimum number of names like symbols, and minimum fraction of different stems among them."""

MIN_SHARE = 0.3
"""Minimum fraction of the genes that must match an organism for it to be reported."""
MIN_SYMBOL_SHARE, MIN_TELLING = 0.005, 3
"""Minimum fraction and number of symbols that only one organism has."""


def detect_organism(symbols: Sequence[str], ids: Sequence[str]) -> str:
    """Detect the organism from gene ids, telling symbols or the case of gene symbols.

    Returns
    -------
    str
        A key of :data:`ORGANISM_IDS` other than ``"another species"``, or ``"unknown"``. Ids decide
        if at least 30 % of the genes match an organism, and at least three times as many as match
        any other. Symbols that are ids of one organism, or that only one has (``mt:CoI``,
        ``si:ch211-1e14.1``), follow, then the case of the symbols (human or mouse).
    """
    organism = _largest(_species(ids), MIN_SHARE * len(ids))
    if organism == UNKNOWN:
        enough = max(MIN_TELLING, MIN_SYMBOL_SHARE * len(symbols))
        organism = _largest(_species(symbols), enough)
    if organism == UNKNOWN:
        organism = _by_case(symbols)
    return UNKNOWN if organism == ANOTHER else organism


def is_another_species(symbols: Sequence[str], ids: Sequence[str]) -> bool:
    """Whether the Ensembl ids are of a species that :data:`ORGANISM_IDS` does not name."""
    matches = _species(ids) + _species(symbols)
    return _largest(matches, MIN_SHARE * len(ids)) == ANOTHER


@cache
def _species_pattern() -> re.Pattern[str]:
    groups = (f"(?P<o{place}>{ids})" for place, ids in enumerate(ORGANISM_IDS.values()))
    return re.compile(rf"(?:{'|'.join(groups)})(\.\d+)?")


def _species(names: Iterable[str]) -> Counter[str]:
    """Number of names that are ids of each organism."""
    matches = (_species_pattern().fullmatch(name) for name in names)
    organisms = list(ORGANISM_IDS)
    return Counter(
        next(
            organisms[int(group[1:])]
            for group, text in match.groupdict().items()
            if text is not None
        )
        for match in matches
        if match
    )


def _largest(matches: Counter[str], minimum: float) -> str:
    (first, number), (_, second) = [*matches.most_common(2), ("", 0), ("", 0)][:2]
    return first if number and number >= minimum and number >= 3 * second else UNKNOWN


def are_symbols(names: Sequence[str]) -> bool:
    """Whether names look like the gene symbols of human, mouse or rat.

    Many of them are written like symbols and have different stems. Numbered names (SRR1000001,
    Cell12), wells (C3) and barcodes are not symbols.
    """
    others = [name for name in names if not NOT_A_SYMBOL.fullmatch(name)]
    matches = [name for name in others if HUMAN_SYMBOL.match(name) or MOUSE_SYMBOL.match(name)]
    enough = max(MIN_NAMES, MIN_SHARE * len(names))
    stems = {NUMBER.sub("", name) for name in matches}
    return len(matches) >= enough and len(stems) >= MIN_STEMS * len(matches)


def _by_case(symbols: Sequence[str]) -> str:
    if _are_numbered(symbols):
        return UNKNOWN
    human = sum(bool(HUMAN_SYMBOL.match(gene)) for gene in symbols)
    mouse = sum(bool(MOUSE_SYMBOL.match(gene)) for gene in symbols)
    organism = _largest(Counter(human=human, mouse=mouse), MIN_SHARE * max(len(symbols), 1))
    if organism == "human":
        of_mouse = sum(bool(UPPER_CASE_MOUSE.match(gene)) for gene in symbols)
        of_human = sum(bool(UPPER_CASE_HUMAN.match(gene)) for gene in symbols)
        return "mouse" if of_mouse >= MIN_TELLING and of_mouse >= 3 * of_human else "human"
    if organism == "mouse":
        of_rat = sum(bool(RAT_SYMBOL.match(gene)) for gene in symbols)
        return "rat" if of_rat >= MIN_TELLING else "mouse"
    return organism


def _are_numbered(names: Sequence[str]) -> bool:
    """Whether most names are one of :data:`NUMBERED` with a number, as those of runs and cells."""
    numbered = sum(bool(NUMBERED.fullmatch(name)) for name in names)
    return numbered > MAX_NUMBERED * len(names)


@cache
def mitochondrial_table() -> pd.DataFrame:
    """Protein-coding mitochondrial genes: columns ``organism``, ``gene_id`` and ``symbol``.

    Ids of Ensembl (human, mouse, rat, zebrafish, pig, macaque), FlyBase (fruit fly), WormBase
    (worm) and the Saccharomyces Genome Database (yeast).
    """
    source = files("scsiameseclu.genes") / "mitochondrial.tsv"
    with source.open(encoding="utf-8") as lines:
        return pd.read_csv(lines, sep="\t", dtype=str)


def mitochondrial_genes(symbols: Sequence[str], ids: Sequence[str]) -> tuple[np.ndarray, str]:
    """Mark the mitochondrial genes.

    Returns
    -------
    mask : np.ndarray
        True for mitochondrial genes, (n_genes,).
    prefix : str
        The most common prefix (``"MT-"``, ``"mt-"``, ``"mt:"`` ...), ``"Ensembl ids"`` if genes
        were recognised by ids only, ``"gene symbols"`` if by symbols without a prefix (``ND1``),
        ``""`` if none was recognised.
    """
    matches = [MITOCHONDRIAL_NAME.match(gene) for gene in symbols]
    mask = np.array([match is not None for match in matches], dtype=bool)
    prefixes = Counter(match.group(1) for match in matches if match)
    if prefixes:
        return mask, max(sorted(prefixes), key=lambda name: prefixes[name])
    known = set(mitochondrial_table()["gene_id"])
    mask = np.array([_is_mitochondrial_id(gene, known) for gene in ids], dtype=bool)
    mask |= np.array([_is_mitochondrial_id(gene, known) for gene in symbols], dtype=bool)
    if mask.any():
        return mask, ENSEMBL_IDS
    present = set(symbols)
    for _, names in mitochondrial_table().groupby("organism", sort=False)["symbol"]:
        if len(present & set(names)) >= MIN_SYMBOLS * len(names):
            return np.isin(np.array(symbols, dtype=str), names.to_numpy(dtype=str)), SYMBOLS
    return mask, ""


def _is_mitochondrial_id(gene: str, known: set[str]) -> bool:
    return gene.split(".")[0] in known or bool(MITOCHONDRIAL_ID.fullmatch(gene))
