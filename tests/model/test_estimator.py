"""The estimator on real cells: contracts, new cells, saving, determinism, and no labels."""

import warnings
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
import scipy.sparse as sp
from estimators import estimator
from sklearn.metrics import adjusted_rand_score

from scsiameseclu import ModelSettings, ScSiameseClu, UserError, datasets
from scsiameseclu.cluster_number import ClusterNumber
from scsiameseclu.model.parameters import warn_of_fewer

SHORT = {
    "networks": 2,
    "pretrain_steps": 12,
    "refresh_every": 4,
    "n_top_genes": 300,
    "hidden_size": 64,
    "max_clusters": 10,
    "tolerance": 0.0,
}


@pytest.fixture(scope="module")
def fitted(demo: ad.AnnData) -> tuple[ScSiameseClu, ad.AnnData]:
    adata = demo.copy()
    return estimator(5, random_state=1, **SHORT).fit(adata), adata


def test_slots(fitted: tuple[ScSiameseClu, ad.AnnData]) -> None:
    _, adata = fitted
    n_cells = adata.n_obs
    assert list(adata.obs["siamese"].cat.categories) == ["0", "1", "2", "3", "4"]
    sizes = adata.uns["siamese"]["sizes"]
    np.testing.assert_array_equal(sizes, adata.obs["siamese"].value_counts(sort=False))
    assert (np.diff(sizes) <= 0).all()
    probability = adata.obsm["siamese_probability"]
    assert probability.shape == (n_cells, 5)
    np.testing.assert_allclose(probability.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_array_equal(adata.obs["siamese_confidence"], probability.max(axis=1))
    np.testing.assert_array_equal(adata.obs["siamese"].astype(int), probability.argmax(axis=1))
    np.testing.assert_allclose(np.linalg.norm(adata.obsm["X_siamese"], axis=1), 1, atol=1e-4)
    assert adata.uns["siamese"]["n_clusters_given"]
    for slot in ("X_pca",):
        assert slot in adata.obsm
    assert {"distances", "connectivities"} <= set(adata.obsp)
    assert adata.var["highly_variable"].dtype == bool


def test_counts_are_left_alone(fitted: tuple[ScSiameseClu, ad.AnnData], demo: ad.AnnData) -> None:
    assert (fitted[1].X != demo.X).nnz == 0


def test_same_seed_same_bytes(fitted: tuple[ScSiameseClu, ad.AnnData], demo: ad.AnnData) -> None:
    again = demo.copy()
    estimator(5, random_state=1, **SHORT).fit(again)
    np.testing.assert_array_equal(again.obsm["X_siamese"], fitted[1].obsm["X_siamese"])


def test_labels_in_obs_change_nothing(
    fitted: tuple[ScSiameseClu, ad.AnnData], demo: ad.AnnData
) -> None:
    labelled = demo.copy()
    labelled.obs["cell_type"] = np.random.default_rng(0).integers(0, 3, demo.n_obs).astype(str)
    estimator(5, random_state=1, **SHORT).fit(labelled)
    np.testing.assert_array_equal(
        labelled.obsm["siamese_probability"], fitted[1].obsm["siamese_probability"]
    )


def test_embedding_fitted_cells_again_gives_nearly_the_fit(
    fitted: tuple[ScSiameseClu, ad.AnnData], demo: ad.AnnData
) -> None:
    model, adata = fitted
    cosine = (model.embed(demo) * adata.obsm["X_siamese"]).sum(axis=1)
    assert cosine.mean() > 0.95
    assert (model.predict(demo.copy()) == adata.obs["siamese"].cat.codes).mean() > 0.9


def test_new_cells_do_not_depend_on_their_company(
    fitted: tuple[ScSiameseClu, ad.AnnData],
) -> None:
    new = datasets.pbmc("b")
    model = fitted[0]
    whole = model.embed(new)
    np.testing.assert_allclose(model.embed(new[:7].copy()), whole[:7], atol=1e-5)
    shuffled = new[:, ::-1].copy()
    np.testing.assert_allclose(model.embed(shuffled), whole, atol=1e-5)


def test_saved_and_loaded_model_is_the_same(
    fitted: tuple[ScSiameseClu, ad.AnnData], demo: ad.AnnData, tmp_path: object
) -> None:
    model, _ = fitted
    model.save(str(tmp_path))
    loaded = ScSiameseClu.load(str(tmp_path))
    np.testing.assert_array_equal(loaded.embed(demo), model.embed(demo))
    assert loaded.n_clusters_ == 5
    with pytest.raises(UserError, match=r"lacks .* genes"):
        loaded.embed(demo[:, 10:].copy())


def test_number_of_clusters_is_estimated_and_reasoned(demo: ad.AnnData) -> None:
    adata = demo.copy()
    estimator(**SHORT).fit(adata)
    record = adata.uns["siamese"]
    assert not record["n_clusters_given"]
    best = record["evidence"]["k"][np.argmax(record["evidence"]["score"])]
    assert 2 <= record["n_clusters"] == adata.obs["siamese"].cat.categories.size <= best
    assert record["sizes"].min() >= 3


def test_another_number_needs_no_training(demo: ad.AnnData, tmp_path: object) -> None:
    adata = demo.copy()
    model = estimator(5, **SHORT).fit(adata)
    embedding = adata.obsm["X_siamese"].copy()
    model.recluster(adata, (7, 8))
    assert adata.obs["siamese"].nunique() in (7, 8)
    np.testing.assert_array_equal(adata.obsm["X_siamese"], embedding)
    again = demo.copy()
    estimator((7, 8), **SHORT).fit(again)
    np.testing.assert_array_equal(
        again.obsm["siamese_probability"], adata.obsm["siamese_probability"]
    )
    model.save(str(tmp_path))
    loaded = ScSiameseClu.load(str(tmp_path))
    assert (loaded.predict(demo.copy()) == adata.obs["siamese"].cat.codes).mean() > 0.9
    with pytest.raises(UserError, match="call fit"):
        model.recluster(demo.copy(), 4)


def test_a_prior_votes_on_the_clusters_of_fitted_cells(demo: ad.AnnData) -> None:
    adata = demo.copy()
    model = estimator(**SHORT).fit(adata)
    before = adata.obs["siamese"].to_numpy().copy()
    adata.obs["kind"] = np.where(np.isin(before, ["0", "1"]), "first", "other")
    model.recluster(adata, prior_key="kind")
    assert "prior" in adata.uns["siamese"]["evidence"]["criterion"]
    assert adata.uns["siamese"]["params"]["prior_key"] == "kind"
    with_prior = adjusted_rand_score(adata.obs["kind"], adata.obs["siamese"])
    assert with_prior >= adjusted_rand_score(adata.obs["kind"], before)
    model.recluster(adata)
    np.testing.assert_array_equal(adata.obs["siamese"].to_numpy(), before)


@pytest.mark.parametrize(
    ("key", "complaint"),
    [
        ("absent", "no column 'absent'"),
        (["kind"], "no column"),
        ("siamese", "made of the clusters"),
        ("siamese_fine", "made of the clusters"),
        ("gap", "no value for 1 of 350 cells"),
        ("one", "no partition of the cells: it has 1 different values"),
        ("each", "no partition of the cells: it has 350 different values"),
        ("depth", "no partition"),
    ],
)
def test_what_is_no_prior_is_refused(
    fitted_demo: tuple[ScSiameseClu, ad.AnnData], key: object, complaint: str
) -> None:
    model, adata = fitted_demo
    with pytest.raises(UserError, match=complaint):
        model.recluster(adata, prior_key=key)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def fitted_demo(demo: ad.AnnData) -> tuple[ScSiameseClu, ad.AnnData]:
    adata = demo.copy()
    model = estimator(4, **SHORT).fit(adata)
    half = np.arange(350) % 2
    adata.obs["gap"] = pd.Series(half.astype(str), index=adata.obs_names).where(half.cumsum() > 0)
    adata.obs["one"], adata.obs["each"] = "same", np.arange(350)
    adata.obs["depth"] = half / 3.0
    return model, adata


def test_a_saved_model_of_the_pipeline_clusters_again(
    fitted_demo: tuple[ScSiameseClu, ad.AnnData], tmp_path: Path
) -> None:
    """It has no labels of the fitted cells."""
    model, adata = fitted_demo
    model.model_.save(tmp_path)
    loaded = ScSiameseClu.load(tmp_path)
    assert not hasattr(loaded, "labels_")
    assert loaded.recluster(adata.copy(), 5).n_clusters_ == 5


def test_fewer_clusters_than_requested_are_warned_of() -> None:
    with pytest.warns(UserWarning, match="349 clusters were requested; only 40 contain cells"):
        warn_of_fewer(ClusterNumber(349, 349), 40)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_fewer(ClusterNumber(5, 9), 5)
        warn_of_fewer(ClusterNumber(), 2)


def test_the_papers_settings_fit(demo: ad.AnnData) -> None:
    short = {"pretrain_steps": 10, "cluster_steps": 8, "hidden_size": 64}
    settings = ModelSettings.paper(**short)
    adata = demo.copy()
    model = estimator(4, n_top_genes=300, **settings.to_dict()).fit(adata)
    assert adata.obsm["X_siamese"].shape[1] == settings.latent_size
    assert set(model.history_["phase"]) == {"pretrain", "cluster"}
    cosine = (model.embed(demo) * adata.obsm["X_siamese"]).sum(axis=1)
    assert cosine.mean() > 0.9


@pytest.mark.parametrize(
    "switch",
    [
        {"expression_noise": 0.1},
        {"expression_swap": 0.0},
        {"edge_drop": 0.1},
        {"diffusion": True},
        {"fusion": True},
        {"likelihood": "none"},
        {"likelihood": "nb"},
        {"likelihood": "zinb"},
        {"cell_refinement_expression": 0.01, "cell_refinement_graph": 0.01},
        {"latent_refinement": 0.1},
        {"propagation": 0.3},
        {"graph_reconstruction": 0.1},
        {"space": "latent"},
        {"propagate_latent": True},
        {"cluster_steps": 8},
        {"networks": 1},
    ],
    ids=lambda switch: ",".join(f"{k}={v}" for k, v in switch.items()),
)
def test_every_module_can_be_switched(
    fitted: tuple[ScSiameseClu, ad.AnnData], demo: ad.AnnData, switch: dict[str, object]
) -> None:
    adata = demo.copy()
    model = estimator(5, random_state=1, **{**SHORT, **switch}).fit(adata)
    default = fitted[1].obsm["X_siamese"]
    found = adata.obsm["X_siamese"]
    assert found.shape != default.shape or (found != default).any()
    assert model.history_ is not None
    assert np.isfinite(model.history_["loss"]).all()


def test_scanpy_slots_are_used_as_they_are(demo: ad.AnnData) -> None:
    adata = demo.copy()
    adata.layers["counts"] = adata.X.copy()
    sc.pp.normalize_total(adata)
    sc.pp.log1p(adata)
    sc.pp.highly_variable_genes(adata, n_top_genes=300)
    sc.pp.pca(adata, n_comps=15)
    sc.pp.neighbors(adata, n_neighbors=10)
    before = adata.copy()
    model = estimator(4, **SHORT).fit(adata)
    np.testing.assert_array_equal(adata.obsm["X_pca"], before.obsm["X_pca"])
    assert (adata.obsp["connectivities"] != before.obsp["connectivities"]).nnz == 0
    cosine = (model.embed(before) * adata.obsm["X_siamese"]).sum(axis=1)
    assert cosine.mean() > 0.9


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"n_clusters": 1}, "n_clusters is 1"),
        ({"n_clusters": "9-4"}, "the range ends before it starts"),
        ({"pretrain_steps": -1}, "pretrain_steps is -1"),
        ({"n_top_genes": 3}, "n_top_genes is 3"),
        ({"metric": "manhattan"}, "metric is 'manhattan'"),
        ({"random_state": -1}, "random_state is -1"),
        ({"random_state": None}, "random_state is None"),
        ({"settings": {"networks": 2}}, "must be a ModelSettings, not dict"),
        ({"logged": True, "settings": ModelSettings(likelihood="zinb")}, "needs raw counts"),
        ({"layer": "spliced"}, "no layer 'spliced'; available: none"),
        ({"batch_key": "donor"}, r"no column 'donor' \(batch_key\)"),
        ({"use_rep": "X_scvi"}, r"no 'X_scvi' \(use_rep\); available: none"),
    ],
)
def test_bad_parameters_are_named_by_fit(
    demo: ad.AnnData, arguments: dict[str, object], sentence: str
) -> None:
    model = ScSiameseClu(**arguments)
    with pytest.raises(UserError, match=sentence):
        model.fit(demo.copy())


