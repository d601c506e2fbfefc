"""Unusual but valid cells work, and all others are one sentence."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from scsiameseclu import ModelSettings, ScSiameseClu, UserError

QUICK = ModelSettings(networks=1, pretrain_steps=4, hidden_size=16, latent_size=8)
RNG = np.random.default_rng(0)
VALUES = RNG.normal(size=(350, 6)).astype(np.float32)


def estimator(**options: Any) -> ScSiameseClu:
    return ScSiameseClu(3, settings=QUICK, device="cpu", n_top_genes=200, **options)


@pytest.fixture(scope="module")
def model(demo: ad.AnnData) -> ScSiameseClu:
    return estimator().fit(demo.copy())


def renamed(demo: ad.AnnData, model: ScSiameseClu, *, used: bool) -> ad.AnnData:
    """The cells with one gene named as another, which the model uses or not."""
    adata = demo.copy()
    names = adata.var_names.to_numpy(dtype=object, copy=True)
    unused = np.flatnonzero(~adata.var_names.isin(model.model_.scaling.genes))
    names[unused[0]] = model.model_.scaling.genes[5] if used else names[unused[1]]
    adata.var_names = names
    return adata


@pytest.mark.filterwarnings("ignore:Variable names are not unique")
def test_repeated_genes_matter_only_if_the_model_uses_them(
    demo: ad.AnnData, model: ScSiameseClu
) -> None:
    adata = renamed(demo, model, used=False)
    np.testing.assert_array_equal(model.predict(adata), model.predict(demo.copy()))
    name = model.model_.scaling.genes[5]
    with pytest.raises(UserError, match=rf"genes are repeated \(1, first: {name}\); call"):
        model.predict(renamed(demo, model, used=True))
    twice = demo.copy()
    twice.var_names = [f"gene{number // 2}" for number in range(demo.n_vars)]
    with pytest.raises(UserError, match="names of genes are repeated"):
        estimator().fit(twice)


def test_no_cells_have_no_clusters(demo: ad.AnnData, model: ScSiameseClu) -> None:
    none = demo[:0].copy()
    assert model.predict(none).shape == (0,)
    assert none.obsm["siamese_probability"].shape == (0, 3)
    assert none.obsm["X_siamese"].shape[1] == model.embed(demo[:1]).shape[1]
    assert list(none.obs["siamese"].cat.categories) == ["0", "1", "2"]
    assert none.uns["siamese"]["sizes"].tolist() == [0, 0, 0]


def test_a_representation_of_one_column(demo: ad.AnnData) -> None:
    """New cells get a coordinate by regression, so a component of the genes is reproduced."""
    adata = demo.copy()
    estimator().fit(adata)
    line = demo.copy()
    line.obsm["X_line"] = adata.obsm["X_pca"][:, :1].copy()
    model = estimator(use_rep="X_line").fit(line)
    assert model.model_.scaling.loadings.shape == (200, 1)
    assert (model.predict(demo.copy()) == model.labels_).mean() > 0.8


@pytest.mark.parametrize("form", [sp.csr_matrix, sp.csr_array, pd.DataFrame, np.float64])
def test_every_form_of_a_representation(demo: ad.AnnData, form: Callable[..., Any]) -> None:
    """Sparse, a table, or in double precision: as the dense matrix."""
    labels = []
    for make in (np.asarray, form):
        adata = demo.copy()
        values = make(VALUES)
        if isinstance(values, pd.DataFrame):
            values = values.set_axis(adata.obs_names).add_prefix("dimension ")
        adata.obsm["X_mine"] = values
        labels.append(estimator(use_rep="X_mine").fit(adata).labels_)
    np.testing.assert_array_equal(*labels)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (np.ones((350, 4)), "is the same for all cells"),
        (np.zeros((350, 0)), "must be a matrix"),
        (np.zeros((350, 2, 2)), "must be a matrix"),
        (np.full((350, 2), np.inf), "finite numbers"),
        (1e30 * VALUES, r"has values above 1e\+15; scale them"),
    ],
)
@pytest.mark.parametrize("use_rep", ["X_mine", "X_pca"])
def test_representations_that_cannot_be_used(
    demo: ad.AnnData, values: np.ndarray, sentence: str, use_rep: str
) -> None:
    adata = demo.copy()
    adata.obsm[use_rep] = values
    with pytest.raises(UserError, match=rf"adata.obsm\['{use_rep}'\] .*{sentence}"):
        estimator(use_rep=use_rep).fit(adata)
    assert "siamese" not in adata.obs


def test_a_table_with_text_is_no_representation(demo: ad.AnnData) -> None:
    adata = demo.copy()
    adata.obsm["X_mine"] = pd.DataFrame({"a": "text", "b": 1.0}, index=adata.obs_names)
    with pytest.raises(UserError, match="entries that are not numbers"):
        estimator(use_rep="X_mine").fit(adata)


def test_x_can_be_named_as_a_layer(demo: ad.AnnData, model: ScSiameseClu) -> None:
    """Needed where layers["counts"] exists and is not to be used; a layer of that name wins."""
    adata = demo.copy()
    adata.layers["counts"] = adata.X * 0
    np.testing.assert_array_equal(estimator(layer="X").fit(adata).labels_, model.labels_)
    adata.layers["X"] = adata.X * 0.5
    with pytest.raises(UserError, match="not counts"):
        estimator(layer="X").fit(adata)


@pytest.mark.parametrize("mask", [[np.nan, True], ["True", "False"], [2, 0]])
def test_variable_genes_must_be_a_mask(demo: ad.AnnData, mask: list[Any]) -> None:
    adata = demo.copy()
    adata.var["highly_variable"] = np.resize(np.array(mask, dtype=object), adata.n_vars)
    with pytest.raises(UserError, match="must be True or False for each gene"):
        estimator().fit(adata)


def test_a_mask_stored_as_objects_is_a_mask(demo: ad.AnnData, model: ScSiameseClu) -> None:
    adata = demo.copy()
    adata.var["highly_variable"] = [
        bool(value) for value in adata.var_names.isin(model.model_.scaling.genes)
    ]
    adata.var["highly_variable"] = adata.var["highly_variable"].astype(object)
    np.testing.assert_array_equal(estimator().fit(adata).labels_, model.labels_)


def test_a_backed_file_is_one_sentence_for_new_cells(
    demo: ad.AnnData, model: ScSiameseClu, tmp_path: Path
) -> None:
    demo.write_h5ad(tmp_path / "a.h5ad")
    with pytest.raises(UserError, match="backed by a file"):
        model.predict(ad.read_h5ad(tmp_path / "a.h5ad", backed="r"))


def test_cells_without_counts_and_other_objects(demo: ad.AnnData, model: ScSiameseClu) -> None:
    with pytest.raises(UserError, match="no gene varies"):
        estimator().fit(ad.AnnData(sp.csr_matrix(demo.shape, dtype=np.float32)))
    for other in (demo.X, demo.to_df()):
        for work in (estimator().fit, model.predict):
            with pytest.raises(UserError, match="adata must be an AnnData, not"):
                work(other)


def test_settings_that_existing_slots_replace_are_named(demo: ad.AnnData) -> None:
    adata = demo.copy()
    estimator().fit(adata)
    with pytest.warns(UserWarning, match="not used, since adata") as caught:
        estimator(n_pcs=10, n_neighbors=5, metric="cosine").fit(adata)
    messages = [str(warning.message) for warning in caught]
    for words in ("n_top_genes not", "n_pcs not", "n_neighbors and metric not"):
        assert any(message.startswith(words) for message in messages)
    reused = adata.uns["siamese"]["params"]["reused"]
    assert reused == 'var["highly_variable"], obsm["X_pca"], obsp["connectivities"]'
    fresh = demo.copy()
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        estimator(n_pcs=10).fit(fresh)
    assert fresh.uns["siamese"]["params"]["reused"] == ""


def test_one_gene_and_slots_without_a_name(demo: ad.AnnData) -> None:
    with pytest.raises(UserError, match="only one gene varies"):
        estimator().fit(demo[:, demo.var_names[:1]].copy())
    for name in ("", None):
        with pytest.raises(UserError, match=r"key_added is .*; it must be a name"):
            estimator().fit(demo.copy(), key_added=name)  # type: ignore[arg-type]


def test_only_the_fitted_cells_can_be_clustered_again(demo: ad.AnnData) -> None:
    adata = demo.copy()
    fitted = estimator().fit(adata)
    with pytest.raises(UserError, match="adata has 100 cells, and the model was fitted to 350"):
        fitted.recluster(adata[:100].copy(), 4)
    assert fitted.recluster(adata, 4).n_clusters_ == 4
