"""Doublet calls, and what happens where there can be none."""

import re
from dataclasses import replace
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from real_data import as_ingested, counts_of, demo_counts
from scipy.sparse import csr_matrix
from sklearn.metrics import roc_auc_score

from scsiameseclu.preprocess.quality import control
from scsiameseclu.preprocess.quality.doublet_scores import ENRICHED, _parts, doublet_scores
from scsiameseclu.preprocess.quality.doublets import expected_rate, find_doublets
from scsiameseclu.settings import QualitySettings

DEFAULT = QualitySettings()


@pytest.fixture(scope="module")
def pbmc(data_dir: Path) -> ad.AnnData:
    return counts_of(data_dir / "pbmc3k.h5ad", n_cells=900)


def test_artificial_doublets_score_higher(pbmc: ad.AnnData) -> None:
    """Sums of a T cell and a monocyte score higher than either, and are called."""
    kind = pbmc.obs["cell_type"].astype(str).to_numpy()
    t_cells, monocytes = (
        np.flatnonzero(np.char.endswith(kind.astype("U"), name))[:40] for name in (" T", "Mono")
    )
    x = pbmc.X.copy().tolil()
    x[t_cells] = pbmc.X[t_cells] + pbmc.X[monocytes]
    settings = replace(DEFAULT, doublet_rate=40 / pbmc.n_obs)
    doublets = find_doublets(as_ingested(ad.AnnData(x.tocsr(), var=pbmc.var)), settings, seed=0)
    mixed = np.zeros(pbmc.n_obs, dtype=bool)
    mixed[t_cells] = True
    assert roc_auc_score(mixed, doublets.score) > 0.97
    assert mixed[doublets.called].mean() > 0.4  # 0.04 by chance


def test_same_seed_same_scores(pbmc: ad.AnnData) -> None:
    first, again, other = (find_doublets(pbmc, DEFAULT, seed=seed).score for seed in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()


def test_each_capture_is_scored_separately(pbmc: ad.AnnData) -> None:
    captures = pd.Series(["a"] * 400 + ["b"] * 100 + ["c"] * (pbmc.n_obs - 500), dtype="category")
    found = find_doublets(pbmc, DEFAULT, captures=captures, seed=0)
    alone = find_doublets(pbmc[:400], DEFAULT, seed=0)
    assert (found.score[:400] == alone.score).all()
    assert np.isnan(found.score[400:500]).all()
    assert (found.call[400:500] == "NA").all()
    assert "b (100)" in found.sentence


@pytest.mark.parametrize(
    ("n_cells", "n_genes", "settings", "reason"),
    [
        (299, 765, DEFAULT, "Too few cells .* 299"),
        (700, 150, DEFAULT, "at least 200 genes are required"),
        (700, 765, replace(DEFAULT, doublets="off"), "not predicted"),
    ],
)
def test_na_with_the_reason(
    n_cells: int, n_genes: int, settings: QualitySettings, reason: str
) -> None:
    counts = demo_counts()[:n_cells, :n_genes]
    found = find_doublets(counts, settings, seed=0)
    assert np.isnan(found.score).all()
    assert set(found.call) == {"NA"}
    assert found.warnings == []
    assert re.search(reason, found.sentence)


def test_equal_cells_are_not_scored_with_a_warning() -> None:
    """Equal cells have no variable genes."""
    counts = as_ingested(ad.AnnData(csr_matrix(np.ones((400, 300), dtype=np.float32))))
    found = find_doublets(counts, DEFAULT, seed=0)
    assert len(found.warnings) == 1
    assert "too few genes vary" in found.warnings[0]
    assert np.isnan(found.score).all()
    assert set(found.call) == {"NA"}


def test_remove_takes_the_called_cells_and_no_others(pbmc: ad.AnnData) -> None:
    flagged = control(pbmc, DEFAULT, seed=0)
    removed = control(pbmc, replace(DEFAULT, doublets="remove"), seed=0)
    called = (flagged.table["predicted_doublet"] == "yes").to_numpy()
    assert called.any()
    assert (removed.kept_cells == (flagged.kept_cells & ~called)).all()
    assert (removed.table["reason"][called] == "doublet").all()


def test_a_large_batch_is_scored_in_parts(
    pbmc: ad.AnnData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scsiameseclu.preprocess.quality.doublet_scores.MAX_SCORED_CELLS", 400)
    found = find_doublets(pbmc, DEFAULT, seed=0)
    assert not np.isnan(found.score).any()
    parts = _parts(pbmc.n_obs, seed=0)
    assert [len(part) for part in parts] == [300, 300, 300]
    assert (np.sort(np.concatenate(parts)) == np.arange(900)).all()
    alone = find_doublets(pbmc[parts[0]].copy(), DEFAULT, seed=0)
    assert (found.score[parts[0]] == alone.score).all()
    for part in parts[1:]:  # by genes and components of the first part
        alone = find_doublets(pbmc[part].copy(), DEFAULT, seed=0)
        assert 0.8 < np.corrcoef(found.score[part], alone.score)[0, 1] < 1


def test_the_expected_number_is_called(pbmc: ad.AnnData) -> None:
    """As many as the rate says, those with the highest scores; none with a rate of 0."""
    for rate, expected in ((0.05, round(0.05 * pbmc.n_obs)), (0.0, 0)):
        doublets = find_doublets(pbmc, replace(DEFAULT, doublet_rate=rate), seed=0)
        called = doublets.called
        assert called.sum() == expected
        if expected:
            assert doublets.score[called].min() >= doublets.score[~called].max()
    automatic = find_doublets(pbmc, DEFAULT, seed=0)
    assert automatic.called.sum() == round(expected_rate(pbmc.n_obs) * pbmc.n_obs)


def test_rate_grows_with_recovered_cells_up_to_a_maximum() -> None:
    assert expected_rate(1_000) == pytest.approx(0.008)
    assert expected_rate(10_000) == pytest.approx(0.08)
    assert expected_rate(100_000) == pytest.approx(0.08)


def test_cells_without_simulated_neighbours_are_never_called(pbmc: ad.AnnData) -> None:
    """A rate that is too high does not turn ordinary cells into doublets."""
    doublets = find_doublets(pbmc, replace(DEFAULT, doublet_rate=0.5), seed=0)
    assert doublets.called.any()
    assert doublets.score[doublets.called].min() > ENRICHED
    assert doublets.called.sum() < 0.5 * pbmc.n_obs


def test_rate_of_a_capture_counts_its_removed_cells(pbmc: ad.AnnData) -> None:
    """The rate depends on how many cells were captured, not on how many passed the filter."""
    cells = np.arange(pbmc.n_obs) % 2 == 0
    doublets = find_doublets(pbmc, DEFAULT, cells=cells, seed=0)
    assert doublets.called.sum() == round(expected_rate(pbmc.n_obs) * cells.sum())


def test_scores_do_not_depend_on_the_order_of_genes(pbmc: ad.AnnData) -> None:
    order = np.random.default_rng(0).permutation(pbmc.n_vars)
    one, other = (doublet_scores(x, seed=0) for x in (pbmc.X, pbmc.X[:, order].tocsr()))
    assert np.corrcoef(one, other)[0, 1] > 0.99