def test_bad_data_are_named(demo: ad.AnnData) -> None:
    with pytest.raises(UserError, match="not counts"):
        ScSiameseClu(3).fit(ad.AnnData(sp.csr_matrix(demo.X).log1p()))
    with pytest.raises(UserError, match="ask for fewer clusters"):
        ScSiameseClu(400).fit(demo.copy())
    with pytest.raises(UserError, match="12 cells"):
        ScSiameseClu(3).fit(demo[:12].copy())


def test_cuda_without_a_gpu_is_one_sentence(demo: ad.AnnData) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(UserError, match="no CUDA device"):
        ScSiameseClu(3, device="cuda").fit(demo.copy())


@pytest.mark.gpu
def test_gpu_agrees_with_cpu(fitted: tuple[ScSiameseClu, ad.AnnData], demo: ad.AnnData) -> None:
    import torch
    from sklearn.metrics import adjusted_rand_score

    if not torch.cuda.is_available():
        pytest.skip("no GPU")
    adata = demo.copy()
    estimator(5, random_state=1, device="cuda", **SHORT).fit(adata)
    assert adjusted_rand_score(adata.obs["siamese"], fitted[1].obs["siamese"]) > 0.8


@pytest.mark.parametrize("switch", [{"proportions": "ignored"}, {"proportions": "fixed"}])
def test_assignment_can_be_switched(
    fitted: tuple[ScSiameseClu, ad.AnnData], demo: ad.AnnData, switch: dict[str, str]
) -> None:
    adata = demo.copy()
    model = estimator(5, random_state=1, **{**SHORT, **switch}).fit(adata)
    np.testing.assert_array_equal(adata.obsm["X_siamese"], fitted[1].obsm["X_siamese"])
    probability = adata.obsm["siamese_probability"]
    assert (probability != fitted[1].obsm["siamese_probability"]).any()
    potentials = [member.potential for member in model.model_.consensus.members]
    assert all(bool(p.any()) == (switch["proportions"] == "fixed") for p in potentials)


