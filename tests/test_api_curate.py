"""tl.curate: clusters merged, split and named in a notebook."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

import scsiameseclu as ssc
from scsiameseclu.errors import UserError


@pytest.fixture
def adata() -> ad.AnnData:
    """Three clusters; the first has two kinds of cells, which differ in 20 of 200 genes."""
    generator = np.random.default_rng(1)
    means = np.full((160, 200), 1.5)
    means[:40, :20] *= 6
    clusters = np.repeat(["0", "1", "2"], [100, 40, 20])
    counts = sp.csr_matrix(generator.poisson(means).astype(np.float32))
    return ad.AnnData(counts, obs=pd.DataFrame({"siamese": clusters}, index=map(str, range(160))))


def test_clusters_are_merged_split_and_named(adata: ad.AnnData) -> None:
    rows = [
        {"cluster": "0", "split": "yes"},
        {"cluster": "0.1", "cell_type": "Large ones"},
        {"cluster": "2", "merge_into": "1"},
    ]
    before = adata.obs.copy()
    ssc.tl.curate(adata, pd.DataFrame(rows))
    after = adata.obs["curated"].astype(str).to_numpy()
    assert set(after[100:]) == {"1"}
    kinds = pd.crosstab(after[:100], np.arange(100) < 40)
    assert kinds.to_numpy().max(axis=1).sum() > 95
    assert set(adata.obs["curated_cell_type"].dropna()) == {"Large ones"}
    assert (adata.obs["curated_cell_type"].notna() == (after == "0.1")).all()
    assert adata.uns["curated"]["merged"] == {"2": "1"}
    pd.testing.assert_frame_equal(adata.obs[["siamese"]], before)
    ssc.tl.curate(adata, pd.DataFrame({"cluster": ["2"], "merge_into": ["1"]}))
    assert "curated_cell_type" not in adata.obs


def test_a_copy_leaves_the_input(adata: ad.AnnData) -> None:
    result = ssc.tl.curate(adata, pd.DataFrame({"cluster": ["2"], "merge_into": ["1"]}), copy=True)
    assert "curated" not in adata.obs
    assert "curated" in result.obs


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"cluster": ["9"]}, "table, line 1: cluster 9 does not exist"),
        ({"name": ["1"]}, "it must have cluster"),
        ({"cluster": ["1"], "split": ["maybe"]}, "split is 'maybe'"),
    ],
)
def test_wrong_tables_are_one_sentence(
    adata: ad.AnnData, table: dict[str, list[str]], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        ssc.tl.curate(adata, pd.DataFrame(table))
