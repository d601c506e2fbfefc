"""Training and clustering are two steps, which the disk may lie between."""

from dataclasses import replace
from pathlib import Path

import anndata as ad
import numpy as np
import pytest

from scsiameseclu.cluster_number import ClusterNumber
from scsiameseclu.clustering.clusters import Clustering
from scsiameseclu.errors import UserError
from scsiameseclu.model.fitted import FittedModel
from scsiameseclu.model.fitting import Fit, Training, cluster_cells, fit_model, train_networks
from scsiameseclu.model.preparation import Prepared, prepare
from scsiameseclu.model.trained import TrainedNetworks
from scsiameseclu.settings import ExpressionSettings, GraphSettings, ModelSettings
from scsiameseclu.store.files import read_h5ad, sidecar, write_h5ad

SHORT = {"networks": 2, "pretrain_steps": 12, "hidden_size": 32, "max_clusters": 8}
JOINT = {**SHORT, "cluster_steps": 30, "refresh_every": 5, "learning_rate": 0.01}
UNKNOWN = ClusterNumber()


@pytest.fixture(scope="module")
def prepared(demo: ad.AnnData) -> Prepared:
    return prepare(demo.copy(), ExpressionSettings(n_top_genes=200), GraphSettings(), seed=0)


def fit(prepared: Prepared, **options: object) -> Fit:
    settings = ModelSettings(**options)
    return fit_model(prepared, number=UNKNOWN, seed=2, device="cpu", settings=settings)


def train(prepared: Prepared, **options: object) -> Training:
    settings = ModelSettings(**options)
    return train_networks(prepared, number=UNKNOWN, seed=2, device="cpu", settings=settings)


def same(one: Clustering, other: Clustering) -> bool:
    return (
        np.array_equal(one.probability, other.probability)
        and np.array_equal(one.coarse, other.coarse)
        and np.array_equal(one.fine, other.fine)
        and one.summary() == other.summary()
    )


@pytest.mark.parametrize("options", [SHORT, JOINT], ids=["default", "joint training"])
def test_clusters_of_an_embedding_from_disk_are_those_of_a_fit(
    options: dict[str, object], prepared: Prepared, demo: ad.AnnData, tmp_path: Path
) -> None:
    whole = fit(prepared, **options)
    training = train(prepared, **options)
    training.networks.save(tmp_path / "networks")
    cells = sidecar(demo.obs_names, obsm={"X_siamese": training.embedding})
    write_h5ad(cells, tmp_path / "embedding.h5ad")

    networks = TrainedNetworks.load(tmp_path / "networks")
    embedding = read_h5ad(tmp_path / "embedding.h5ad").obsm["X_siamese"]
    clustering = cluster_cells(networks, embedding, UNKNOWN, 2)
    np.testing.assert_array_equal(embedding, whole.embedding)
    assert same(clustering, whole.clustering)

    FittedModel.of(networks, clustering).save(tmp_path / "model")
    loaded = FittedModel.load(tmp_path / "model")
    assert loaded.summary == whole.model.summary
    np.testing.assert_array_equal(loaded.embed(demo), whole.model.embed(demo))
    np.testing.assert_array_equal(
        loaded.probability(embedding), whole.model.probability(whole.embedding)
    )


def test_joint_training_reports_the_search_that_it_started_from(prepared: Prepared) -> None:
    before = fit(prepared, **JOINT | {"cluster_steps": 0})
    found = fit(prepared, **JOINT)
    first = found.model.trained.first_search
    assert first is not None
    assert first.n_clusters == before.clustering.n_clusters
    k = found.clustering.n_clusters
    again = cluster_cells(found.model.trained, found.embedding, ClusterNumber(k, k), 2)
    reported = found.clustering.evidence
    np.testing.assert_array_equal(reported.score, before.clustering.evidence.score)
    assert not np.array_equal(reported.score, again.evidence.score)
    assert str(found.clustering.asked) == "estimated"
    assert again.asked.is_given


def test_as_many_clusters_as_cells_are_refused_by_both_steps(prepared: Prepared) -> None:
    many = ClusterNumber(prepared.n_cells, prepared.n_cells)
    settings = ModelSettings(**SHORT)
    with pytest.raises(UserError, match="ask for fewer clusters"):
        train_networks(prepared, number=many, seed=0, device="cpu", settings=settings)
    training = train(prepared, **SHORT)
    with pytest.raises(UserError, match="ask for fewer clusters"):
        cluster_cells(training.networks, training.embedding, many, 0)


def test_what_a_gpu_trained_is_clustered_where_there_is_none(prepared: Prepared) -> None:
    training = train(prepared, **SHORT)
    here = cluster_cells(training.networks, training.embedding, UNKNOWN, 0)
    elsewhere = replace(training.networks, device="cuda")
    assert same(cluster_cells(elsewhere, training.embedding, UNKNOWN, 0), here)
