"""Removal of what programs add to gene names: quotes, genome prefixes, chromosome suffixes."""

from __future__ import annotations

import re
from collections import Counter

QUOTED = re.compile(r"([\"'])(.*)\1")
GENOME = re.compile(
    r"((?:GRC[a-z]{1,2}|hg|mm|rn|danRer|dm|ce|sacCer|galGal|susScr|rheMac|Mmul_|Sscrofa|BDGP|WBcel"
    r"|TAIR|R64-)\d[\w.]*?|mRatBN7\.2|human|mouse|Homo_sapiens|Mus_musculus)"
    r"(?:_+|-)(?=\S)"
)
"""GRCh38_CD3E (10x references of several genomes), GRCh38-CD3E (after Seurat), mm10___Cd3e."""
CHROMOSOME = re.compile(r"(.+)__chr[\w.-]+")
"""CD3E__chr11, as written by CEL-Seq2 pipelines."""
MIN_SHARE = 0.5
"""Minimum fraction of names with a prefix or suffix for it to be removed."""


def clean_names(names: list[str]) -> tuple[list[str], list[str], list[str]]:
    """Remove quotes, line breaks, genome prefixes and chromosome suffixes.

    A genome prefix is kept if the names have those of several genomes.

    Returns
    -------
    names : list of str
        The cleaned names, in the same order.
    notes, warnings : list of str
        Messages.
    """
    notes: list[str] = []
    warnings: list[str] = []
    broken = [name for name in names if len(name.splitlines()) > 1]
    if broken:
        names = [" ".join(name.split()) if len(name.splitlines()) > 1 else name for name in names]
        warnings.append(
            f"{len(broken)} gene names contain a line break (first: {broken[0]!r}), which was "
            "replaced by a space"
        )
    cleaned = [_unquoted(name.strip()) for name in names]
    n_quoted = sum(map(str.__ne__, map(str.strip, names), cleaned))
    if n_quoted:
        notes.append(f"quotation marks were removed from {n_quoted} gene names")
    cleaned = _without_genome(cleaned, notes, warnings)
    matches = [CHROMOSOME.fullmatch(name) for name in cleaned]
    n_matches = sum(match is not None for match in matches)
    if n_matches and n_matches >= MIN_SHARE * len(cleaned):
        cleaned = [
            match[1] if match else name for match, name in zip(matches, cleaned, strict=True)
        ]
        notes.append(f"chromosomes were removed from {n_matches} gene names (NAME__chr1)")
    return cleaned, notes, warnings


def _unquoted(name: str) -> str:
    match = QUOTED.fullmatch(name)
    return match[2].strip() if match else name


def _without_genome(names: list[str], notes: list[str], warnings: list[str]) -> list[str]:
    matches = [GENOME.match(name) for name in names]
    genomes = Counter(match[1] for match in matches if match)
    total = sum(genomes.values())
    if not total or total < MIN_SHARE * len(names):
        return names
    if len(genomes) > 1:
        found = ", ".join(f"{name}: {number}" for name, number in sorted(genomes.items()))
        warnings.append(
            f"the genes are of {len(genomes)} genomes ({found}), whose prefixes were kept; "
            "cluster the cells of one organism at a time"
        )
        return names
    notes.append(f"prefix {next(iter(genomes))} was removed from {total} gene names")
    return [
        name[match.end() :] if match else name for name, match in zip(names, matches, strict=True)
    ]
