"""Marker statistics against independent implementations, and the degenerate cases."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from scipy import stats
from sklearn.metrics import roc_auc_score

from scsiameseclu.annotation import markers
from scsiameseclu.annotation.marker_sets import canonical_table
from scsiameseclu.annotation.markers import COLUMNS, filter_markers, find_markers, gene_flags
from scsiameseclu.annotation.profiles import cluster_profiles
from scsiameseclu.settings import MarkerSettings


@pytest.fixture(scope="module")
def small(pbmc3k: ad.AnnData) -> ad.AnnData:
    """400 cells and 300 genes in four clusters, ties and zeros as in life."""
    cells = pbmc3k[pbmc3k.obs["cluster"].isin(["0", "1", "2", "3"])]
    return cells[:: cells.n_obs // 400].copy()[:, :: cells.n_vars // 300].copy()


@pytest.fixture(scope="module")
def table(small: ad.AnnData) -> pd.DataFrame:
    return find_markers(small, small.obs["cluster"])[0]


def test_auc_is_that_of_scikit_learn(small: ad.AnnData, table: pd.DataFrame) -> None:
    values = pd.DataFrame(small.X.toarray(), columns=small.var_names)
    for line in table.iloc[::37].itertuples():
        inside = (small.obs["cluster"] == line.cluster).to_numpy()
        assert line.auc == pytest.approx(roc_auc_score(inside, values[line.gene]), abs=1e-6)


def test_scores_and_p_are_those_of_the_tie_corrected_test(
    small: ad.AnnData, table: pd.DataFrame
) -> None:
    work = small.copy()
    sc.tl.rank_genes_groups(work, "cluster", method="wilcoxon", tie_correct=True)
    for cluster, lines in table.groupby("cluster"):
        theirs = sc.get.rank_genes_groups_df(work, cluster).set_index("names")
        ours = lines.set_index("gene").loc[theirs.index]
        np.testing.assert_allclose(ours["score"], theirs["scores"], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(ours["p_value"], theirs["pvals"], rtol=1e-3)
        np.testing.assert_allclose(ours["adjusted_p"], theirs["pvals_adj"], rtol=1e-3)


def test_shares_and_fold_changes_by_hand(small: ad.AnnData, table: pd.DataFrame) -> None:
    values = small.X.toarray()
    for line in table.iloc[::101].itertuples():
        inside = (small.obs["cluster"] == line.cluster).to_numpy()
        gene = values[:, small.var_names.get_loc(line.gene)]
        assert line.pct_in == pytest.approx(100 * (gene[inside] > 0).mean())
        assert line.pct_out == pytest.approx(100 * (gene[~inside] > 0).mean())
        means = [np.expm1(gene[cells].mean()) + 0.01 for cells in (inside, ~inside)]
        assert line.log2_fold_change == pytest.approx(np.log2(means[0] / means[1]), abs=1e-4)


def test_genes_in_blocks_change_nothing(
    small: ad.AnnData, table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(markers, "GENES_AT_ONCE", 71)
    pd.testing.assert_frame_equal(find_markers(small, small.obs["cluster"])[0], table)


def test_order_of_cells_changes_nothing(small: ad.AnnData, table: pd.DataFrame) -> None:
    order = np.random.default_rng(0).permutation(small.n_obs)
    mixed = small[order].copy()
    again, _ = find_markers(mixed, mixed.obs["cluster"])
    exact = ["cluster", "rank", "gene", "gene_id", "flag"]
    pd.testing.assert_frame_equal(again[exact], table[exact])
    np.testing.assert_allclose(again["score"], table["score"], atol=1e-5)


def test_filter_keeps_what_it_says(table: pd.DataFrame) -> None:
    settings = MarkerSettings(max_adjusted_p=0.01, min_log2_fold_change=1.0, min_pct_in=25)
    kept = filter_markers(table, settings)
    assert 0 < len(kept) < len(table)
    assert kept["adjusted_p"].max() <= 0.01
    assert kept["log2_fold_change"].min() >= 1
    assert kept["pct_in"].min() >= 25
    assert (kept["auc"] > 0.5).all()
    pd.testing.assert_frame_equal(table.loc[kept.index], kept)


def test_known_markers_come_first(pbmc3k: ad.AnnData) -> None:
    canonical = set(canonical_table()["gene"])
    known = [gene for gene in pbmc3k.var_names if gene in canonical]
    others = [gene for gene in pbmc3k.var_names[::8] if gene not in canonical]
    chosen = pbmc3k[:, known + others].copy()
    found, notes = find_markers(chosen, chosen.obs["cluster"])
    assert notes == []
    assert len(found) == chosen.n_vars * pbmc3k.obs["cluster"].nunique()
    best = filter_markers(found, MarkerSettings()).groupby("cluster").head(15)
    tops = [set(genes) for _, genes in best.groupby("cluster")["gene"]]
    for pair in ({"CD79A", "MS4A1"}, {"S100A8", "S100A9"}, {"NKG7", "CST7"}, {"PF4", "GP9"}):
        assert sum(pair <= top for top in tops) == 1, pair


@pytest.mark.parametrize(
    ("sizes", "clusters", "word"),
    [
        ([50], [], "one cluster"),
        ([30, 19, 1], ["0", "1"], "clusters of one cell (2)"),
        ([49, 1], ["0"], "clusters of one cell (1)"),
        ([1, 1], [], "clusters of one cell (0, 1)"),
    ],
)
def test_clusters_too_small_to_test(
    small: ad.AnnData, sizes: list[int], clusters: list[str], word: str
) -> None:
    cells = small[: sum(sizes)].copy()
    labels = pd.Series(pd.Categorical(np.repeat([str(i) for i in range(len(sizes))], sizes)))
    found, notes = find_markers(cells, labels.set_axis(cells.obs_names))
    assert list(found.columns) == COLUMNS
    assert list(dict.fromkeys(found["cluster"])) == clusters
    assert len(notes) == 1
    assert word in notes[0]
    assert not found[["score", "auc", "p_value", "log2_fold_change"]].isna().any().any()
    filter_markers(found, MarkerSettings())


def test_flags() -> None:
    symbols = ["RPL13A", "Rps4x", "RPLP0", "RPSA", "MT-CO1"]
    symbols += ["RPS6KA1", "RPS19BP1", "MRPL12", "MTOR"]
    assert gene_flags(symbols, symbols) == ["ribosomal"] * 4 + ["mitochondrial"] + [""] * 4


def test_profiles_by_hand(small: ad.AnnData) -> None:
    profiles = cluster_profiles(small.X, small.obs["cluster"])
    rest = profiles.rest()
    values = small.X.toarray()
    assert profiles.sizes.sum() == small.n_obs
    for row, name in enumerate(profiles.clusters):
        inside = (small.obs["cluster"] == name).to_numpy()
        np.testing.assert_allclose(profiles.mean[row], values[inside].mean(axis=0), atol=1e-5)
        np.testing.assert_allclose(rest.mean[row], values[~inside].mean(axis=0), atol=1e-5)
        np.testing.assert_allclose(rest.share[row], (values[~inside] > 0).mean(axis=0), atol=1e-5)
    assert stats.describe(rest.share.ravel()).minmax[0] >= 0
