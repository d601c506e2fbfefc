"""The map: the same each time, and neighbours of the embedding lie near each other on it."""

import numpy as np
import pytest
from sklearn.manifold import trustworthiness

from scsiameseclu.stages import layout
from scsiameseclu.store.folder import SampleFolder

MIN_TRUST = 0.9  # of 10 neighbours on the map; positions at random have 0.5


@pytest.mark.parametrize("exact_cells", [50_000, 100])
def test_map_from_either_beginning(
    copied: SampleFolder, exact_cells: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layout, "MAX_EXACT_CELLS", exact_cells)
    maps = []
    for _ in range(2):
        layout.run(copied)
        maps.append(copied.read("layout"))
    one, two = maps
    np.testing.assert_array_equal(one.obsm["X_umap"], two.obsm["X_umap"])
    assert one.obs["leiden"].equals(two.obs["leiden"])
    embedding = copied.array("embedding", "obsm/X_siamese")
    assert trustworthiness(embedding, one.obsm["X_umap"], n_neighbors=10) > MIN_TRUST


def test_initial_positions_are_of_umaps_spread() -> None:
    drawn = np.random.default_rng(0).normal(size=(200, 6)).astype(np.float32)
    assert layout.initial_positions(drawn) == "spectral"
    plane = layout.initial_positions(np.tile(drawn, (300, 1)))
    assert isinstance(plane, np.ndarray)
    assert plane.shape == (60_000, 2)
    assert plane.dtype == np.float32
    assert abs(plane).max() == pytest.approx(layout.SPREAD)
