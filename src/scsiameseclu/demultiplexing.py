"""Demultiplexing of cells by hashtags (cell hashing)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype

from scsiameseclu.errors import UserError

DOUBLET, NEGATIVE = "Doublet", "Negative"
DEPTH_WEIGHT = 0.5
"""Weight of the background of a cell in the correction of its counts for depth."""
MIN_SEPARATION = 1.0
"""Minimum difference of the means of labelled and other cells, in root mean squares of their
standard deviations (D of Ashman et al. 1994, doi:10.1086/117248)."""
MIN_SHARE = 0.02
"""Fraction of the mean number of cells per hashtag below which a hashtag seems unused."""
MIN_TAGGED = 2
"""Minimum number of cells with a hashtag as their highest."""
REGULARISATION = 1e-2
MAX_NEGATIVE_SHARE = 0.5
"""Fraction of cells without a hashtag above which a warning is issued."""


@dataclass
class Demultiplexed:
    """Hashtag of each cell.

    Attributes
    ----------
    hashtag
        Name of the hashtag, ``"Doublet"`` (two or more) or ``"Negative"`` (none), (n_cells,);
        categories in the order of the hashtags.
    probability
        Posterior probability of this result, (n_cells,).
    warnings
        Messages on doubtful results.
    """

    hashtag: pd.Categorical[Any]
    probability: np.ndarray
    warnings: list[str] = field(default_factory=list)

    @property
    def summary(self) -> dict[str, Any]:
        """Content of ``uns["hashtags"]``: names, and number of cells of each."""
        cells = pd.Series(self.hashtag).value_counts(sort=False)
        names = self.hashtag.categories.to_numpy(dtype=object)
        return {"name": names, "n_cells": cells.to_numpy(dtype=np.int64)}


def demultiplex(counts: pd.DataFrame) -> Demultiplexed:
    """Assign each cell to the hashtag that labels it.

    The logarithms of the counts of a hashtag, corrected for half of the mean background of the
    cell, are a mixture of two normal distributions, of cells with and without the hashtag. The
    background is that of the hashtags below the two highest. Hashtags are independent: the
    probability of no hashtag is the product of those of lacking each of them, that of one hashtag
    the product of having it and of lacking all others, and that of a doublet the rest.

    Parameters
    ----------
    counts
        Counts of the hashtags, (n_cells, n_hashtags), with their names as columns.

    Raises
    ------
    UserError
        There are fewer than two hashtags, two of the same name, one with the name of a result, or
        values that are not counts.
    """
    names = [str(name) for name in counts.columns]
    _check_hashtags(names)
    text = [name for name, kind in counts.dtypes.items() if not is_numeric_dtype(kind)]
    if text:
        raise UserError(f"the values of hashtag {text[0]!r} are not numbers; give raw counts")
    values = counts.to_numpy(dtype=np.float64)
    if not np.isfinite(values).all() or (values < 0).any() or (values != np.rint(values)).any():
        raise UserError("the values of the hashtags are not counts; give raw counts")
    labelled = _labelled(_corrected(np.log1p(values)), values)
    lacking = np.clip(1 - labelled, 1e-12, 1)
    negative = lacking.prod(axis=1)
    single = negative[:, None] * np.clip(labelled, 0, 1 - 1e-12) / lacking
    doublet = np.clip(1 - negative - single.sum(axis=1), 0, 1)
    result = np.column_stack([single, doublet, negative])
    codes = result.argmax(axis=1)
    hashtag = pd.Categorical.from_codes(codes, categories=pd.Index([*names, DOUBLET, NEGATIVE]))
    return Demultiplexed(hashtag, result.max(axis=1), _warnings(hashtag, codes))


def _check_hashtags(names: list[str]) -> None:
    """Raise unless there are several hashtags with different names of their own."""
    if len(names) < 2:
        given = f"hashtag {names[0]!r} alone does" if names else "a table without hashtags does"
        raise UserError(f"{given} not distinguish samples; give two or more hashtags")
    repeated = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if repeated is not None:
        raise UserError(f"hashtag {repeated!r} is given twice; give every hashtag another name")
    results = [name for name in names if name in (DOUBLET, NEGATIVE)]
    if results:
        raise UserError(
            f"a hashtag is named {results[0]!r}, which is the name of a result; rename it, or "
            "remove it if it is the result of another program"
        )


def _corrected(logs: np.ndarray) -> np.ndarray:
    """Logarithms of counts, corrected for the depth of each cell."""
    if logs.shape[1] < 3:
        return logs
    background = np.sort(logs, axis=1)[:, :-2].mean(axis=1)
    corrected: np.ndarray = logs - DEPTH_WEIGHT * (background - background.mean())[:, None]
    return corrected


def _labelled(logs: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Probability that each hashtag labels each cell, (n_cells, n_hashtags)."""
    highest = np.where(values.any(axis=1), logs.argmax(axis=1), -1)
    result = np.zeros(logs.shape)
    for place in range(logs.shape[1]):
        tagged = highest == place
        if min(tagged.sum(), (~tagged).sum()) >= MIN_TAGGED:
            result[:, place] = _of_higher_group(logs[:, place], tagged)
    return result


def _of_higher_group(logs: np.ndarray, tagged: np.ndarray) -> np.ndarray:
    """Probability of each cell to be of the higher of two groups; 0 if there is only one."""
    from sklearn.mixture import GaussianMixture  # slow to import

    groups = [logs[~tagged], logs[tagged]]
    variances = np.array([group.var() for group in groups]) + REGULARISATION
    mixture = GaussianMixture(
        2,
        weights_init=[group.size / logs.size for group in groups],
        means_init=[[group.mean()] for group in groups],
        precisions_init=(1 / variances)[:, None, None],
        reg_covar=REGULARISATION,
        max_iter=500,
        random_state=0,
    ).fit(logs[:, None])
    low, high = np.sort(mixture.means_.ravel())
    if high - low < MIN_SEPARATION * np.sqrt(mixture.covariances_.mean()):
        return np.zeros(logs.size)
    # the wider component would also take the cells beyond the mean of the other
    inside = np.clip(logs, low, high)[:, None]
    upper = int(mixture.means_.argmax())
    probability: np.ndarray = mixture.predict_proba(inside)[:, upper]
    return probability


def _warnings(hashtag: pd.Categorical[Any], codes: np.ndarray) -> list[str]:
    n_hashtags = len(hashtag.categories) - 2
    cells = np.bincount(codes, minlength=n_hashtags)[:n_hashtags]
    few = np.flatnonzero(cells < MIN_SHARE * cells.mean()).tolist()
    warnings = [
        f"hashtag {hashtag.categories[place]} labels {cells[place]} cells, {cells.mean():.0f} are "
        "usual; remove it if it was not used"
        for place in few
    ]
    share = float((hashtag == NEGATIVE).mean())
    if share > MAX_NEGATIVE_SHARE:
        warnings.append(
            f"{share:.0%} of the cells have no hashtag; check that the hashtag counts belong to "
            "this sample"
        )
    return warnings
