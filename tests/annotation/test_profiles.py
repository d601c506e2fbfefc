"""Groups of alike cells."""

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from scsiameseclu.annotation import profiles
from scsiameseclu.annotation.profiles import similar_groups


@pytest.mark.parametrize(
    ("n_cells", "n_groups"), [(1, 1), (19, 1), (25, 2), (300, 20), (3_000, 40), (20_000, 200)]
)
def test_number_of_groups(n_cells: int, n_groups: int) -> None:
    embedding = np.random.default_rng(0).normal(size=(n_cells, 3))
    groups = similar_groups(embedding, 75, seed=0)
    assert len(groups) == n_cells
    assert groups.notna().all()
    assert len(groups.cat.categories) == n_groups


def test_groups_hold_alike_cells(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also those of cells that were not among the fitted ones."""
    rng = np.random.default_rng(0)
    of = np.repeat(np.arange(4), 500)
    embedding = 20 * np.eye(4)[of] + rng.normal(size=(2_000, 4))
    whole = similar_groups(embedding, 500, seed=0)
    monkeypatch.setattr(profiles, "MAX_FITTED", 300)
    parts = similar_groups(embedding, 500, seed=0)
    for groups in (whole, parts):
        kinds = [np.unique(of[groups == name]).size for name in groups.cat.categories]
        assert kinds == [1] * 20
    assert adjusted_rand_score(whole, similar_groups(embedding, 500, seed=1)) > 0
