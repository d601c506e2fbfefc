r"""Differential abundance of clusters or cell types between conditions.

The shares of the types add up to 1, so that an increase of one type lowers the shares of all
others. Tests of shares call these changes, too: with one type doubled, up to 59 % of their
discoveries are such artefacts (``benchmarks/results/conditions.md``). Effects are therefore
measured relative to the typical type. With counts :math:`n_{rj}` of replicate :math:`r` and type
:math:`j`, of :math:`m` types:

1. Centred log-ratios (Aitchison 1982) :math:`y_{rj} = \log(n_{rj} + \tfrac12) -
   \frac1m \sum_l \log(n_{rl} + \tfrac12)`.
2. A linear model of :math:`y_j` on the design, first with equal weights, for expected counts
   :math:`\mu_{rj}` and the variance between replicates :math:`\phi`, the median over the types of
   :math:`s_j^2 - \overline{1 / \mu_{rj}}`; then with the weights :math:`1 / (\phi + 1 / \mu_{rj})`.
3. Variances moderated over the types (:func:`scsiameseclu.cohort.moderation.moderate`), but not
   below those of counts that vary by chance only.
4. Effects :math:`\beta_j - c`, where the centre :math:`c` is Tukey's biweight location of all
   effects, so that types that change do not move it. That an increase of few types should not count
   as a decrease of all others is the idea of LinDA (Zhou et al. 2022).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from scsiameseclu.cohort.design import Design, design_of
from scsiameseclu.cohort.moderation import fit_linear, moderate
from scsiameseclu.cohort.replicates import CONDITION, Replicates

COLUMNS = (
    *("group", "condition", "reference", "n_condition", "n_reference", "n_cells"),
    *("share", "share_reference", "difference", "log2_ratio"),
    *("log2_change", "low", "high", "t", "df", "p_value", "adjusted_p", "reason"),
)
"""Columns of the table of :func:`compare_composition`."""
BIWEIGHT = 4.685
"""Number of standard errors from the centre beyond which a type has no influence on it."""
CENTRE_FACTOR = 2.0
"""Factor of the variance of the centre, whose weights depend on the effects themselves. Chosen by
simulation: without it, the false discovery rate exceeds its limit when there are few types."""
MIN_BIOLOGICAL = 1e-3
"""Smallest variance of log shares between replicates."""
CONFIDENCE = 0.95
LN2 = np.log(2)


def count_cells(replicates: Replicates, groups: pd.Series) -> pd.DataFrame:
    """Numbers of cells, (n_replicates, n_groups).

    Parameters
    ----------
    replicates
        The replicates.
    groups
        Cluster or type of each cell, a category, (n_cells,).
    """
    names = groups.cat.categories
    counted = (replicates.codes >= 0) & groups.notna().to_numpy()
    pairs = replicates.codes[counted] * len(names) + groups.cat.codes.to_numpy()[counted]
    cells = np.bincount(pairs, minlength=len(replicates.table) * len(names))
    shape = (len(replicates.table), len(names))
    return pd.DataFrame(cells.reshape(shape), replicates.table.index, names.astype(str))


def shares_of(counts: pd.DataFrame) -> pd.DataFrame:
    """Shares of the cells of each replicate, with rows that add up to 1."""
    return counts.div(counts.sum(axis=1).replace(0, np.nan), axis=0)


def compare_composition(
    replicates: Replicates, counts: pd.DataFrame, *, min_cells: int = 10
) -> tuple[pd.DataFrame, Design]:
    """Compare the abundance of groups between conditions.

    Parameters
    ----------
    replicates
        The replicates.
    counts
        Numbers of cells, (n_replicates, n_groups), by :func:`count_cells`.
    min_cells
        Groups with fewer cells in all compared replicates together are not tested.

    Returns
    -------
    table
        One row per group and condition, with :data:`COLUMNS`. ``share`` and ``share_reference`` are
        means over the replicates, ``difference`` their difference and ``log2_ratio`` the log2 of
        their ratio. ``log2_change`` is the estimated log2 fold change relative to the typical
        group, with the limits ``low`` and ``high`` of its 95 % interval; ``adjusted_p`` is by
        Benjamini and Hochberg's method over the groups. ``reason`` says why a group is not tested.
    design
        The design of the tests.
    """
    design = design_of(replicates, counts.sum(axis=1).to_numpy() > 0)
    cells = counts.iloc[design.rows].sum()
    enough = (cells >= max(min_cells, 1)).to_numpy()
    reasons = {
        str(name): f"{n} cells in all replicates; at least {min_cells} are required"
        for name, n in cells[~enough].items()
    }
    if enough.sum() < 2:
        reasons |= dict.fromkeys(
            map(str, counts.columns[enough]), "there is no other group to compare with"
        )
        enough[:] = False
    tests = _tests(counts.iloc[design.rows].loc[:, enough], design) if enough.any() else {}
    parts = [
        _rows(replicates, counts, condition, design.untested.get(condition), reasons, tests)
        for condition in replicates.conditions[1:]
    ]
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)], design


def _rows(
    replicates: Replicates,
    counts: pd.DataFrame,
    condition: str,
    untested: str | None,
    reasons: dict[str, str],
    tests: dict[str, pd.DataFrame],
) -> pd.DataFrame:
    """The rows of one condition: description of all groups, and tests of those that can be."""
    used = counts[counts.sum(axis=1) > 0]
    of = replicates.table[CONDITION].loc[used.index]
    shares = shares_of(used)
    mean, reference = (shares[of == c].mean() for c in (condition, replicates.reference))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.log2((mean / reference).to_numpy(float))
    compared = used[of.isin([condition, replicates.reference])]
    table = pd.DataFrame(
        {
            "group": counts.columns,
            "condition": condition,
            "reference": replicates.reference,
            "n_condition": int((of == condition).sum()),
            "n_reference": int((of == replicates.reference).sum()),
            "n_cells": compared.sum().to_numpy(),
            "share": mean.to_numpy(),
            "share_reference": reference.to_numpy(),
            "difference": (mean - reference).to_numpy(),
            "log2_ratio": np.where(np.isfinite(ratio), ratio, np.nan),
        },
        index=counts.columns,
    )
    statistics = tests.get(condition, pd.DataFrame(columns=list(COLUMNS[10:17]), dtype=float))
    table = table.join(statistics)
    table["reason"] = [untested or reasons.get(str(name), "") for name in table["group"]]
    return table


@dataclass(frozen=True)
class _Values:
    """Centred log-ratios, their expected counts and their weights, each (n_groups, n_rows)."""

    ratios: np.ndarray
    expected: np.ndarray
    weights: np.ndarray


def _values(counts: np.ndarray, matrix: np.ndarray) -> _Values:
    """Transform counts (n_rows, n_groups); see the docstring of the module."""
    logs = np.log(counts + 0.5).T
    centre = logs.mean(axis=0)
    ratios = logs - centre
    fits = fit_linear(ratios, matrix, np.ones_like(ratios))
    expected = np.maximum(np.exp(fits.coefficients @ matrix.T + centre), 0.5)
    biological = float(np.median(fits.variance - (1 / expected).mean(axis=1)))
    weights = 1 / (max(biological, MIN_BIOLOGICAL) + 1 / expected)
    return _Values(ratios, expected, weights)


def _tests(counts: pd.DataFrame, design: Design) -> dict[str, pd.DataFrame]:
    """Moderated t tests of the groups, by condition."""
    values = _values(counts.to_numpy(float), design.matrix)
    fits = fit_linear(values.ratios, design.matrix, values.weights)
    moderated = moderate(fits.variance, fits.df)
    by_chance = fit_linear(values.ratios, design.matrix, values.expected).scale
    tables = {}
    for condition, column in design.columns.items():
        variance = np.maximum(moderated.variance * fits.scale[:, column], by_chance[:, column])
        effect, error = centred(fits.coefficients[:, column], np.sqrt(variance))
        t = effect / error
        p = 2 * stats.t.sf(np.abs(t), moderated.df)
        reach = error * stats.t.ppf((1 + CONFIDENCE) / 2, moderated.df)
        tables[condition] = pd.DataFrame(
            {
                "log2_change": effect / LN2,
                "low": (effect - reach) / LN2,
                "high": (effect + reach) / LN2,
                "t": t,
                "df": moderated.df,
                "p_value": p,
                "adjusted_p": stats.false_discovery_control(p),
            },
            index=counts.columns,
        )
    return tables


def centred(effects: np.ndarray, errors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    r"""Effects relative to the typical one, and their standard errors.

    The centre is Tukey's biweight location with weights
    :math:`k_j = (1 - u_j^2)_+^2 / s_j^2`, :math:`u_j = (\beta_j - c) / (4.685\, s_j)`. With
    :math:`h_j = k_j / \sum k`, the variance of :math:`\beta_j - c` is
    :math:`s_j^2 (1 - 2 h_j) + 2 \sum_l h_l^2 s_l^2`.

    Parameters
    ----------
    effects, errors
        Effects and their standard errors, (n_groups,).

    Examples
    --------
    >>> effects, errors = centred(np.array([-0.3, -0.31, -0.29, 0.4]), np.full(4, 0.1))
    >>> effects.round(2).tolist()
    [-0.0, -0.01, 0.01, 0.7]
    """
    centre = float(np.median(effects))
    influence = 1 / errors**2
    for _ in range(50):
        distance = np.minimum(np.abs(effects - centre) / (BIWEIGHT * errors), 1)
        weights = (1 - distance**2) ** 2 / errors**2
        if not weights.any():
            break
        influence, previous = weights, centre
        centre = float(weights @ effects / weights.sum())
        if abs(centre - previous) < 1e-10:
            break
    h = influence / influence.sum()
    variance = errors**2 * (1 - 2 * h) + CENTRE_FACTOR * float(h**2 @ errors**2)
    return effects - centre, np.sqrt(variance)
