"""Functions say what to call first if a slot is missing; a second call leaves no rest."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

import scsiameseclu as ssc

QUICK = ssc.ModelSettings(networks=1, pretrain_steps=5, hidden_size=16, latent_size=8)
CLUSTER = r"call scsiameseclu\.tl\.cluster\(adata\)"
MARKERS = r"call scsiameseclu\.tl\.markers\(adata\)"


def run(adata: ad.AnnData, n_clusters: int) -> ad.AnnData:
    ssc.tl.cluster(adata, n_clusters, settings=QUICK, device="cpu")
    ssc.tl.markers(adata)
    ssc.tl.annotate(adata)
    ssc.tl.trajectory(adata)
    return adata


@pytest.fixture(scope="module")
def done() -> ad.AnnData:
    return run(ssc.datasets.pbmc("a"), 4)


@pytest.mark.parametrize(
    ("work", "sentence"),
    [
        (ssc.tl.markers, CLUSTER),
        (ssc.tl.annotate, CLUSTER),
        (ssc.tl.trajectory, CLUSTER),
        (ssc.pl.evidence, CLUSTER),
        (ssc.pl.confidence, CLUSTER),
        (ssc.pl.stability, CLUSTER),
        (ssc.pl.markers, CLUSTER),
        (ssc.get.markers_df, MARKERS),
    ],
)
def test_untouched_cells(work: Callable[..., Any], sentence: str) -> None:
    with pytest.raises(ssc.UserError, match=sentence):
        work(ssc.datasets.pbmc("a"))


@pytest.mark.parametrize("work", [ssc.tl.annotate, ssc.tl.trajectory])
def test_clusters_without_their_embedding(done: ad.AnnData, work: Callable[..., Any]) -> None:
    adata = done.copy()
    del adata.obsm["X_siamese"]
    with pytest.raises(ssc.UserError, match=rf"obsm has no 'X_siamese' \(use_rep\); {CLUSTER}"):
        work(adata)


@pytest.mark.parametrize("slot", ["text", {"params": {}}])
def test_slots_of_other_tools(done: ad.AnnData, slot: Any) -> None:
    adata = done.copy()
    adata.uns["siamese"] = adata.uns["siamese_markers"] = slot
    for work in (ssc.pl.evidence, ssc.pl.stability):
        with pytest.raises(ssc.UserError, match=r"uns\['siamese'\] is not by scsiameseclu.tl.clus"):
            work(adata)
    with pytest.raises(ssc.UserError, match=r"uns\['siamese_markers'\] is not by scsiameseclu"):
        ssc.get.markers_df(adata)


def test_markers_whose_clusters_are_gone(done: ad.AnnData) -> None:
    adata = done.copy()
    del adata.obs["siamese"]
    assert len(ssc.get.markers_df(adata))
    with pytest.raises(ssc.UserError, match=CLUSTER):
        ssc.get.markers_df(adata, "1")


def test_genes_to_draw(done: ad.AnnData) -> None:
    axes = ssc.pl.markers(done, "CD79A", ax=Figure().add_subplot())
    assert [text.get_text() for text in axes.get_yticklabels()] == ["CD79A"]
    strict = done.copy()
    ssc.tl.markers(strict, max_adjusted_p=0)
    for arguments in ({"genes": []}, {"n_genes": 0}, {}):
        adata = done if arguments else strict
        with pytest.raises(ssc.UserError, match="there are no genes to draw"):
            ssc.pl.markers(adata, **arguments)
    twice = done.copy()
    twice.var_names = ["CD79A" if name == "LYZ" else name for name in twice.var_names]
    ssc.pl.markers(twice, ["CD3D"], ax=Figure().add_subplot())
    with pytest.raises(ssc.UserError, match=r"repeated \(1, first: CD79A\)"):
        ssc.pl.markers(twice, ["CD79A"])


def test_values_that_are_checked_first(done: ad.AnnData, tmp_path: Path) -> None:
    adata = done.copy()
    for work in (ssc.pp.quality, ssc.tl.annotate, ssc.tl.trajectory, ssc.tl.cluster):
        with pytest.raises(ssc.UserError, match="random_state is -1; it must be a whole number"):
            work(adata, random_state=-1)
    with pytest.raises(ssc.UserError, match="organism is 'rat'; it must be auto, human or mouse"):
        ssc.tl.annotate(adata, organism="rat")
    with pytest.raises(ssc.UserError, match=r"min_genes is 9 and max_genes is 8; the minimum must"):
        ssc.pp.quality(adata, min_genes=9, max_genes=8)
    (tmp_path / "taken").touch()
    with pytest.raises(ssc.UserError, match=r"cannot be a folder, as .*taken is a file"):
        ssc.tl.cluster(adata, 3, key_added="new", model_dir=tmp_path / "taken" / "model")
    assert "new" not in adata.obs
    adata.obsm["X_siamese"] = adata.obsm["X_pca"][:, :3]
    model = ssc.ScSiameseClu(4, settings=QUICK, device="cpu").fit(done.copy())
    with pytest.raises(ssc.UserError, match="is not of this model, whose embedding has 58 dim"):
        model.recluster(adata, 3)


def test_a_single_cluster_has_a_trajectory(done: ad.AnnData) -> None:
    adata = done.copy()
    adata.obs["one"] = "x"
    ssc.tl.trajectory(adata, groupby="one")
    assert adata.uns["trajectory"]["connectivities"].tolist() == [[0.0]]
    assert adata.obs["pseudotime"].max() == pytest.approx(1)


def test_a_second_call_leaves_nothing_of_the_first(done: ad.AnnData) -> None:
    again, fresh = run(done.copy(), 3), run(ssc.datasets.pbmc("a"), 3)
    pd.testing.assert_frame_equal(again.obs[list(fresh.obs)], fresh.obs)
    for name in ("obs", "obsm", "uns", "var", "obsp", "varm"):
        assert set(getattr(again, name)) == set(getattr(fresh, name))
    for name in fresh.obsm:
        np.testing.assert_array_equal(again.obsm[name], fresh.obsm[name])
    pd.testing.assert_frame_equal(ssc.get.markers_df(again), ssc.get.markers_df(fresh))


@pytest.mark.parametrize("key_added", [None, "mine"])
def test_votes_of_an_earlier_call_are_removed(done: ad.AnnData, key_added: str | None) -> None:
    adata = done.copy()
    adata.obs["carried"] = "B"
    adata.obs["carried_probability"] = np.float32(0.5)
    adata.obs["vote_by_hand"] = "B"
    ssc.tl.annotate(adata, key_added=key_added)
    columns = set(adata.obs)
    ssc.tl.annotate(adata, key_added=key_added, transferred="carried")
    assert len(set(adata.obs) - columns) == 4  # two sources, each with its strength
    ssc.tl.annotate(adata, key_added=key_added)
    assert set(adata.obs) == columns