def test_log_values_are_taken_only_when_told(demo: ad.AnnData) -> None:
    logged = demo.copy()
    sc.pp.normalize_total(logged)
    sc.pp.log1p(logged)
    with pytest.raises(UserError, match="not counts"):
        estimator(5, **SHORT).fit(logged.copy())
    model = estimator(5, logged=True, **SHORT).fit(logged)
    assert model.model_.trained.settings.likelihood == "none"
    assert logged.obs["siamese"].nunique() == 5
    new = model.embed(logged[:50])
    assert (new * logged.obsm["X_siamese"][:50]).sum(axis=1).mean() > 0.9
    logged.X.data -= 1
    with pytest.raises(UserError, match="not log-normalised"):
        estimator(5, logged=True, **SHORT).fit(logged)


def test_a_loaded_model_knows_what_its_values_are(demo: ad.AnnData, tmp_path: Path) -> None:
    logged = demo.copy()
    sc.pp.normalize_total(logged)
    sc.pp.log1p(logged)
    model = estimator(5, logged=True, **SHORT).fit(logged)
    model.save(tmp_path)
    again = ScSiameseClu.load(tmp_path)
    assert again.logged
    np.testing.assert_allclose(again.embed(logged[:20]), model.embed(logged[:20]), atol=1e-5)


def test_missing_genes_can_be_filled_with_the_mean(
    fitted: tuple[ScSiameseClu, ad.AnnData], demo: ad.AnnData
) -> None:
    model, _ = fitted
    genes = model.model_.scaling.genes
    columns = demo.var_names.get_indexer(genes)
    whole = model.model_.embed(demo, columns)
    np.testing.assert_array_equal(whole, model.embed(demo))
    columns[::10] = -1
    filled = model.model_.embed(demo, columns)
    assert (filled * whole).sum(axis=1).mean() > 0.85
