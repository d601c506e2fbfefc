"""The estimator as scikit-learn and scanpy users expect it: parameters, slots, files."""

import inspect
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from scsiameseclu import ModelSettings, ScSiameseClu, UserError, datasets
from scsiameseclu.model.parameters import MODEL_KEYWORDS, settings_of
from scsiameseclu.settings import ExpressionSettings, GraphSettings

SHORT = {"networks": 2, "pretrain_steps": 8, "n_top_genes": 200, "hidden_size": 32}
# a value other than the default for each parameter
OTHER = {
    "n_clusters": (4, 6),
    "random_state": 3,
    "device": "cpu",
    "layer": "raw",
    "batch_key": "donor",
    "use_rep": "X_mine",
    "logged": False,
    "n_top_genes": 150,
    "n_pcs": 12,
    "max_value": 8.0,
    "integration": "none",
    "n_neighbors": 11,
    "metric": "cosine",
    "networks": 2,
    "latent_size": 8,
    "hidden_size": 32,
    "pretrain_steps": 6,
    "batch_size": 128,
    "learning_rate": 0.002,
    "temperature": 0.07,
    "max_clusters": 9,
    "settings": ModelSettings(expression_noise=0.05, networks=4),
}


@pytest.fixture(scope="module")
def fitted(demo: ad.AnnData) -> tuple[ScSiameseClu, ad.AnnData]:
    adata = demo.copy()
    return ScSiameseClu(4, device="cpu", max_clusters=8, **SHORT).fit(adata), adata


@pytest.fixture
def prepared(demo: ad.AnnData) -> ad.AnnData:
    """Cells with a layer, a batch and a representation of their own."""
    adata = ad.AnnData(0.5 * demo.X, obs=demo.obs.copy(), var=demo.var.copy())
    adata.layers["raw"] = demo.X.copy()
    adata.obs["donor"] = np.repeat(["one", "two"], [150, 200])
    adata.obsm["X_mine"] = np.random.default_rng(0).normal(size=(350, 12)).astype(np.float32)
    return adata


def test_parameters_are_stored_as_they_are_given() -> None:
    assert set(OTHER) == set(ScSiameseClu().get_params())
    model = ScSiameseClu(**OTHER)
    assert all(model.get_params()[name] is value for name, value in OTHER.items())
    copy = clone(model)
    assert copy.get_params() == OTHER
    assert copy.set_params(n_top_genes=900, networks=5).get_params()["networks"] == 5
    assert repr(ScSiameseClu(5, networks=2)) == "ScSiameseClu(n_clusters=5, networks=2)"
    settings = ModelSettings(networks=2, space="latent")
    assert repr(settings) == "ModelSettings(networks=2, space='latent')"
    assert repr(ScSiameseClu(settings=settings)) == f"ScSiameseClu(settings={settings})"


def test_defaults_are_those_of_the_settings() -> None:
    defaults = {
        name: item.default for name, item in inspect.signature(ScSiameseClu).parameters.items()
    }
    for kind in (ExpressionSettings, GraphSettings):
        for name, value in kind().to_dict().items():
            assert defaults[name] == value
    assert all(defaults[name] is None for name in MODEL_KEYWORDS)
    assert set(MODEL_KEYWORDS) <= set(ModelSettings().to_dict())
    settings = settings_of(OTHER)[0]
    assert (settings.networks, settings.latent_size, settings.expression_noise) == (2, 8, 0.05)


@pytest.mark.parametrize("call", ["embed", "transform", "predict", "recluster", "save"])
def test_nothing_works_before_fit(demo: ad.AnnData, call: str, tmp_path: Path) -> None:
    model = ScSiameseClu(3)
    with pytest.raises(NotFittedError, match="call fit"):
        getattr(model, call)(tmp_path if call == "save" else demo)
    with pytest.raises(NotFittedError):
        check_is_fitted(model)
    assert not list(tmp_path.iterdir())


def test_fitted_attributes(fitted: tuple[ScSiameseClu, ad.AnnData]) -> None:
    model, adata = fitted
    check_is_fitted(model)
    assert model.n_clusters_ == 4
    assert model.labels_.dtype.kind == "i"
    np.testing.assert_array_equal(model.labels_, adata.obs["siamese"].cat.codes)
    assert set(model.history_["network"]) == {0, 1}
    assert not hasattr(clone(model), "labels_")


def test_fit_predict_is_fit_and_labels(
    fitted: tuple[ScSiameseClu, ad.AnnData], demo: ad.AnnData
) -> None:
    adata = demo.copy()
    labels = clone(fitted[0]).fit_predict(adata, key_added="mine")
    np.testing.assert_array_equal(labels, fitted[0].labels_)
    assert {"mine", "mine_confidence", "mine_ambiguous", "mine_coarse", "mine_fine"} == set(
        adata.obs
    )
    assert {"X_mine", "mine_probability"} <= set(adata.obsm)


