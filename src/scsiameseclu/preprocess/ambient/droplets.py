"""The ambient profile of empty droplets, from a raw matrix."""

from __future__ import annotations

from collections.abc import Collection

import anndata as ad
import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from scsiameseclu.errors import UserError
from scsiameseclu.genes.matching import GeneNames

MAX_EMPTY_COUNTS = 100
"""Maximum counts of a droplet that is certainly empty, as in emptyDrops (Lun et al. 2019,
doi:10.1186/s13059-019-1662-y) and SoupX."""
MIN_OVERLAP = 0.5
"""Minimum share of the sample's genes that a raw matrix must have."""
MIN_EMPTY_COUNTS = 10_000
"""Minimum counts in all empty droplets for a profile."""


def soup_of_droplets(
    raw: ad.AnnData, genes: pd.DataFrame, *, cells: Collection[str] = ()
) -> np.ndarray:
    """Sum the counts of the empty droplets: those of 1 to 100 counts that are no cells.

    Parameters
    ----------
    raw
        Counts of all droplets in ``X`` (CSR); genes are named as
        :meth:`scsiameseclu.genes.matching.GeneNames.of` says.
    genes
        ``var`` of the sample, whose genes are matched by id and otherwise by symbol.
    cells
        Barcodes of the cells.

    Returns
    -------
    Counts, (n_genes,), in the order of ``genes``; 0 for genes that ``raw`` lacks.

    Raises
    ------
    UserError
        The raw matrix has fewer than half of the genes, or its empty droplets have too few counts.
    """
    totals = np.asarray(raw.X.sum(axis=1)).ravel()
    empty = (totals > 0) & (totals <= MAX_EMPTY_COUNTS) & ~raw.obs_names.isin(list(cells))
    sums = csr_matrix(empty.astype(np.float64)) @ raw.X
    counts = np.asarray(sums.todense()).ravel()
    positions = _positions(GeneNames.of(genes), GeneNames.of(raw.var))
    known = positions >= 0
    if known.mean() < MIN_OVERLAP:
        raise UserError(
            f"the raw matrix has {known.sum():,} of the {len(known):,} genes of the sample; use "
            "the raw matrix of the same run"
        )
    soup = np.where(known, counts[positions], 0.0)
    if soup.sum() < MIN_EMPTY_COUNTS:
        raise UserError(
            f"the {empty.sum():,} empty droplets of the raw matrix have {soup.sum():,.0f} counts, "
            f"but at least {MIN_EMPTY_COUNTS:,} are required; use the unfiltered matrix"
        )
    return soup


def _positions(wanted: GeneNames, present: GeneNames) -> np.ndarray:
    """Position of each wanted gene, by id or else by symbol; -1 if missing."""
    by_id, by_symbol = (
        {str(name): place for place, name in reversed(list(enumerate(names)))}
        for names in (present.ids, present.symbols)
    )
    pairs = zip(wanted.ids, wanted.symbols, strict=True)
    return np.array(
        [by_id.get(str(gene), by_symbol.get(str(symbol), -1)) for gene, symbol in pairs]
    )
