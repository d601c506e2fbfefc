"""Ambient RNA and clusters of doublets as functions of a notebook."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix
from soups import Soup, soup

import scsiameseclu as ssc
from scsiameseclu.errors import UserError


@pytest.fixture(scope="module")
def mixed() -> Soup:
    return soup(0.2)


def cells_of(mixed: Soup) -> ad.AnnData:
    adata = ad.AnnData(mixed.counts.copy())
    adata.var_names = [f"g{i}" for i in range(adata.n_vars)]
    adata.obs["kind"] = pd.Categorical(mixed.types.astype(str))
    adata.obs["lane"] = np.where(np.arange(adata.n_obs) % 2, "a", "b")
    return adata


def test_slots_and_copies(mixed: Soup) -> None:
    adata = cells_of(mixed)
    copied = ssc.pp.ambient_rna(adata, groupby="kind", correct=True, copy=True)
    assert copied is not None
    assert "contamination" not in adata.obs
    ssc.pp.ambient_rna(adata, groupby="kind", capture_key="lane")
    assert "corrected" not in adata.layers
    for result in (copied, adata):
        estimate = result.obs["contamination"]
        assert estimate.dtype == np.float32
        assert estimate.mean() == pytest.approx(mixed.contamination.mean(), abs=0.02)
        assert result.var["ambient"].sum() == pytest.approx(1, abs=1e-4)
        assert result.uns["ambient"]["mean"] == pytest.approx(estimate.mean())
    assert (copied.layers["corrected"] > copied.X).nnz == 0
    assert (mixed.counts != copied.X).nnz == 0


def test_raw_droplets_give_the_profile(mixed: Soup) -> None:
    adata = cells_of(mixed)
    rng = np.random.default_rng(0)
    counts = csr_matrix(rng.multinomial(60, mixed.profile, 300).astype(np.float32))
    droplets = pd.DataFrame(index=[f"droplet{i}" for i in range(300)])
    raw = ad.AnnData(counts, obs=droplets, var=pd.DataFrame(index=adata.var_names))
    ssc.pp.ambient_rna(adata, groupby="kind", raw=raw)
    expected = counts.sum(axis=0).A1 / counts.sum()
    assert adata.var["ambient"].to_numpy() == pytest.approx(expected, abs=1e-6)
    assert adata.uns["ambient"]["source"] == "empty droplets"


def test_doublet_clusters(mixed: Soup) -> None:
    """The first type and its sums with the third."""
    clean = cells_of(soup(0.0, sizes=(160, 100, 160)))
    parents = clean[:60].X + clean[-60:].X
    doublets = ad.AnnData(csr_matrix(parents), var=clean.var)
    adata = ad.concat([clean, doublets], index_unique="-")
    adata.obs["kind"] = pd.Categorical([*clean.obs["kind"], *["mix"] * 60])
    with pytest.raises(ssc.UserError, match=r"doublet_score, total_counts; call .*pp.quality"):
        ssc.tl.doublet_clusters(adata, groupby="kind")
    ssc.pp.quality(adata, doublet_min_cells=50, max_counts=1e6)
    ssc.tl.doublet_clusters(adata, groupby="kind")
    table = adata.uns["doublet_clusters"]["table"]
    assert table["cluster"].tolist() == ["mix"]
    assert table["doublet_of"].tolist() == ["0+2"]
    assert 0.3 < table["share"].iloc[0] < 0.7


def test_raw_droplets_must_be_counts_in_an_anndata(mixed: Soup) -> None:
    adata = cells_of(mixed)
    with pytest.raises(UserError, match="raw is a str, not an AnnData; read the file first"):
        ssc.pp.ambient_rna(adata, groupby="kind", raw="raw_feature_bc_matrix.h5")
    logged = adata.copy()
    logged.X.data = np.log1p(logged.X.data)
    with pytest.raises(UserError, match=r"raw: .* not counts"):
        ssc.pp.ambient_rna(adata, groupby="kind", raw=logged)
