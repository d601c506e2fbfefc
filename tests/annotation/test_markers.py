"""Marker statistics against independent implementations, and the degenerate cases."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from scipy import stats
from sklearn.metrics import roc_auc_score
from synthetic_expression import expressed

from scsiameseclu.annotation import rank_sums
from scsiameseclu.annotation.marker_sets import canonical_table
from scsiameseclu.annotation.markers import (
    COLUMNS,
    filter_markers,
    find_markers,
    gene_flags,
)
from scsiameseclu.settings import MarkerSettings

GENES = [f"g{number}" for number in range(80)]


@pytest.fixture(scope="module")
def small() -> ad.AnnData:
    """150 cells in four clusters, in mixed order, with ties and zeros; one gene is constant."""
    sizes = {"0": 70, "1": 40, "2": 30, "3": 10}
    raised = {name: GENES[6 * row : 6 * row + 6] for row, name in enumerate(sizes)}
    cells = expressed(sizes, raised, GENES)
    values = cells.X.toarray()
    values[:, 40:60] = np.round(values[:, 40:60])  # many ties
    values[:, 79] = 0
    cells.X = type(cells.X)(values)
    return cells[np.random.default_rng(0).permutation(150)].copy()


@pytest.fixture(scope="module")
def table(small: ad.AnnData) -> pd.DataFrame:
    return find_markers(small, small.obs["cluster"])[0]


def test_auc_is_that_of_scikit_learn(small: ad.AnnData, table: pd.DataFrame) -> None:
    values = pd.DataFrame(small.X.toarray(), columns=small.var_names)
    for line in table.iloc[::17].itertuples():
        inside = (small.obs["cluster"] == line.cluster).to_numpy()
        assert line.auc == pytest.approx(roc_auc_score(inside, values[line.gene]), abs=1e-6)


def test_every_gene_is_tested_in_every_cluster(small: ad.AnnData, table: pd.DataFrame) -> None:
    assert list(table.columns) == COLUMNS
    assert table.index.tolist() == list(range(4 * small.n_vars))
    for name, lines in table.groupby("cluster", sort=False):
        assert sorted(lines["gene"]) == sorted(small.var_names)
        assert lines["rank"].tolist() == list(range(1, small.n_vars + 1))
        assert (np.diff(lines["score"]) <= 0).all()
        top = GENES[6 * int(name) : 6 * int(name) + 6]
        assert set(lines["gene"][:6]) == set(top)
    ids = small.var["gene_id"]
    assert (table["gene_id"].to_numpy() == ids.loc[table["gene"]].to_numpy()).all()


def test_p_values_are_those_of_the_mann_whitney_test(
    small: ad.AnnData, table: pd.DataFrame
) -> None:
    values = pd.DataFrame(small.X.toarray(), columns=small.var_names)
    for name, lines in table.groupby("cluster"):
        inside = (small.obs["cluster"] == name).to_numpy()
        lines = lines[lines["gene"] != "g79"]  # constant
        options = {"method": "asymptotic", "use_continuity": False}
        theirs = [
            stats.mannwhitneyu(values[gene][inside], values[gene][~inside], **options)
            for gene in lines["gene"]
        ]
        area = np.array([found.statistic for found in theirs]) / inside.sum() / (~inside).sum()
        p = np.array([found.pvalue for found in theirs])
        np.testing.assert_allclose(lines["auc"], area, atol=1e-12)
        np.testing.assert_allclose(lines["p_value"], p, rtol=1e-6)
        signed = np.sign(area - 0.5) * stats.norm.isf(p / 2)
        np.testing.assert_allclose(lines["score"], signed, rtol=1e-6)


def test_adjusted_p_is_that_of_benjamini_and_hochberg_in_each_cluster(
    table: pd.DataFrame,
) -> None:
    for _, lines in table.groupby("cluster"):
        p = lines["p_value"].to_numpy()
        expected = [min(1, min(q * p.size / (p <= q).sum() for q in p[p >= one])) for one in p]
        np.testing.assert_allclose(lines["adjusted_p"], expected)


def test_a_constant_gene_says_nothing(table: pd.DataFrame) -> None:
    lines = table[table["gene"] == "g79"]
    assert lines["score"].tolist() == [0.0] * 4
    assert lines["p_value"].tolist() == [1.0] * 4
    assert lines["auc"].tolist() == [0.5] * 4
    assert lines["log2_fold_change"].tolist() == [0.0] * 4


def test_scores_are_those_of_scanpy(small: ad.AnnData, table: pd.DataFrame) -> None:
    work = small[:, :79].copy()
    sc.tl.rank_genes_groups(work, "cluster", method="wilcoxon", tie_correct=True)
    for cluster, lines in table[table["gene"] != "g79"].groupby("cluster"):
        theirs = sc.get.rank_genes_groups_df(work, cluster).set_index("names")
        ours = lines.set_index("gene").loc[theirs.index]
        np.testing.assert_allclose(ours["score"], theirs["scores"], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(ours["p_value"], theirs["pvals"], rtol=1e-3)


def test_shares_and_fold_changes_by_hand(small: ad.AnnData, table: pd.DataFrame) -> None:
    values = small.X.toarray()
    for line in table.iloc[::13].itertuples():
        inside = (small.obs["cluster"] == line.cluster).to_numpy()
        gene = values[:, small.var_names.get_loc(line.gene)]
        assert line.pct_in == pytest.approx(100 * (gene[inside] > 0).mean())
        assert line.pct_out == pytest.approx(100 * (gene[~inside] > 0).mean())
        means = [np.expm1(gene[cells].mean()) + 0.01 for cells in (inside, ~inside)]
        assert line.log2_fold_change == pytest.approx(np.log2(means[0] / means[1]), abs=1e-4)


def test_genes_in_blocks_change_nothing(
    small: ad.AnnData, table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rank_sums, "GENES_AT_ONCE", 37)
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
    expected = [
        row.adjusted_p <= 0.01 and row.log2_fold_change >= 1 and row.pct_in >= 25
        for row in table.itertuples()
    ]
    assert 0 < len(kept) < len(table)
    pd.testing.assert_frame_equal(kept, table[expected])


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("adjusted_p", "max_adjusted_p"),
        ("log2_fold_change", "min_log2_fold_change"),
        ("pct_in", "min_pct_in"),
    ],
)
def test_limits_themselves_are_kept(column: str, name: str, table: pd.DataFrame) -> None:
    everything = {"max_adjusted_p": 1.0, "min_log2_fold_change": 0.0, "min_pct_in": 0.0}
    limit = float(table[column][table["log2_fold_change"] > 0.5].iloc[7])
    kept = filter_markers(table, MarkerSettings(**(everything | {name: limit})))
    at_limit = table[(table[column] == limit) & (table["log2_fold_change"] >= 0)]
    assert len(at_limit) > 0
    assert at_limit.index.isin(kept.index).all()


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
        ([50], [], "only one cluster"),
        ([30, 19, 1], ["0", "1"], "clusters of one cell (2)"),
        ([30, 17, 2, 1], ["0", "1", "2"], "clusters of one cell (3)"),
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


def test_flags_follow_their_genes(small: ad.AnnData) -> None:
    named = small.copy()
    named.var.loc["g3", "gene_symbol"], named.var.loc["g50", "gene_symbol"] = "RPL3", "MT-ND1"
    found, _ = find_markers(named, named.obs["cluster"])
    flags = found.set_index("gene")["flag"]
    assert set(flags["g3"]) == {"ribosomal"}
    assert set(flags["g50"]) == {"mitochondrial"}
    assert set(flags.drop(["g3", "g50"])) == {""}


def test_genes_of_equal_score_are_ordered_by_name() -> None:
    cells = expressed({"a": 20, "b": 20}, {"a": ["z", "y", "x"]}, ["z", "y", "x", "w"])
    cells.X = type(cells.X)(np.repeat(cells.X.toarray()[:, :1], 4, axis=1))
    found, _ = find_markers(cells, cells.obs["cluster"])
    assert found["gene"].tolist() == ["w", "x", "y", "z"] * 2


def test_cells_without_a_cluster_are_left_out(small: ad.AnnData) -> None:
    some = np.arange(small.n_obs) % 5 > 0
    missing = small.obs["cluster"].where(some)
    part = small[some].copy()
    theirs, _ = find_markers(part, part.obs["cluster"])
    pd.testing.assert_frame_equal(find_markers(small, missing)[0], theirs)
