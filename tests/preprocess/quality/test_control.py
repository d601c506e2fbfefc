"""Quality control of real samples, and of samples that cannot pass."""

from dataclasses import replace
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from real_data import as_ingested, counts_of, demo_counts
from scipy.sparse import csr_matrix, random

from scsiameseclu.errors import UserError
from scsiameseclu.preprocess.batches import batches_of
from scsiameseclu.preprocess.quality import QualityResult, control
from scsiameseclu.preprocess.quality.metrics import cell_metrics
from scsiameseclu.settings import QualitySettings

DEFAULT = QualitySettings()
NO_DOUBLETS = QualitySettings(doublets="off")


def sparse_counts(n_cells: int, n_genes: int, seed: int = 0) -> ad.AnnData:
    """Poisson counts around 2, some 80 % of them zero."""
    x = random(n_cells, n_genes, density=0.2, format="csr", dtype=np.float32, rng=seed)
    x.data = np.random.default_rng(seed).poisson(2, x.nnz).astype(np.float32) + 1
    return as_ingested(ad.AnnData(csr_matrix(x)))


def check_consistent(result: QualityResult, counts: ad.AnnData) -> None:
    table, funnel = result.table, result.summary["funnel"]
    assert list(table.index) == list(counts.obs_names)
    assert funnel["step"][0] == "ingested"
    assert funnel["cells"][0] == counts.n_obs
    assert (np.diff(funnel["cells"]) <= 0).all()
    assert funnel["cells"][-1] == result.kept_cells.sum() == table["kept"].sum()
    assert ((table["reason"] == "") == table["kept"]).all()
    assert result.summary["genes_after"] == result.kept_genes.sum()
    kept = counts.X[result.kept_cells][:, result.kept_genes]
    assert kept.sum(axis=1).min() > 0
    assert ((kept > 0).sum(axis=0) == result.cells_per_gene[result.kept_genes]).all()


def test_metrics_by_hand() -> None:
    x = np.zeros((3, 25), dtype=np.float32)
    x[0] = np.arange(25)  # 24 genes, 300 counts, the 20 largest hold 5 + ... + 24
    x[1, 3] = 4
    table = cell_metrics(
        as_ingested(ad.AnnData(csr_matrix(x))),
        {"mito": np.arange(25) == 3, "hb": np.zeros(25, bool)},
    )
    assert table["n_genes"].tolist() == [24, 1, 0]
    assert table["total_counts"].tolist() == [300, 4, 0]
    assert table["pct_top20"][0:2].tolist() == pytest.approx([100 * 290 / 300, 100])
    assert table["pct_mito"][0:2].tolist() == pytest.approx([1, 100])
    assert table.iloc[2][["pct_top20", "pct_mito"]].isna().all()
    assert table["pct_hb"].isna().all()


@pytest.mark.parametrize(
    ("name", "most_lost"),
    [
        ("pbmc3k", 0.04),
        ("baron_mouse", 0.01),
        ("mouse_bladder_2100", 0.01),
        ("worm_neuron", 0.01),
        ("zheng_sorted_ref", 0.01),
        ("cite_cbmc", 0.05),
    ],
)
def test_no_real_sample_loses_a_silly_share(name: str, most_lost: float, data_dir: Path) -> None:
    counts = counts_of(data_dir / f"{name}.h5ad")
    result = control(counts, NO_DOUBLETS, seed=0)
    check_consistent(result, counts)
    assert 1 - result.kept_cells.mean() <= most_lost


def test_demo_halves_lose_nothing_and_get_doublet_scores() -> None:
    counts = demo_counts()
    for half in (counts[::2].copy(), counts[1::2].copy()):
        result = control(half, DEFAULT, seed=0)
        check_consistent(result, half)
        assert result.kept_cells.all()
        assert result.table["doublet_score"].notna().all()
        assert set(result.table["predicted_doublet"]) == {"yes", "no"}
        assert result.warnings == []


def test_order_of_cells_does_not_matter(data_dir: Path) -> None:
    counts = counts_of(data_dir / "pbmc3k.h5ad", n_cells=900)
    order = np.random.default_rng(0).permutation(counts.n_obs)
    plain = control(counts, NO_DOUBLETS, seed=0)
    mixed = control(counts[order].copy(), NO_DOUBLETS, seed=0)
    assert (mixed.kept_cells == plain.kept_cells[order]).all()
    assert (mixed.kept_genes == plain.kept_genes).all()


