"""Design of the tests between the conditions of a cohort.

The unit of every test is the replicate: a donor in one condition, or a sample where donors are
unknown. Cells of one replicate are not independent of each other, so that tests between cells find
differences wherever replicates differ (Squair et al. 2021, doi:10.1038/s41467-021-25960-2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from scsiameseclu.cohort.replicates import CONDITION, DONOR, Replicates

MIN_REPLICATES = 2
"""Smallest number of replicates of a condition that is tested."""


@dataclass(frozen=True)
class Design:
    """A design matrix with one column per condition other than the reference.

    Attributes
    ----------
    rows
        Positions of the replicates that take part, (n_rows,).
    matrix
        (n_rows, n_columns): intercept, conditions, donors, covariates.
    columns
        Column of each tested condition: its effect against the reference.
    untested
        Why a condition is not tested, by condition.
    terms
        Names of the terms, such as ``["condition", "donor"]``.
    notes
        Sentences about terms that were left out.
    """

    rows: np.ndarray
    matrix: np.ndarray
    columns: dict[str, int]
    untested: dict[str, str]
    terms: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def formula(self) -> str:
        """The terms as a formula."""
        return f"~ {' + '.join(self.terms)}"


def design_of(replicates: Replicates, available: np.ndarray | None = None) -> Design:
    """The design of the tests of every condition against the reference.

    Donors are blocks if at least half of the replicates are of donors in several conditions. A
    term is added only if the matrix keeps full column rank and a residual degree of freedom.

    Parameters
    ----------
    replicates
        The replicates.
    available
        Mask of the replicates that can take part, (n_replicates,); all by default.
    """
    table = replicates.table
    mask = np.ones(len(table), bool) if available is None else np.asarray(available, bool)
    counts = table[CONDITION][mask].value_counts()
    untested, tested = {}, []
    few = int(counts.get(replicates.reference, 0))
    for name in replicates.conditions[1:]:
        n = int(counts.get(name, 0))
        if min(n, few) >= MIN_REPLICATES:
            tested.append(name)
        else:
            untested[name] = _too_few({name: n, replicates.reference: few})
    rows = np.flatnonzero(mask & table[CONDITION].isin([replicates.reference, *tested]).to_numpy())
    if not tested:
        return Design(np.zeros(0, int), np.zeros((0, 0)), {}, untested, (), ())
    chosen = table.iloc[rows]
    conditions = [(chosen[CONDITION] == name).to_numpy(float) for name in tested]
    base = np.column_stack([np.ones(len(rows)), *conditions])
    matrix, terms, notes = base, [CONDITION], []
    candidates = [(DONOR, "donor")] if _paired(chosen) else []
    candidates += [(name, f"covariate {name}") for name in replicates.covariates]
    for name, words in candidates:
        columns = _dummies(chosen[name])
        if isinstance(columns, str):
            notes.append(f"{words} is left out, since {columns}")
            continue
        wider = np.column_stack([matrix, columns])
        if problem := _problem(wider, np.column_stack([base, columns])):
            notes.append(f"{words} is left out, since {problem}")
            continue
        matrix = wider
        terms.append(name)
    positions = {name: place + 1 for place, name in enumerate(tested)}
    return Design(rows, matrix, positions, untested, tuple(terms), tuple(notes))


def _too_few(numbers: dict[str, int]) -> str:
    words = " and ".join(
        f"{name} has {n} replicate{'' if n == 1 else 's'}"
        for name, n in numbers.items()
        if n < MIN_REPLICATES
    )
    return f"{words}; at least {MIN_REPLICATES} are required"


def _paired(chosen: pd.DataFrame) -> bool:
    """Whether at least half of the replicates are of donors in several conditions."""
    conditions = chosen.groupby(DONOR)[CONDITION].nunique()
    return bool((chosen[DONOR].map(conditions) > 1).mean() >= 0.5)


def _dummies(values: pd.Series) -> np.ndarray | str:
    """Columns of a term: a standardised number, or one indicator per level but the first."""
    if values.isna().any():
        return f"replicate {values.index[values.isna()][0]} has no value"
    numbers = pd.to_numeric(values, errors="coerce")
    if values.nunique() < 2:
        return "it is the same for all replicates"
    if numbers.notna().all():
        centred = (numbers - numbers.mean()).to_numpy(float)
        return (centred / centred.std())[:, None]
    levels = sorted(values.astype(str).unique())[1:]
    return np.column_stack([(values.astype(str) == level).to_numpy(float) for level in levels])


def _problem(matrix: np.ndarray, alone: np.ndarray) -> str:
    """Why a term cannot be added; ``alone`` is the matrix of conditions and this term."""
    if np.linalg.matrix_rank(alone) < alone.shape[1]:
        return "it cannot be told from the condition"
    if np.linalg.matrix_rank(matrix) < matrix.shape[1]:
        return "it follows from other terms of the design"
    if matrix.shape[0] <= matrix.shape[1]:
        return "there are too few replicates"
    return ""
