"""The public functions on built-in data: slots as documented, in place or in a copy, in files."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import anndata as ad
import matplotlib
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import adjusted_rand_score

import scsiameseclu as ssc
from scsiameseclu.plotting.markers import AREA

matplotlib.use("agg")
QUICK = ssc.ModelSettings(networks=2, pretrain_steps=30, hidden_size=64)
HEAVY = {"anndata", "matplotlib", "numpy", "pandas", "scanpy", "scipy", "sklearn", "torch"}


@pytest.fixture(scope="module")
def clustered() -> ad.AnnData:
    """Half of the demo data with clusters, markers, types and an order of the cells."""
    adata = ssc.datasets.pbmc("a")
    ssc.tl.cluster(adata, 6, settings=QUICK, device="cpu")
    ssc.tl.markers(adata)
    ssc.tl.annotate(adata)
    ssc.tl.trajectory(adata, root="cluster=0")
    return adata


def slots(adata: ad.AnnData) -> dict[str, set[str]]:
    tables = ("obs", "var", "obsm", "varm", "obsp", "layers", "uns")
    return {name: set(getattr(adata, name).keys()) for name in tables}


def added(before: ad.AnnData, after: ad.AnnData) -> dict[str, set[str]]:
    old, new = slots(before), slots(after)
    return {name: new[name] - old[name] for name in new if new[name] - old[name]}


def test_importing_the_package_is_fast_and_shows_what_it_has() -> None:
    code = "import sys, scsiameseclu; print(*dir(scsiameseclu)); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    shown, modules = (set(line.split()) for line in done.stdout.splitlines())
    assert set(ssc.__all__) <= shown
    assert not modules & HEAVY
    with pytest.raises(AttributeError, match="no attribute 'transfer_labels'"):
        ssc.transfer_labels  # noqa: B018


def test_the_example_of_the_package_runs() -> None:
    outcome = doctest.testmod(ssc)
    assert (outcome.attempted, outcome.failed) == (7, 0)


@pytest.mark.parametrize("name", ["pp", "tl", "pl", "get", "metrics", "datasets"])
def test_every_public_name_exists_and_is_described(name: str) -> None:
    module = getattr(ssc, name)
    assert module is importlib.import_module(f"scsiameseclu.{name}")
    for public in module.__all__:
        assert (getattr(module, public).__doc__ or "").strip()


def test_demo_data_are_counts_of_two_halves() -> None:
    every, first, second = ssc.datasets.pbmc(), ssc.datasets.pbmc("a"), ssc.datasets.pbmc("b")
    assert every.shape == (700, 765)
    assert set(first.obs_names).isdisjoint(second.obs_names)
    assert set(first.obs_names) | set(second.obs_names) == set(every.obs_names)
    assert every.X.dtype == np.float32
    assert (every.X.data == np.rint(every.X.data)).all()
    assert list(every.obs) == ["bulk_labels"]
    with pytest.raises(ssc.UserError, match="part is 'c'"):
        ssc.datasets.pbmc("c")  # type: ignore[arg-type]


def test_slots_and_types_of_quality() -> None:
    before = ssc.datasets.pbmc()
    before.obs["donor"] = np.where(np.arange(700) % 2, "one", "two")
    adata = before.copy()
    assert ssc.pp.quality(adata, batch_key="donor", min_genes=215) is None
    assert added(before, adata) == {
        "obs": {
            *("n_genes", "total_counts", "pct_top20", "pct_mito", "pct_ribo", "pct_hb"),
            *("S_score", "G2M_score", "phase", "doublet_score"),
            *("predicted_doublet", "quality_pass", "quality_reason"),
        },
        "var": {"n_cells", "quality_pass"},
        "uns": {"quality"},
    }
    assert adata.obs["n_genes"].dtype == adata.var["n_cells"].dtype == np.int64
    for name in ("total_counts", "pct_top20", "pct_mito", "pct_ribo", "pct_hb", "doublet_score"):
        assert adata.obs[name].dtype == np.float64
    assert list(adata.obs["predicted_doublet"].cat.categories) == ["no", "yes", "NA"]
    passes = adata.obs["quality_pass"]
    assert passes.dtype == bool
    assert ((adata.obs["quality_reason"] == "") == passes).all()
    np.testing.assert_array_equal(adata.obs["n_genes"] < 215, ~passes)
    expressing = np.asarray((adata.X[passes.to_numpy()] > 0).sum(axis=0)).ravel()
    np.testing.assert_array_equal(adata.var["n_cells"], expressing)
    params = adata.uns["quality"]["params"]
    assert (params["min_genes"], params["batch_key"]) == (215, "donor")
    assert "max_genes" not in params


def test_quality_can_remove_what_fails() -> None:
    flagged = ssc.datasets.pbmc()
    ssc.pp.quality(flagged, min_genes=215)
    subset = ssc.pp.quality(ssc.datasets.pbmc(), min_genes=215, subset=True, copy=True)
    assert subset is not None
    chosen = flagged[flagged.obs["quality_pass"], flagged.var["quality_pass"]]
    assert list(subset.obs_names) == list(chosen.obs_names)
    assert list(subset.var_names) == list(chosen.var_names)
    assert (subset.X != chosen.X).nnz == 0
    with pytest.raises(ssc.UserError, match="0 of 700 cells pass"):
        ssc.pp.quality(ssc.datasets.pbmc(), min_counts=1e9)


def test_the_function_is_the_estimator(clustered: ad.AnnData, tmp_path: Path) -> None:
    before = ssc.datasets.pbmc("a")
    adata = before.copy()
    options = {"settings": QUICK, "device": "cpu"}
    ssc.tl.cluster(adata, 6, key_added="mine", model_dir=tmp_path, **options)
    assert added(before, adata)["obs"] == {
        "mine", "mine_confidence", "mine_ambiguous", "mine_coarse", "mine_fine",
    }  # fmt: skip
    assert {"mine", "mine_colors"} <= set(adata.uns)
    model = ssc.ScSiameseClu.load(tmp_path)
    np.testing.assert_array_equal(model.labels_, adata.obs["mine"].cat.codes)
    np.testing.assert_array_equal(model.labels_, clustered.obs["siamese"].cat.codes)
    estimated = ssc.ScSiameseClu(6, **options).fit(before.copy())
    np.testing.assert_array_equal(estimated.labels_, model.labels_)


def test_types_of_the_clusters_slots(clustered: ad.AnnData) -> None:
    obs = clustered.obs
    for name in ("siamese", "siamese_coarse", "siamese_fine"):
        assert isinstance(obs[name].dtype, pd.CategoricalDtype)
    assert obs["siamese_confidence"].dtype == np.float32
    assert obs["siamese_ambiguous"].dtype == bool
    assert clustered.obsm["X_siamese"].dtype == np.float32
    assert clustered.obsm["siamese_probability"].dtype == np.float32
    record = clustered.uns["siamese"]
    assert record["sizes"].dtype == np.int64
    assert record["stability"].dtype == np.float64
    assert len(clustered.uns["siamese_colors"]) == record["n_clusters"] == 6
    sc.pl.embedding(clustered, "X_siamese", color="siamese", show=False)  # takes the colours


@pytest.mark.parametrize(
    "work",
    [
        lambda adata, **options: ssc.pp.quality(adata, subset=True, min_genes=215, **options),
        lambda adata, **options: ssc.tl.cluster(adata, 5, settings=QUICK, device="cpu", **options),
        lambda adata, **options: ssc.tl.markers(adata, key_added="other", **options),
        lambda adata, **options: ssc.tl.annotate(adata, key_added="other", **options),
        lambda adata, **options: ssc.tl.trajectory(adata, **options),
    ],
    ids=["quality", "cluster", "markers", "annotate", "trajectory"],
)
def test_a_copy_leaves_the_input_as_it_is(
    clustered: ad.AnnData, work: Callable[..., ad.AnnData | None]
) -> None:
    before = clustered.copy()
    result = work(clustered, copy=True)
    assert result is not None
    assert slots(clustered) == slots(before)
    pd.testing.assert_frame_equal(clustered.obs, before.obs)
    pd.testing.assert_frame_equal(clustered.var, before.var)
    assert (clustered.X != before.X).nnz == 0
    assert work(before) is None
    assert slots(before) == slots(result)
    pd.testing.assert_frame_equal(before.obs, result.obs)


def test_what_the_functions_write_is_read_back(clustered: ad.AnnData, tmp_path: Path) -> None:
    adata = clustered.copy()
    ssc.pp.quality(adata)
    adata.write_h5ad(tmp_path / "a.h5ad")
    read = ad.read_h5ad(tmp_path / "a.h5ad")
    assert slots(read) == slots(adata)
    pd.testing.assert_frame_equal(read.obs, adata.obs)
    pd.testing.assert_frame_equal(ssc.get.markers_df(read), ssc.get.markers_df(adata))
    for key in ("siamese", "siamese_markers", "annotation", "trajectory", "quality"):
        assert read.uns[key]["params"] == adata.uns[key]["params"]
    table = adata.uns["annotation"]["table"]
    pd.testing.assert_frame_equal(read.uns["annotation"]["table"], table, check_names=False)
    assert isinstance(ssc.pl.markers(read), Axes)


def test_markers_pass_the_thresholds_and_are_those_of_log_values(clustered: ad.AnnData) -> None:
    table = ssc.get.markers_df(clustered)
    assert (table["adjusted_p"] <= 0.05).all()
    assert (table["log2_fold_change"] >= 0.5).all()
    assert set(table["cluster"]) == set(clustered.obs["siamese"])
    one = ssc.get.markers_df(clustered, "1")
    assert set(one["cluster"]) == {"1"}
    assert one["rank"].is_monotonic_increasing
    logged = clustered.copy()
    sc.pp.normalize_total(logged)
    sc.pp.log1p(logged)
    ssc.tl.markers(logged, max_adjusted_p=1e-6)
    again = ssc.get.markers_df(logged)
    strict = table[table["adjusted_p"] <= 1e-6].reset_index(drop=True)
    pd.testing.assert_frame_equal(again, strict, rtol=1e-3)
    assert clustered.uns["siamese_markers"]["params"]["groupby"] == "siamese"
    with pytest.raises(ssc.UserError, match="no cluster 9; available: 0, 1"):
        ssc.get.markers_df(clustered, ["1", "9"])


def test_any_column_of_clusters_will_do_and_gene_ids_are_recognised() -> None:
    adata = ssc.datasets.pbmc()
    adata.var["feature_name"] = adata.var_names
    adata.var_names = [f"ENSG{number:011d}" for number in range(adata.n_vars)]
    before = adata.copy()
    ssc.tl.markers(adata, groupby="bulk_labels", key_added="m")
    ssc.tl.annotate(adata, groupby="bulk_labels", use_rep=None)
    assert ssc.get.markers_df(adata, "CD19+ B", key="m")["gene"].str.startswith("ENSG").all()
    types = adata.obs.groupby("bulk_labels", observed=True)["cell_type_predicted"].first()
    assert types["CD19+ B"] == "B cell"
    assert types["CD56+ NK"] == "NK"
    assert (adata.var == before.var).all(axis=None)
    (adata.obs["cell_type_by_cell"] == adata.obs["cell_type_predicted"]).all()
    adata.obs.loc[adata.obs_names[:3], "bulk_labels"] = np.nan
    with pytest.raises(ssc.UserError, match="3 of 700 cells have no cluster"):
        ssc.tl.markers(adata, groupby="bulk_labels")
    with pytest.raises(ssc.UserError, match=r"no column 'leiden' \(groupby\); available: bulk"):
        ssc.tl.annotate(adata, groupby="leiden")


def test_types_of_the_annotations_slots(clustered: ad.AnnData) -> None:
    obs = clustered.obs
    for name in ("cell_type_predicted", "cell_type_by_cell"):
        assert isinstance(obs[name].dtype, pd.CategoricalDtype)
        assert obs[f"{name.removesuffix('_predicted')}_score"].dtype == np.float32
    assert "vote_markers" not in obs
    record = clustered.uns["annotation"]
    assert (record["tissue"], record["organism"]) == ("blood", "human")
    assert record["scores"].shape == (6, len(record["cell_types"]))
    table = record["table"]
    predicted = obs["siamese"].astype(str).map(table["cell_type"])
    assert (predicted == obs["cell_type_predicted"].astype(str)).all()
    named = obs["cell_type_predicted"].astype(str) != "Unassigned"
    assert named.mean() > 0.5


def test_markers_can_be_given_and_votes_added(clustered: ad.AnnData) -> None:
    adata = clustered.copy()
    mine = {"bee": ["MS4A1", "CD79A", "CD79B"], "tee": ["CD3D", "CD3E", "IL32"]}
    labels = adata.obs["bulk_labels"].astype(str)
    adata.obs["carried"] = pd.Categorical(np.where(labels == "CD19+ B", "bee", "Unknown"))
    adata.obs["carried_probability"] = np.float32(0.75)
    ssc.tl.annotate(adata, marker_table=mine, transferred="carried", key_added="my")
    assert added(clustered, adata)["obs"] == {
        "carried", "carried_probability",
        "my_predicted", "my_ontology_term_id", "my_score", "my_confidence",
        "my_by_cell", "my_by_cell_score",
        "my_vote_markers", "my_vote_markers_score", "my_vote_reference", "my_vote_reference_score",
    }  # fmt: skip
    assert list(adata.uns["my"]["sources"]) == ["reference", "markers"]
    assert adata.uns["my"]["marker_table"] == "given markers"
    agreed = (labels == "CD19+ B") & (adata.obs["my_vote_markers"] == "bee")
    assert agreed.sum() > 20
    assert (adata.obs.loc[agreed, "my_by_cell"] == "bee").all()
    np.testing.assert_allclose(adata.obs.loc[agreed, "my_by_cell_score"], (0.75 + 1) / 2)
    with pytest.raises(ssc.UserError, match=r"call scsiameseclu\.tl\.transfer_labels first"):
        ssc.tl.annotate(clustered, transferred="absent", copy=True)


def test_labels_are_transferred_in_place() -> None:
    reference, before = ssc.datasets.pbmc("a"), ssc.datasets.pbmc("b")
    truth = before.obs.pop("bulk_labels").astype(str)
    adata, kept = before.copy(), reference.copy()
    ssc.tl.transfer_labels(adata, reference, label="bulk_labels", device="cpu")
    assert slots(reference) == slots(kept)
    assert added(before, adata) == {
        "obs": {
            *("transferred", "transferred_best"),
            *("transferred_probability", "transferred_similarity"),
        },
        "uns": {"transferred"},
    }
    obs = adata.obs
    assert obs["transferred_probability"].dtype == obs["transferred_similarity"].dtype == np.float32
    unsure = obs["transferred_similarity"] < adata.uns["transferred"]["min_similarity"]
    assert (obs.loc[unsure, "transferred"] == "Unknown").all()
    assert adata.uns["transferred"]["n_cells"] == 350
    right = obs["transferred_best"].astype(str) == truth
    assert right.mean() > 0.6
    assert adjusted_rand_score(truth, obs["transferred_best"]) > 0.4


def test_the_trajectory_starts_at_the_root(clustered: ad.AnnData) -> None:
    obs = clustered.obs
    assert obs["pseudotime"].dtype == obs["pseudotime_spread"].dtype == np.float32
    record = clustered.uns["trajectory"]
    assert obs.loc[record["root"], "siamese"] == "0"
    assert obs.loc[record["root"], "pseudotime"] == 0
    assert record["connectivities"].shape == (6, 6)
    assert clustered.obsm["X_diffmap"].dtype == np.float32
    assert obs["pseudotime_spread"].max() > 0  # the parts of the embedding differ
    whole = clustered.copy()
    whole.obsm["X_other"] = whole.obsm["X_siamese"]
    ssc.tl.trajectory(whole, root="cluster=0", use_rep="X_other")
    assert whole.obs["pseudotime_spread"].max() == 0
    assert (whole.obs["pseudotime"] != obs["pseudotime"]).any()


def test_the_parts_of_an_embedding_are_those_of_the_model() -> None:
    from scsiameseclu.tl._trajectory import _parts

    adata = ssc.datasets.pbmc("a")
    model = ssc.ScSiameseClu(5, settings=QUICK, device="cpu").fit(adata)
    parts = _parts(adata, "X_siamese", adata.obsm["X_siamese"])
    assert parts is not None
    expected = model.model_.parts(adata.obsm["X_siamese"])
    assert len(parts) == len(expected) == 3
    for part, other in zip(parts, expected, strict=True):
        np.testing.assert_array_equal(part, other)


@pytest.mark.parametrize(
    ("root", "sentence"),
    [
        ("cluster=9", "names no cluster: '9'; available: 0, 1, 2"),
        ("gene=KITTY", "names no gene"),
        ("week=1", "names no column: 'week'"),
        ("0", "not of the form cluster=NAME"),
    ],
)
def test_roots_that_do_not_exist(clustered: ad.AnnData, root: str, sentence: str) -> None:
    with pytest.raises(ssc.UserError, match=sentence):
        ssc.tl.trajectory(clustered, root=root, copy=True)


@pytest.mark.parametrize("name", ["evidence", "confidence", "stability", "markers"])
def test_plots_draw_on_the_axes_they_are_given(clustered: ad.AnnData, name: str) -> None:
    before = slots(clustered)
    plot = getattr(ssc.pl, name)
    own = plot(clustered)
    assert isinstance(own, Axes)
    given = Figure().add_subplot()
    assert plot(clustered, ax=given) is given
    assert given.get_children()
    given.figure.canvas.draw()
    matplotlib.pyplot.close(own.figure)
    assert slots(clustered) == before
    with pytest.raises(ssc.UserError):
        plot(ssc.datasets.pbmc("a"))


def test_plots_show_the_numbers_of_the_slots(clustered: ad.AnnData) -> None:
    record = clustered.uns["siamese"]
    k, score = ssc.pl.evidence(clustered, ax=Figure().add_subplot()).lines[0].get_data()
    np.testing.assert_array_equal(k, record["evidence"]["k"])
    np.testing.assert_array_equal(score, record["evidence"]["score"])
    bars = ssc.pl.stability(clustered, ax=Figure().add_subplot()).patches
    np.testing.assert_allclose([bar.get_width() for bar in bars], record["stability"])
    spread = ssc.pl.confidence(clustered, ax=Figure().add_subplot())
    means = [line.get_xdata()[0] for line in spread.lines if line.get_marker() == "D"]
    groups = clustered.obs.groupby("siamese", observed=True)["siamese_confidence"]
    np.testing.assert_allclose(means, groups.mean(), rtol=1e-6)


def test_dots_are_shares_of_cells(clustered: ad.AnnData) -> None:
    genes = ["CD79A", "LYZ"]
    axes = ssc.pl.markers(clustered, genes, ax=Figure().add_subplot())
    areas = axes.collections[0].get_sizes().reshape(6, 2)
    dense = clustered[:, genes].to_df().groupby(clustered.obs["siamese"], observed=True)
    np.testing.assert_allclose(areas, AREA * dense.agg(lambda gene: (gene > 0).mean()), rtol=1e-5)
    assert [text.get_text() for text in axes.get_yticklabels()] == genes
    with pytest.raises(ssc.UserError, match="no such genes in adata: NOSUCH"):
        ssc.pl.markers(clustered, ["CD79A", "NOSUCH"])