def test_empty_cells_go_first_and_do_not_move_the_bounds() -> None:
    counts = sparse_counts(200, 300)
    padded = ad.AnnData(csr_matrix(np.vstack([counts.X.toarray(), np.zeros((600, 300), "f4")])))
    result = control(as_ingested(padded), NO_DOUBLETS, seed=0)
    assert result.summary["funnel"]["cells"][1] == 200
    assert (result.table["reason"][200:] == "no counts").all()
    plain = control(counts, NO_DOUBLETS, seed=0)
    assert result.summary["thresholds"]["n_genes"] == plain.summary["thresholds"]["n_genes"]
    assert "quality control removes" in result.warnings[0]


def test_cells_with_counts_only_in_dropped_genes_go() -> None:
    counts = sparse_counts(100, 60)
    x = counts.X.tolil()
    x[0] = 0
    x[0, 59] = 40
    x[1:, 59] = 0
    counts.X = x.tocsr()
    settings = replace(NO_DOUBLETS, mad_genes=50, mad_top20=50, mad_counts=50)
    result = control(counts, settings, seed=0)
    check_consistent(result, counts)
    assert result.table["reason"].iloc[0] == "no counts in kept genes"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (QualitySettings(min_counts=1e6), "min_counts"),
        (QualitySettings(max_genes=1), "max_genes"),
        (QualitySettings(min_cells=101, doublets="off"), "min_cells"),
    ],
)
def test_all_cells_filtered_names_the_numbers_and_the_settings(
    settings: QualitySettings, named: str
) -> None:
    with pytest.raises(UserError, match=rf"^0 of 100 cells .*(100|99) at .*relax .*{named}"):
        control(sparse_counts(100, 60), settings, seed=0)


def test_too_few_cells_left() -> None:
    with pytest.raises(UserError, match=r"^12 of 12 cells .* at least 20 are required"):
        control(sparse_counts(12, 60), DEFAULT, seed=0)


def test_uneven_loss_between_batches_is_told(data_dir: Path) -> None:
    counts = counts_of(data_dir / "cellbench3_2batch.h5ad")
    result = control(counts, DEFAULT, batches=batches_of(counts, "batch"), seed=0)
    assert any("of the cells of batch CELseq2" in warning for warning in result.warnings)


def test_cells_without_exactly_one_hashtag_are_removed_before_the_thresholds() -> None:
    """Doublets of many counts would raise the upper threshold; their batch is no batch."""
    counts = sparse_counts(400, 300)
    counts.X[:150] = 9 * counts.X[:150]
    names = np.array(["Doublet"] * 120 + ["Negative"] * 30 + ["HTO_1"] * 125 + ["HTO_2"] * 125)
    hashtags = pd.Series(pd.Categorical(names), index=counts.obs_names)
    result = control(counts, NO_DOUBLETS, hashtags=hashtags, batches=hashtags, seed=0)
    check_consistent(result, counts)
    reasons = result.table["reason"]
    assert reasons[:120].str.startswith("hashtag doublet").all()
    assert reasons[120:150].str.startswith("hashtag negative").all()
    assert not reasons[150:].str.contains("hashtag").any()
    assert list(result.summary["funnel"]["cells"][:2]) == [400, 250]
    alone = control(counts[150:].copy(), NO_DOUBLETS, seed=0)
    assert result.summary["thresholds"] == alone.summary["thresholds"]
    assert not any("of the cells of batch" in text for text in result.warnings)
    hashtags[:] = "Negative"
    with pytest.raises(UserError, match="400 at step 'hashtags'"):
        control(counts, NO_DOUBLETS, hashtags=hashtags, seed=0)


def test_metrics_by_blocks_of_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    counts = sparse_counts(300, 60)
    classes = {"mito": np.arange(60) < 7}
    whole = cell_metrics(counts, classes)
    monkeypatch.setattr("scsiameseclu.preprocess.quality.metrics.BLOCK_CELLS", 128)
    pd.testing.assert_frame_equal(cell_metrics(counts, classes), whole)
