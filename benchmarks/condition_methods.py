"""Tests of composition that ``conditions.py`` compares with that of the package.

All are linear models with variances moderated over the types, of two conditions with equally many
samples. They differ in the transformation: as in propeller (Phipson et al. 2022,
doi:10.1093/bioinformatics/btac582), arcsine of the root of the shares or logit; or centred
log-ratios; with equal weights and without a centre of the effects.
"""

import numpy as np
import pandas as pd
from scipy import stats

from scsiameseclu.cohort.moderation import fit_linear, moderate


def _tested(values: np.ndarray, counts: pd.DataFrame, *, centred: bool = False) -> pd.DataFrame:
    """Moderated t tests of values (n_samples, n_types)."""
    half = len(values) // 2
    design = np.column_stack([np.ones(2 * half), np.repeat([0.0, 1.0], half)])
    fits = fit_linear(values.T, design, np.ones(values.T.shape))
    moderated = moderate(fits.variance, fits.df)
    effect = fits.coefficients[:, 1]
    effect = effect - np.median(effect) if centred else effect
    t = effect / np.sqrt(moderated.variance * fits.scale[:, 1])
    p = 2 * stats.t.sf(np.abs(t), moderated.df)
    return pd.DataFrame(
        {"log2_change": effect, "adjusted_p": stats.false_discovery_control(p)}, counts.columns
    )


def arcsine(counts: pd.DataFrame) -> pd.DataFrame:
    """Propeller with the arcsine transformation."""
    shares = counts.to_numpy(float) / counts.to_numpy().sum(axis=1, keepdims=True)
    return _tested(np.arcsin(np.sqrt(shares)), counts)


def logit(counts: pd.DataFrame) -> pd.DataFrame:
    """Propeller with the logit transformation."""
    raised = counts.to_numpy(float) + 0.5
    shares = raised / raised.sum(axis=1, keepdims=True)
    return _tested(np.log(shares / (1 - shares)), counts)


def _ratios(counts: pd.DataFrame) -> np.ndarray:
    logs = np.log(counts.to_numpy(float) + 0.5)
    return logs - logs.mean(axis=1, keepdims=True)


def centred_ratios(counts: pd.DataFrame) -> pd.DataFrame:
    """Centred log-ratios."""
    return _tested(_ratios(counts), counts)


def recentred_ratios(counts: pd.DataFrame) -> pd.DataFrame:
    """Centred log-ratios, with effects relative to their median."""
    return _tested(_ratios(counts), counts, centred=True)


METHODS = {
    "arcsine (propeller)": arcsine,
    "logit (propeller)": logit,
    "centred log-ratio": centred_ratios,
    "centred log-ratio, median": recentred_ratios,
}
