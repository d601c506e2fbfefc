"""Profiles of clusters by hand, and groups of alike cells."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import adjusted_rand_score
from synthetic_expression import expressed

from scsiameseclu.annotation import profiles as module
from scsiameseclu.annotation.profiles import (
    cluster_profiles,
    gene_deviation,
    mean_by_group,
    similar_groups,
)

SIZES = {"a": 40, "b": 25, "c": 8, "d": 1}
GENES = [f"g{number}" for number in range(30)]


@pytest.fixture(scope="module")
def cells() -> ad.AnnData:
    """Clusters in turn, as cells come."""
    adata = expressed(SIZES, {"a": GENES[:5], "c": GENES[5:8]}, GENES)
    return adata[np.random.default_rng(0).permutation(adata.n_obs)].copy()


@pytest.mark.parametrize("block", [7, 10_000])
def test_means_and_shares_by_hand(
    block: int, cells: ad.AnnData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK_CELLS", block)
    before = cells.X.copy()
    found = cluster_profiles(cells.X, cells.obs["cluster"])
    rest = found.rest()
    values = cells.X.toarray()
    assert found.clusters == rest.clusters == list(SIZES)
    assert found.sizes.tolist() == list(SIZES.values())
    assert rest.sizes.tolist() == [74 - size for size in SIZES.values()]
    for row, name in enumerate(SIZES):
        inside = (cells.obs["cluster"] == name).to_numpy()
        np.testing.assert_allclose(found.mean[row], values[inside].mean(axis=0), atol=1e-6)
        np.testing.assert_allclose(found.share[row], (values[inside] > 0).mean(axis=0))
        np.testing.assert_allclose(rest.mean[row], values[~inside].mean(axis=0), atol=1e-6)
        np.testing.assert_allclose(rest.share[row], (values[~inside] > 0).mean(axis=0), atol=1e-12)
    assert (before != cells.X).nnz == 0


@pytest.mark.parametrize("block", [7, 10_000])
def test_means_of_several_groupings(
    block: int, cells: ad.AnnData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK_CELLS", block)
    other = pd.Series(pd.Categorical(np.arange(cells.n_obs) % 3))
    found = mean_by_group(cells.X, [cells.obs["cluster"], other])
    np.testing.assert_allclose(found[0], cluster_profiles(cells.X, cells.obs["cluster"]).mean)
    values = cells.X.toarray()
    for group, mean in enumerate(found[1]):
        np.testing.assert_allclose(mean, values[group::3].mean(axis=0), atol=1e-6)


def test_cells_without_a_cluster_and_empty_clusters_are_left_out(cells: ad.AnnData) -> None:
    labels = cells.obs["cluster"].cat.add_categories("empty").copy()
    labels[labels == "c"] = np.nan
    found = cluster_profiles(cells.X, labels)
    assert found.clusters == ["a", "b", "d"]
    assert found.sizes.tolist() == [40, 25, 1]
    inside = (cells.obs["cluster"] == "b").to_numpy()
    np.testing.assert_allclose(found.mean[1], cells.X.toarray()[inside].mean(axis=0), atol=1e-6)


def test_nothing_is_outside_the_only_cluster(cells: ad.AnnData) -> None:
    one = pd.Series(pd.Categorical(["all"] * cells.n_obs))
    rest = cluster_profiles(cells.X, one).rest()
    assert rest.sizes.tolist() == [0]
    assert np.isnan(rest.mean).all()
    assert np.isnan(rest.share).all()


def test_rest_is_never_below_zero() -> None:
    adata = expressed({"a": 30, "b": 30}, {}, GENES[:4])
    only_in_a = adata.X.toarray()
    only_in_a[30:, 0] = 0
    adata.X = type(adata.X)(only_in_a)
    rest = cluster_profiles(adata.X, adata.obs["cluster"]).rest()
    assert rest.mean[0, 0] == rest.share[0, 0] == 0
    assert rest.mean.min() >= 0


def test_deviation_is_over_all_cells(cells: ad.AnnData) -> None:
    np.testing.assert_allclose(gene_deviation(cells.X), cells.X.toarray().std(axis=0), rtol=1e-5)


@pytest.mark.parametrize(
    ("n_cells", "n_groups"),
    [(1, 1), (19, 1), (25, 2), (30, 3), (300, 20), (3_000, 40), (20_000, 200)],
)
def test_number_of_groups(n_cells: int, n_groups: int) -> None:
    embedding = np.random.default_rng(0).normal(size=(n_cells, 3))
    groups = similar_groups(embedding, 75, seed=0)
    assert len(groups) == n_cells
    assert groups.notna().all()
    assert len(groups.cat.categories) == n_groups


def test_groups_hold_alike_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those of cells that were not among the fitted ones."""
    rng = np.random.default_rng(0)
    of = np.repeat(np.arange(4), 500)
    embedding = 20 * np.eye(4)[of] + rng.normal(size=(2_000, 4))
    whole = similar_groups(embedding, 500, seed=0)
    monkeypatch.setattr(module, "MAX_FITTED", 300)
    parts = similar_groups(embedding, 500, seed=0)
    for groups in (whole, parts):
        kinds = [np.unique(of[groups == name]).size for name in groups.cat.categories]
        assert kinds == [1] * 20
    other = similar_groups(embedding, 500, seed=1)
    assert 0 < adjusted_rand_score(whole, other) < 1