def test_every_parameter_is_used_recorded_and_survives_saving(
    prepared: ad.AnnData, tmp_path: Path
) -> None:
    model = ScSiameseClu(**OTHER).fit(prepared)
    model.recluster(prepared, (3, 4))
    model.save(tmp_path)
    again = ScSiameseClu.load(tmp_path)
    assert again.get_params() == OTHER | {"n_clusters": (3, 4)}
    np.testing.assert_array_equal(again.labels_, model.labels_)
    np.testing.assert_array_equal(again.embed(prepared), model.embed(prepared))
    pd.testing.assert_frame_equal(again.history_, model.history_, check_exact=True)
    params = prepared.uns["siamese"]["params"]
    for name, value in OTHER.items():
        if name not in ("settings", "n_clusters"):
            assert params[name] == value, name
    assert (params["n_clusters"], params["expression_noise"]) == ("3-4", 0.05)
    assert prepared.uns["neighbors"]["params"]["metric"] == "cosine"
    prepared.write_h5ad(tmp_path / "a.h5ad")
    read = ad.read_h5ad(tmp_path / "a.h5ad").uns["siamese"]["params"]
    assert read == params
    new = prepared.copy()
    again.predict(new, key_added="new")
    assert new.uns["new"]["params"] == params
    refitted = clone(again).set_params(n_clusters=OTHER["n_clusters"]).fit(prepared)
    np.testing.assert_array_equal(refitted.embed(prepared), model.embed(prepared))


def test_parameters_that_are_none_are_left_out(fitted: tuple[ScSiameseClu, ad.AnnData]) -> None:
    params = fitted[1].uns["siamese"]["params"]
    assert not {"layer", "batch_key", "use_rep", "settings"} & set(params)
    assert params["n_clusters"] == "4"
    assert all(isinstance(value, str | int | float | bool) for value in params.values())


def test_a_refused_fit_leaves_the_cells_as_they_are(demo: ad.AnnData) -> None:
    adata = demo.copy()
    with pytest.raises(UserError, match="ask for fewer clusters"):
        ScSiameseClu(350).fit(adata)
    assert not adata.obsm.keys()
    assert list(adata.var) == list(demo.var)


def test_a_damaged_folder_is_one_sentence(
    fitted: tuple[ScSiameseClu, ad.AnnData], tmp_path: Path
) -> None:
    fitted[0].save(tmp_path)
    (tmp_path / "labels.npy").write_bytes(b"nothing")
    with pytest.raises(UserError, match="damaged"):
        ScSiameseClu.load(tmp_path)


def test_predict_writes_as_fit_does(fitted: tuple[ScSiameseClu, ad.AnnData]) -> None:
    model, adata = fitted
    new = datasets.pbmc("b")
    before = new.copy()
    embedding = model.transform(new)
    assert embedding.dtype == np.float32
    assert set(new.obs) == set(before.obs)
    assert not new.obsm.keys()
    labels = model.predict(new)
    np.testing.assert_array_equal(new.obsm["X_siamese"], embedding)
    np.testing.assert_array_equal(new.obs["siamese"].cat.codes, labels)
    np.testing.assert_array_equal(new.obsm["siamese_probability"].argmax(axis=1), labels)
    for name in ("siamese", "siamese_confidence", "siamese_ambiguous"):
        assert new.obs[name].dtype == adata.obs[name].dtype
    assert "siamese_fine" not in new.obs
    np.testing.assert_array_equal(new.uns["siamese"]["sizes"], np.bincount(labels, minlength=4))
    # coarse clusters are unions of clusters, the same ones as among the fitted cells
    pairs = set(zip(new.obs["siamese"], new.obs["siamese_coarse"], strict=True))
    assert pairs <= set(zip(adata.obs["siamese"], adata.obs["siamese_coarse"], strict=True))


def test_predicting_fitted_cells_leaves_no_stale_level(
    fitted: tuple[ScSiameseClu, ad.AnnData],
) -> None:
    adata = fitted[1].copy()
    fitted[0].predict(adata)
    assert "siamese_fine" not in adata.obs
    assert (adata.obs.groupby("siamese", observed=True)["siamese_coarse"].nunique() == 1).all()


