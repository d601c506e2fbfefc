"""Ribosomal, haemoglobin and cell-cycle genes, recognised by their symbols.

``cell_cycle.tsv`` lists the markers of S phase and of G2/M of Tirosh et al. (2016),
doi:10.1126/science.aad0501, with the symbols of today and, where they differ, of then.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import numpy as np
import pandas as pd

RIBOSOMAL = re.compile(r"^(?:RP[LS]-?\d++(?!K|BP)|RPLP[0-2]|RPSA)", re.IGNORECASE)
"""Proteins of the cytosolic ribosome: RPL13A, RpL10Ab (fruit fly), rpl-1 (worm); not the kinases
RPS6KA1, ..., nor RPS19BP1."""
HAEMOGLOBIN = re.compile(
    r"^(?:HB(?:A[12]?|B|D|E1|G[12]|M|Q1|Z)|hb[abq]-[a-z]+\d?|hbq1[ab]|hb[ab][ae]\d(?:\.\d)?)$",
    re.IGNORECASE,
)
"""HBA1 (human), Hbb-bs (mouse), hbaa1 (zebrafish); not HBEGF or HBP1."""
SPIKE_INS = "pct_counts_spike_in"
"""Column of ``obs`` with the percentage of spike-ins, if the input has any."""
WITH_CELL_CYCLE = ("human", "mouse", "rat", "macaque", "pig")
"""Organisms whose orthologues have the symbols of the table, in any case."""
PHASES = ("S", "G2M")


def ribosomal_genes(symbols: Sequence[str]) -> np.ndarray:
    """Mask of the genes of cytosolic ribosomal proteins, (n_genes,)."""
    return np.array([RIBOSOMAL.match(symbol) is not None for symbol in symbols], dtype=bool)


def haemoglobin_genes(symbols: Sequence[str]) -> np.ndarray:
    """Mask of the genes of haemoglobin, (n_genes,)."""
    return np.array([HAEMOGLOBIN.match(symbol) is not None for symbol in symbols], dtype=bool)


@cache
def cell_cycle_table() -> pd.DataFrame:
    """Markers of the cell cycle: columns ``phase`` (S or G2M), ``symbol``, ``former_symbol``."""
    source = files("scsiameseclu.genes") / "cell_cycle.tsv"
    with source.open(encoding="utf-8") as lines:
        return pd.read_csv(lines, sep="\t", dtype=str, keep_default_na=False)


def cell_cycle_genes(symbols: Sequence[str], organism: str) -> dict[str, np.ndarray]:
    """Positions of the markers of each phase; empty for an organism without a table.

    Parameters
    ----------
    symbols
        Gene symbols, (n_genes,).
    organism
        As returned by :func:`scsiameseclu.genes.organism.detect_organism`.

    Returns
    -------
    Positions in ``symbols`` by phase (``"S"``, ``"G2M"``).
    """
    table = cell_cycle_table()
    if organism not in WITH_CELL_CYCLE:
        return {phase: np.empty(0, dtype=np.int64) for phase in PHASES}
    upper = [symbol.upper() for symbol in symbols]
    positions = {}
    for phase in PHASES:
        rows = table[table["phase"] == phase]
        names = {*rows["symbol"], *rows["former_symbol"]} - {""}
        positions[phase] = np.flatnonzero([symbol in names for symbol in upper])
    return positions
