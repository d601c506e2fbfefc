"""The map: the same each time, and neighbours of the embedding lie near each other on it."""

from pathlib import Path

import anndata as ad
import numpy as np
import pytest
from sklearn.manifold import trustworthiness

from scsiameseclu.stages import layout as stage

MIN_TRUST = 0.9  # of 10 neighbours on the map; positions at random have 0.5


@pytest.mark.parametrize("exact_cells", [50_000, 100])
def test_map_from_either_beginning(
    clustered: Path, tmp_path: Path, exact_cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "EXACT_CELLS", exact_cells)
    found = []
    for name in ("one", "two"):
        output = tmp_path / f"{name}.h5ad"
        stage.layout(clustered / "graph.h5ad", clustered / "embedding.h5ad", output, seed=0)
        found.append(ad.read_h5ad(output))
    one, two = found
    np.testing.assert_array_equal(one.obsm["X_umap"], two.obsm["X_umap"])
    assert one.obs["leiden"].equals(two.obs["leiden"])
    embedding = ad.read_h5ad(clustered / "embedding.h5ad").obsm["X_siamese"]
    assert trustworthiness(embedding, one.obsm["X_umap"], n_neighbors=10) > MIN_TRUST


def test_first_positions_are_of_umaps_spread() -> None:
    drawn = np.random.default_rng(0).normal(size=(200, 6)).astype(np.float32)
    assert stage.first_positions(drawn) == "spectral"
    plane = stage.first_positions(np.tile(drawn, (300, 1)))
    assert isinstance(plane, np.ndarray)
    assert plane.shape == (60_000, 2)
    assert plane.dtype == np.float32
    assert abs(plane).max() == pytest.approx(stage.SPREAD)
