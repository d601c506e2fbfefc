"""Ensembl ids of genes, by id or by name.

The tables ``genes_*.tsv.xz`` contain all genes of GENCODE human 48 and mouse M37, which
cellxgene-schema 7 accepts; they are built by ``benchmarks/gene_reference.py``.
"""

from __future__ import annotations

import lzma
from functools import cache
from importlib.resources import files

import pandas as pd

from scsiameseclu.genes.matching import GeneNames

PREFIX = {"human": "ENSG", "mouse": "ENSMUSG"}
DIGITS = 11


@cache
def reference(organism: str) -> tuple[frozenset[str], dict[str, str]]:
    """All Ensembl ids of an organism, and the id of each name in capitals.

    Parameters
    ----------
    organism
        ``human`` or ``mouse``.
    """
    packed = files("scsiameseclu.export").joinpath(f"genes_{organism}.tsv.xz").read_bytes()
    ids, by_name = [], dict[str, str]()
    for line in lzma.decompress(packed).decode().splitlines():
        number, _, name = line.partition("\t")
        ids.append(f"{PREFIX[organism]}{int(number):0{DIGITS}d}")
        if name:
            by_name.setdefault(name.upper(), ids[-1])
    return frozenset(ids), by_name


def ensembl_ids(var: pd.DataFrame, organism: str) -> list[str]:
    """The Ensembl id of each gene, (n_genes,); empty for a gene without one.

    A gene whose id is in the reference keeps it, without version; others are looked up by name. An
    id that several genes would have is given to the first.

    Parameters
    ----------
    var
        Table of the genes; see :meth:`scsiameseclu.genes.matching.GeneNames.of`.
    organism
        ``human`` or ``mouse``.
    """
    known, by_name = reference(organism)
    names = GeneNames.of(var)
    bare = [name.partition(".")[0] for name in names.ids]
    chosen = [
        identifier if identifier in known else by_name.get(symbol.upper(), "")
        for identifier, symbol in zip(bare, names.symbols, strict=True)
    ]
    seen: set[str] = set()
    result = []
    for identifier in chosen:
        result.append("" if identifier in seen else identifier)
        seen.add(identifier)
    return result
