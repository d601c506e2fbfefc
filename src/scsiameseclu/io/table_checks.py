"""Checks of a table of counts: names of its rows, and columns that are not counts."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.sparse import csr_matrix

from scsiameseclu.io.loaded import Origin, list_names
from scsiameseclu.io.orientation import GENE_LIKE
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.io.values import fractional

MAX_ODD_COLUMNS = 5
"""Maximum number of columns without whole numbers that are named as metadata."""
MIN_ROWS, MIN_DISTINCT_SHARE = 20, 0.2
"""Tables with this number of rows have at least this fraction of different row names."""
MIN_GENES, MAX_FULL_COLUMNS, MAX_DETECTED_SHARE = 100, 3, 0.8
"""When columns without zeros are unlike cells: numbers of genes and of such columns, and the
fraction of genes that cells have at most."""
MIN_THREE = 0.5
"""Fraction of numbers whose third decimal is not 0 above which all have three decimals."""
MIN_FULL_SHARE = 0.99
"""Fraction of the genes with counts above which a column is without zeros."""
MIN_CELLS, OUTER, MAX_ZEROS_SHARE, MIN_MEAN = 50, 5, 0.7, 10
"""When columns may be unlike genes: numbers of cells, and of columns at each end of the table; the
fraction of cells with a count, which most genes do not reach; the mean of their numbers."""
ABUNDANT = {"MALAT1", "NEAT1", "B2M", "TMSB4X", "TMSB10", "EEF1A1", "FTL", "FTH1", "ACTB"}
"""Genes that have many counts in cells of all depths."""
MAX_RANGE = 2.5
"""Ratio of the largest number to the mean, which most genes exceed."""
MIN_CORRELATION, MIN_DEPTH_DEVIATION = 0.15, 0.1
"""Correlation of the logarithms of the counts of an abundant gene and of all others, and the
standard deviation of the latter that it requires."""


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


def thousands_points(values: np.ndarray) -> str:
    """Why points seem to separate thousands (1.234 is 1,234); empty if they do not.

    Then every number with a point has three decimals and is 1 or more, and no other number reaches
    1,000.

    Parameters
    ----------
    values
        The numbers of a table that are not 0, (n_values,).
    """
    values = values.astype(np.float64)
    broken = fractional(values)
    numbers = values[broken]
    if not numbers.size or not np.isfinite(values).all() or values.max() >= 1000:
        return ""
    if numbers.min() < 1 or (np.abs(1000 * numbers - np.rint(1000 * numbers)) > 0.1).any():
        return ""
    if fractional(100 * numbers).mean() < MIN_THREE:  # two decimals
        return ""
    return (
        f"has numbers such as {numbers[0]:.3f}, all of them with three decimals and none below 1, "
        "so that the points seem to separate thousands; write the numbers without them"
    )


def unlike_cells(stored: csr_matrix, columns: list[str]) -> list[str]:
    """A warning on columns with a number for every gene, where other columns have zeros.

    Parameters
    ----------
    stored
        Counts, (n_genes, n_columns).
    columns
        Names of the columns.
    """
    n_genes = stored.shape[0]
    detected = np.bincount(stored.indices, minlength=len(columns))
    expressed = int((np.diff(stored.indptr) > 1).sum())  # in another column as well
    full = np.flatnonzero(detected >= max(MIN_FULL_SHARE * expressed, 1))
    usual = float(np.median(detected))
    few = 0 < full.size <= MAX_FULL_COLUMNS
    if expressed < MIN_GENES or not few or usual > MAX_DETECTED_SHARE * expressed:
        return []
    names = list_names(columns[column] for column in full)
    least = int(detected[full].min())
    number = "every gene" if least == n_genes else f"{least} of {n_genes} genes"
    return [
        f"column {names} has a count of {number}, but cells have counts of {usual:.0f} of "
        f"{n_genes} genes; remove it if it is a length or a sum"
    ]


def unlike_genes(stored: csr_matrix, columns: list[str]) -> list[str]:
    """A warning on outer columns of large numbers that do not depend on the depth of the cells.

    Counts of a gene with large counts in most cells rise with the counts of all other genes, or
    some are many times as large as others; ages, times and coordinates are neither.

    Parameters
    ----------
    stored
        Counts, (n_cells, n_columns).
    columns
        Names of the columns.
    """
    n_cells, number = stored.shape
    detected = np.bincount(stored.indices, minlength=number)
    if n_cells < MIN_CELLS or number < MIN_GENES or np.median(detected) > MAX_ZEROS_SHARE * n_cells:
        return []
    sums = np.bincount(stored.indices, stored.data, minlength=number)
    outer = np.r_[:OUTER, number - OUTER : number]
    doubtful = [
        column for column in outer.tolist()
        if detected[column] >= MAX_ZEROS_SHARE * n_cells
        and sums[column] >= MIN_MEAN * detected[column] and not GENE_LIKE.match(columns[column])
        and columns[column].upper() not in ABUNDANT
    ]  # fmt: skip
    largest = stored[:, doubtful].max(axis=0).toarray().ravel()
    even = largest < MAX_RANGE * sums[doubtful] / detected[doubtful]
    doubtful = [column for column, kept in zip(doubtful, even, strict=True) if kept]
    if not doubtful:
        return []
    rest = np.setdiff1d(np.arange(number), doubtful)
    depth = np.log1p(np.asarray(stored[:, rest].sum(axis=1, dtype=np.float64)).ravel())
    values = np.log1p(stored[:, doubtful].toarray().astype(np.float64))
    if depth.std() < MIN_DEPTH_DEVIATION:
        return []
    shifted = values - values.mean(axis=0)
    scale = np.maximum(values.std(axis=0) * depth.std() * n_cells, 1e-12)
    independent = (depth - depth.mean()) @ shifted / scale < MIN_CORRELATION
    names = [columns[column] for column in np.array(doubtful, dtype=int)[independent]]
    if not names:
        return []
    one = len(names) == 1
    return [
        f"{'column' if one else 'columns'} {list_names(names)} {'has' if one else 'have'} large "
        "numbers that do not rise with the counts of the cells, and "
        f"{'was read as a gene' if one else 'were read as genes'}; remove what describes cells, or "
        "move it to a table in column `metadata`"
    ]
