"""A model of several batches: they meet in the embedding, and new batches land on their like."""

from __future__ import annotations

from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from estimators import estimator

from scsiameseclu import ScSiameseClu, UserError, datasets, pp
from scsiameseclu.model.integration import Integration
from scsiameseclu.model.preparation import prepare
from scsiameseclu.preprocess.integration import UNCORRECTED, align, batch_mixing
from scsiameseclu.settings import ExpressionSettings, GraphSettings

SHORT = {
    "networks": 2,
    "pretrain_steps": 12,
    "n_top_genes": 300,
    "hidden_size": 64,
    "max_clusters": 8,
    "batch_key": "batch",
}


def thinned(adata: ad.AnnData, seed: int) -> ad.AnnData:
    """The cells by another protocol, which sees a tenth of the counts of every second gene."""
    random = np.random.default_rng(seed)
    kept = np.where(random.random(adata.n_vars) < 0.5, 0.1, 1.0)
    counts = adata.X.toarray().astype(int)
    out = adata.copy()
    out.X = sp.csr_matrix(random.binomial(counts, kept).astype(np.float32))
    return out


@pytest.fixture(scope="module")
def two(demo: ad.AnnData) -> ad.AnnData:
    """Two batches of one tissue by two protocols."""
    parts = {"plain": demo.copy(), "thinned": thinned(datasets.pbmc("b"), seed=0)}
    both = ad.concat(parts, label="batch", index_unique="-", merge="same")
    both.obs = both.obs[["batch"]].copy()
    return both


@pytest.fixture(scope="module")
def fitted(two: ad.AnnData) -> tuple[ScSiameseClu, ad.AnnData]:
    adata = two.copy()
    return estimator(5, **SHORT).fit(adata), adata


def test_batches_meet(fitted: tuple[ScSiameseClu, ad.AnnData], two: ad.AnnData) -> None:
    _, adata = fitted
    apart = two.copy()
    estimator(5, integration="none", **SHORT).fit(apart)
    of = two.obs["batch"]
    for slot in ("X_pca", "X_siamese"):
        before, after = (batch_mixing(a.obsm[slot], of).mean() for a in (apart, adata))
        assert before < 0.3
        assert after > 0.9
    np.testing.assert_array_equal(adata.obsm[UNCORRECTED], apart.obsm["X_pca"])
    assert UNCORRECTED not in apart.obsm
    assert adata.uns["integration"]["strength"].tolist()[0] == 0
    assert adata.uns["integration"]["strength"].tolist()[1] > 0.5


def test_fitted_cells_are_embedded_as_they_were(
    fitted: tuple[ScSiameseClu, ad.AnnData],
) -> None:
    """Neighbours of the fit are found among landmarks again, so only nearly."""
    model, adata = fitted
    again = model.embed(adata)
    assert (again * adata.obsm["X_siamese"]).sum(axis=1).mean() > 0.98
    assert batch_mixing(again, adata.obs["batch"]).mean() > 0.8


def test_an_unseen_batch_lands_on_its_like(
    fitted: tuple[ScSiameseClu, ad.AnnData], demo: ad.AnnData
) -> None:
    """Cells of the first batch by a third protocol are near the same cells."""
    model, adata = fitted
    new = thinned(demo, seed=5)
    plain = adata[adata.obs["batch"] == "plain"]
    assert (model.predict(new) == plain.obs["siamese"].astype(int)).mean() > 0.9
    both = np.vstack([plain.obsm["X_siamese"], new.obsm["X_siamese"]])
    of = pd.Series(pd.Categorical(np.repeat(["fitted", "new"], demo.n_obs)))
    assert batch_mixing(both, of).mean() > 0.8
    new.obs["batch"] = "plain"  # not moved, as the batch of that name was not
    model.predict(new, key_added="unmoved")
    both = np.vstack([plain.obsm["X_siamese"], new.obsm["X_unmoved"]])
    assert batch_mixing(both, of).mean() < 0.8


