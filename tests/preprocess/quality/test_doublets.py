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
from scsiameseclu.preprocess.quality.doublets import _parts, find_doublets
from scsiameseclu.settings import QualitySettings

DEFAULT = QualitySettings()


@pytest.fixture(scope="module")
def pbmc(data_dir: Path) -> ad.AnnData:
    return counts_of(data_dir / "pbmc3k.h5ad", n_cells=900)


def test_artificial_doublets_score_higher(pbmc: ad.AnnData) -> None:
    """T cells and monocytes poured together are what Scrublet is for."""
    kind = pbmc.obs["cell_type"].astype(str).to_numpy()
    t_cells, monocytes = (
        np.flatnonzero(np.char.endswith(kind.astype("U"), name))[:40] for name in (" T", "Mono")
    )
    x = pbmc.X.copy().tolil()
    x[t_cells] = pbmc.X[t_cells] + pbmc.X[monocytes]
    found = find_doublets(as_ingested(ad.AnnData(x.tocsr(), var=pbmc.var)), DEFAULT, seed=0)
    poured = np.zeros(pbmc.n_obs, dtype=bool)
    poured[t_cells] = True
    assert roc_auc_score(poured, found.score) > 0.9


def test_same_seed_same_scores(pbmc: ad.AnnData) -> None:
    first, again, other = (find_doublets(pbmc, DEFAULT, seed=seed).score for seed in (0, 0, 1))
    assert (first == again).all()
    assert (first != other).any()


def test_each_batch_is_scored_on_its_own(pbmc: ad.AnnData) -> None:
    batches = pd.Series(["a"] * 400 + ["b"] * 100 + ["c"] * (pbmc.n_obs - 500), dtype="category")
    found = find_doublets(pbmc, DEFAULT, batches=batches, seed=0)
    alone = find_doublets(pbmc[:400], DEFAULT, seed=0)
    assert (found.score[:400] == alone.score).all()
    assert np.isnan(found.score[400:500]).all()
    assert (found.call[400:500] == "NA").all()
    assert "b (100)" in found.sentence


@pytest.mark.parametrize(
    ("n_cells", "n_genes", "settings", "reason"),
    [
        (299, 765, DEFAULT, "Too few cells .* 299"),
        (700, 150, DEFAULT, "requires at least 200 genes"),
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


def test_failing_scrublet_is_a_warning() -> None:
    """Equal cells have no variable genes, on which Scrublet stumbles."""
    counts = as_ingested(ad.AnnData(csr_matrix(np.ones((400, 300), dtype=np.float32))))
    found = find_doublets(counts, DEFAULT, seed=0)
    assert len(found.warnings) == 1
    assert found.warnings[0].startswith("Scrublet")
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
    monkeypatch.setattr("scsiameseclu.preprocess.quality.doublets.MAX_SCORED_CELLS", 400)
    found = find_doublets(pbmc, DEFAULT, seed=0)
    assert not np.isnan(found.score).any()
    parts = _parts(np.arange(pbmc.n_obs), seed=0)
    assert [len(part) for part in parts] == [300, 300, 300]
    assert (np.sort(np.concatenate(parts)) == np.arange(900)).all()
    alone = find_doublets(pbmc[parts[1]].copy(), DEFAULT, seed=0)
    assert (found.score[parts[1]] == alone.score).all()
