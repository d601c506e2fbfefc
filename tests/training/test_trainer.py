"""What training computes in advance, it needs; what it leaves out, nothing sees."""

import anndata as ad
import numpy as np
import pytest
from estimators import estimator

from scsiameseclu.settings import ModelSettings

SHORT = {"networks": 1, "pretrain_steps": 8, "n_top_genes": 200, "hidden_size": 32}


def embedding(adata: ad.AnnData, **options: object) -> np.ndarray:
    adata = adata.copy()
    estimator(4, **SHORT | options).fit(adata)
    return np.asarray(adata.obsm["X_siamese"])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"propagate_latent": True},
        {"cluster_steps": 4},
        {"propagation": 0.3},
        {"graph_reconstruction": 1.0},
        {"cluster_steps": 4, "propagate_latent": True},
    ],
)
def test_latents_of_neighbours_are_encoded_first_where_training_sees_them(
    options: dict[str, object], demo: ad.AnnData, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = embedding(demo, **options)
    sees = ModelSettings(**options).looks_at_neighbours
    monkeypatch.setattr(ModelSettings, "looks_at_neighbours", not sees)
    assert np.array_equal(given, embedding(demo, **options)) == (not sees)


@pytest.mark.parametrize("options", [{}, {"cluster_steps": 4}, {"latent_refinement": 1.0}])
def test_groups_are_made_where_training_averages_over_them(
    options: dict[str, object], demo: ad.AnnData, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = embedding(demo, **options)
    reads = ModelSettings(**options).reads_groups
    monkeypatch.setattr(ModelSettings, "reads_groups", not reads)
    assert np.array_equal(given, embedding(demo, **options)) == (not reads)
