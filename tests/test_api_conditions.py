"""The public functions that compare conditions."""

from __future__ import annotations

import anndata as ad
import matplotlib
import numpy as np
import pytest
from made_cohort import CHANGED, make_cohort

import scsiameseclu as ssc

matplotlib.use("agg")
KEYS = {"sample_key": "sample", "condition_key": "condition", "donor_key": "donor"}


@pytest.fixture(scope="module")
def cohort() -> ad.AnnData:
    made = make_cohort(n_cells=250)
    adata = ad.AnnData(made.counts, made.obs)
    adata.var_names = made.genes
    return adata


def test_composition_is_a_table(cohort: ad.AnnData, caplog: pytest.LogCaptureFixture) -> None:
    table = ssc.tl.composition(cohort, **KEYS, groupby="type", covariates="meta_age")
    called = table["group"][table["adjusted_p"] < 0.05]
    assert called.tolist() == ["B"]
    assert "covariate meta_age is left out" in caplog.text
    with pytest.raises(ssc.UserError, match="no column 'house'"):
        ssc.tl.composition(cohort, "house", "condition", groupby="type")
    with pytest.raises(ssc.UserError, match="condition cannot be a covariate"):
        ssc.tl.composition(cohort, **KEYS, groupby="type", covariates=["condition"])


def test_pseudobulk_is_a_table(cohort: ad.AnnData) -> None:
    cells = cohort[cohort.obs["type"].isin(["B", "T"])].copy()
    table = ssc.tl.pseudobulk(cells, **KEYS, groupby="type", reference="stim")
    called = table[table["padj"] <= 0.05]
    assert set(called["gene"][called["group"] == "B"]) >= set(cohort.var_names[CHANGED])
    assert called["log2FoldChange"][called["group"] == "B"].head(5).max() < -1
    summary = table.attrs["summary"]
    assert summary["n_genes"].tolist() == table.groupby("group").size().tolist()
    cells.X = np.log1p(cells.X)
    with pytest.raises(ssc.UserError, match="which are not counts"):
        ssc.tl.pseudobulk(cells, **KEYS, groupby="type")


def test_bars_are_shares(cohort: ad.AnnData) -> None:
    axes = ssc.pl.composition(cohort, **KEYS, groupby="type")
    widths = np.array([bar.get_width() for bar in axes.patches])[:32].reshape(4, 8)
    np.testing.assert_allclose(widths.sum(axis=0), 100)
    labels = [label.get_text() for label in axes.get_yticklabels()]
    counted = cohort.obs.groupby("sample")["type"].value_counts(normalize=True)
    assert labels[:4] == [f"ctrl_{donor}" for donor in range(4)]
    assert widths[0, 5] == pytest.approx(100 * counted[labels[5], "B"])
