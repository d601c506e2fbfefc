"""Checks of a table of counts: names of its rows, and columns that are not counts."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from scsiameseclu.io.loaded import Origin, list_names
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.io.values import fractional

MAX_ODD_COLUMNS = 5
"""Maximum number of columns without whole numbers that are named as metadata."""
MIN_ROWS, MIN_DISTINCT_SHARE = 20, 0.2
"""Tables with this number of rows have at least this fraction of different row names."""
MIN_GENES, MAX_FULL_COLUMNS, MAX_DETECTED_SHARE = 100, 3, 0.8
"""When columns without zeros are unlike cells: numbers of genes and of such columns, and the
fraction of genes that cells have at most."""


def check_names(names: pd.Index, origin: Origin) -> None:
    """Refuse a table whose rows are neither cells nor genes.

    Raises
    ------
    UserError
        Nearly all names are repeated.
    """
    if len(names) >= MIN_ROWS and names.nunique() < MIN_DISTINCT_SHARE * len(names):
        raise origin.error(
            f"has {len(names)} rows with only {names.nunique()} different names (such as "
            f"{names[0]}), so that they are neither cells nor genes; use a matrix, or a long table "
            "with columns cell, gene and count"
        )


def check_whole(
    stored: csr_matrix, columns: list[str], request: ReadRequest, origin: Origin
) -> None:
    """Refuse a table of counts with a few columns of other numbers, such as scores of cells.

    Raises
    ------
    UserError
        Most numbers in a few columns are not whole, and all others are counts.
    """
    number = len(columns)
    wrong = fractional(stored.data) | (stored.data < 0)
    wrongs = np.bincount(stored.indices[wrong], minlength=number)
    odd = np.flatnonzero(2 * wrongs > np.bincount(stored.indices, minlength=number))
    if wrongs.sum() > wrongs[odd].sum():
        return
    few = 0 < odd.size <= min(MAX_ODD_COLUMNS, number // 2)
    if few and request.counts == "whole":
        raise origin.error(
            f"has numbers that are not counts in columns {list_names(columns[i] for i in odd)} "
            "only; remove them, or move them to a table in column `metadata` if they describe cells"
        )


def unlike_cells(stored: csr_matrix, columns: list[str]) -> list[str]:
    """A warning on columns with a number for every gene, where other columns have zeros."""
    n_genes = stored.shape[0]
    detected = np.bincount(stored.indices, minlength=len(columns))
    full = np.flatnonzero(detected == n_genes)
    usual = float(np.median(detected))
    few = 0 < full.size <= MAX_FULL_COLUMNS
    if n_genes < MIN_GENES or not few or usual > MAX_DETECTED_SHARE * n_genes:
        return []
    names = list_names(columns[column] for column in full)
    return [
        f"column {names} has a count of every gene, but cells have counts of {usual:.0f} of "
        f"{n_genes} genes; remove it if it is a length or a sum"
    ]