def test_counts_in_a_layer_are_counts_in_x(
    fitted: tuple[ScSiameseClu, ad.AnnData], prepared: ad.AnnData, demo: ad.AnnData
) -> None:
    model = clone(fitted[0]).set_params(layer="raw").fit(prepared)
    np.testing.assert_array_equal(prepared.obsm["X_siamese"], fitted[1].obsm["X_siamese"])
    np.testing.assert_array_equal(model.embed(prepared), fitted[0].embed(demo))


def test_variable_genes_follow_the_batches(prepared: ad.AnnData) -> None:
    prepared.obs["donor"] = pd.Categorical(prepared.obs["donor"], ["none", "one", "two"])
    chosen = {}
    for key in (None, "donor"):
        adata = prepared.copy()
        ScSiameseClu(4, layer="raw", batch_key=key, device="cpu", **SHORT).fit(adata)
        chosen[key] = adata.var["highly_variable"].to_numpy()
    assert (chosen[None] != chosen["donor"]).any()
    prepared.obs.loc[prepared.obs_names[:7], "donor"] = np.nan
    with pytest.raises(UserError, match="7 of 350 cells have no batch"):
        ScSiameseClu(4, layer="raw", batch_key="donor").fit(prepared)


def test_a_representation_replaces_the_components(demo: ad.AnnData) -> None:
    """Cells of two made-up groups in the representation are two clusters."""
    adata = demo.copy()
    group = np.arange(350) % 2
    rng = np.random.default_rng(0)
    mine = (rng.normal(size=(350, 10)) + 8 * group[:, None]).astype(np.float32)
    adata.obsm["X_mine"] = mine
    ScSiameseClu(2, device="cpu", **SHORT).fit(adata)
    graph = adata.obsp["connectivities"].copy()
    model = ScSiameseClu(2, device="cpu", use_rep="X_mine", **SHORT).fit(adata, key_added="other")
    agreement = (model.labels_ == group).mean()
    assert max(agreement, 1 - agreement) > 0.99
    assert (adata.obsp["connectivities"] != graph).nnz == 0  # that of X_pca stays
    fresh = demo.copy()
    fresh.obsm["X_mine"] = mine
    again = ScSiameseClu(2, device="cpu", use_rep="X_mine", **SHORT).fit(fresh)
    np.testing.assert_array_equal(again.labels_, model.labels_)
    np.testing.assert_array_equal(fresh.obsm["X_siamese"], adata.obsm["X_other"])
    assert "X_pca" not in fresh.obsm
    assert fresh.uns["neighbors"]["params"]["use_rep"] == "X_mine"


@pytest.mark.parametrize(("use_rep", "key"), [("X_mine", "mine"), (None, "pca")])
def test_the_embedding_does_not_replace_what_it_is_computed_from(
    use_rep: str | None, key: str, demo: ad.AnnData
) -> None:
    adata = demo.copy()
    adata.obsm["X_mine"] = np.zeros((350, 10), dtype=np.float32)
    with pytest.raises(UserError, match=f'"{key}" would replace adata.obsm'):
        ScSiameseClu(2, use_rep=use_rep).fit(adata, key_added=key)


def test_a_graph_of_the_embedding_is_not_taken_for_one_of_the_components(
    fitted: tuple[ScSiameseClu, ad.AnnData],
) -> None:
    adata = fitted[1].copy()
    sc.pp.neighbors(adata, use_rep="X_siamese")
    again = clone(fitted[0]).fit(adata)
    np.testing.assert_array_equal(again.embed(adata), fitted[0].embed(adata))
    assert adata.uns["neighbors"]["params"]["use_rep"] == "X_siamese"


def test_a_representation_must_be_finite(demo: ad.AnnData) -> None:
    adata = demo.copy()
    adata.obsm["X_mine"] = np.full((350, 10), np.nan)
    with pytest.raises(UserError, match="finite numbers"):
        ScSiameseClu(3, use_rep="X_mine").fit(adata)


def test_a_backed_file_is_one_sentence(demo: ad.AnnData, tmp_path: Path) -> None:
    demo.write_h5ad(tmp_path / "a.h5ad")
    backed = ad.read_h5ad(tmp_path / "a.h5ad", backed="r")
    with pytest.raises(UserError, match="backed by a file"):
        ScSiameseClu(3).fit(backed)


def test_a_model_of_the_pipeline_is_loaded(
    fitted: tuple[ScSiameseClu, ad.AnnData], demo: ad.AnnData, tmp_path: Path
) -> None:
    model = fitted[0]
    model.model_.save(tmp_path)
    loaded = ScSiameseClu.load(tmp_path)
    assert loaded.n_clusters_ == 4
    assert not hasattr(loaded, "labels_")
    np.testing.assert_array_equal(loaded.embed(demo), model.embed(demo))
    assert settings_of(loaded.get_params()) == settings_of(model.get_params())
