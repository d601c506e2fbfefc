"""A cluster clustered again by genes that vary within it."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from scsiameseclu.curation.split import split_cells
from scsiameseclu.errors import UserError
from scsiameseclu.preprocess.expression import log_normalise
from scsiameseclu.settings import ExpressionSettings

SETTINGS = ExpressionSettings(n_top_genes=100)


def expression(truth: np.ndarray, *, batch: np.ndarray | None = None) -> sp.csr_matrix:
    """Cells of two kinds that differ in 20 of 200 genes, and batches that differ in others."""
    generator = np.random.default_rng(1)
    means = np.full((len(truth), 200), 1.5)
    means[truth == 1, :20] *= 6
    if batch is not None:
        means[batch == 1, 50:90] *= 4
    return log_normalise(sp.csr_matrix(generator.poisson(means).astype(np.float32)))[0]


def test_two_kinds_are_told_apart_and_the_larger_is_first() -> None:
    truth = np.arange(120) % 3 == 0
    parts = split_cells(expression(truth.astype(int)), SETTINGS, None, 0, name="3")
    assert (parts == truth).mean() > 0.97
    assert np.bincount(parts).tolist() == sorted(np.bincount(parts), reverse=True)


def test_parts_are_kinds_and_not_batches() -> None:
    truth, batch = np.arange(400) % 2, np.arange(400) // 2 % 2
    batches = pd.Series(batch).astype(str).astype("category")
    parts = split_cells(expression(truth, batch=batch), SETTINGS, batches, 0, name="3")
    tables = [pd.crosstab(parts, by) for by in (truth, batch)]
    purity = [table.max(axis=1).sum() / 400 for table in tables]
    assert purity[0] > 0.9 > 0.7 > purity[1]


def test_too_few_cells_are_one_sentence() -> None:
    with pytest.raises(UserError, match="cluster 3 has 12 cells, too few to be split"):
        split_cells(expression(np.zeros(12, dtype=int)), SETTINGS, None, 0, name="3")
