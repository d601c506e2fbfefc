"""The map: the same each time, and neighbours of the embedding are neighbours on it."""

import numpy as np
import pytest
from sklearn.manifold import trustworthiness

from scsiameseclu.preprocess import layout as maps
from scsiameseclu.stages import layout
from scsiameseclu.store.folder import SampleFolder

MIN_TRUST = 0.9  # of 10 neighbours on the map; positions at random have 0.5


@pytest.mark.parametrize("max_mapped", [50_000, 150])
def test_map_of_all_cells_and_of_a_sample(
    copied: SampleFolder, max_mapped: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maps, "MAX_MAPPED", max_mapped)
    written = []
    for _ in range(2):
        layout.run(copied)
        written.append(copied.read("layout"))
    one, two = written
    np.testing.assert_array_equal(one.obsm["X_umap"], two.obsm["X_umap"])
    assert one.obsm["X_umap"].dtype == np.float32
    assert one.obs["leiden"].equals(two.obs["leiden"])
    embedding = copied.array("embedding", "obsm/X_siamese")
    assert trustworthiness(embedding, one.obsm["X_umap"], n_neighbors=10) > MIN_TRUST