def test_a_saved_model_places_batches_alike(
    fitted: tuple[ScSiameseClu, ad.AnnData], demo: ad.AnnData, tmp_path: Path
) -> None:
    model, adata = fitted
    model.save(tmp_path / "model")
    loaded = ScSiameseClu.load(tmp_path / "model")
    for cells in (adata, thinned(demo, seed=5)):
        np.testing.assert_array_equal(loaded.embed(cells), model.embed(cells))


def test_components_of_the_user_stay(two: ad.AnnData) -> None:
    """Another fit aligns what it finds, and changes neither X_pca nor the graph."""
    few = ExpressionSettings(n_top_genes=300), GraphSettings()
    adata = two.copy()
    prepare(adata, *few, seed=0)  # without batches
    kept = adata.obsm["X_pca"].copy(), adata.obsp["connectivities"].copy()
    prepared = prepare(adata, *few, seed=0, batch_key="batch")
    np.testing.assert_array_equal(adata.obsm["X_pca"], kept[0])
    assert (adata.obsp["connectivities"] != kept[1]).nnz == 0
    assert UNCORRECTED not in adata.obsm
    assert prepared.alignment is not None
    assert (prepared.adjacency != kept[1]).nnz > 0
    of = two.obs["batch"]
    assert batch_mixing(prepared.components, of).mean() > 0.8 > batch_mixing(kept[0], of).mean()


def test_one_batch_is_as_without(demo: ad.AnnData) -> None:
    few = ExpressionSettings(n_top_genes=300), GraphSettings()
    first, second = demo.copy(), demo.copy()
    second.obs["batch"] = "only"
    one = prepare(first, *few, seed=0)
    other = prepare(second, *few, seed=0, batch_key="batch")
    assert other.alignment is None
    np.testing.assert_array_equal(one.components, other.components)
    assert set(first.obsm) == set(second.obsm) == {"X_pca"}


def test_components_alone_are_aligned_the_same_way(
    fitted: tuple[ScSiameseClu, ad.AnnData], two: ad.AnnData
) -> None:
    _, adata = fitted
    alone = ad.AnnData(obs=two.obs, obsm={"X_pca": adata.obsm[UNCORRECTED]})
    copied = pp.integrate(alone, "batch", copy=True)
    assert copied is not None
    assert set(alone.obsm) == {"X_pca"}
    pp.integrate(copied, "batch")  # again, from the components before
    np.testing.assert_array_equal(copied.obsm["X_pca"], adata.obsm["X_pca"])
    np.testing.assert_array_equal(copied.obsm[UNCORRECTED], adata.obsm[UNCORRECTED])
    pp.batch_mixing(copied, "batch", use_rep="X_pca")
    assert copied.obs["batch_mixing"].mean() > 0.9
    with pytest.raises(UserError, match="no column 'lane'"):
        pp.integrate(copied, "lane")


def test_a_type_that_no_fitted_batch_has_stays_away() -> None:
    random = np.random.default_rng(0)
    centres = random.normal(size=(4, 12)) * 4.0
    shift = random.normal(size=(3, 12))

    def batch(types: list[int], number: int) -> np.ndarray:
        return np.repeat(centres[types], 40, axis=0) + random.normal(size=(120, 12)) + shift[number]

    values = np.vstack([batch([0, 1, 2], 0), batch([0, 1, 2], 1)])
    alignment = align(values, pd.Series(pd.Categorical(np.repeat(["a", "b"], 120))), seed=0)
    assert alignment is not None
    integration = Integration.of(alignment, [])
    new = batch([0, 1, 3], 2)
    moved = integration.place(new, None).components
    before, after = (
        np.linalg.norm(cells[:, None] - integration.reference[0], axis=2).min(axis=1)
        for cells in (new, moved)
    )
    assert after[:80].mean() < 0.85 * before[:80].mean()
    assert after[80:].min() > 2 * after[:80].max()
    few = integration.place(new[:39], None).components
    np.testing.assert_array_equal(few, new[:39])
