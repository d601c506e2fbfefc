"""Weights of the kNN graph against their definition."""

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.optimize import brentq
from sklearn.neighbors import kneighbors_graph

from scsiameseclu.graph import fuzzy_graph as module
from scsiameseclu.graph.fuzzy_graph import fuzzy_graph

N_OTHERS = 9


def distances_of(scale: float) -> sp.csr_matrix:
    """Distances to the nine nearest others of 80 points, whose density differs."""
    rng = np.random.default_rng(0)
    points = np.vstack([rng.normal(size=(40, 5)), rng.normal(3, 0.1, size=(40, 5))])
    return kneighbors_graph(scale * points, N_OTHERS, mode="distance")


def by_definition(distances: sp.csr_matrix) -> np.ndarray:
    """The weights before the union, (n_cells, n_cells), with widths by another root finder."""
    weights = np.zeros(distances.shape)
    for cell in range(distances.shape[0]):
        row = distances[cell]
        beyond = row.data - row.data.min()

        def excess(width: float, beyond: np.ndarray = beyond) -> float:
            return float(np.exp(-beyond / width).sum() - np.log2(N_OTHERS + 1))

        weights[cell, row.indices] = np.exp(-beyond / brentq(excess, 1e-6, 1e6, xtol=1e-12))
    return weights


@pytest.mark.parametrize("scale", [0.01, 1.0, 100.0])
def test_weights_are_those_of_the_definition_at_any_scale(scale: float) -> None:
    distances = distances_of(scale)
    one_way = by_definition(distances)
    expected = one_way + one_way.T - one_way * one_way.T
    found = fuzzy_graph(distances)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.toarray(), expected, atol=2e-5)
    assert 0.05 < (found.data < 0.9).mean() < 0.95


def test_the_graph_is_symmetric_and_the_distances_stay() -> None:
    distances = distances_of(1.0)
    before = distances.copy()
    found = fuzzy_graph(distances)
    assert abs(found - found.T).max() == 0
    assert found.diagonal().max() == 0
    assert (before != distances).nnz == 0


def test_duplicates_have_full_weight_and_do_not_set_the_scale() -> None:
    distances = distances_of(1.0)
    rows = distances.data.reshape(80, N_OTHERS)
    nearest = rows[5].argmin()
    rows[5, nearest] = 0  # a duplicate; the next one is the nearest now
    found = fuzzy_graph(distances)
    twin = distances.indices.reshape(80, N_OTHERS)[5, nearest]
    assert found[5, twin] == pytest.approx(1)
    second = distances.indices.reshape(80, N_OTHERS)[5, np.argsort(rows[5])[1]]
    assert found[5, second] == pytest.approx(1)
    assert found[5].data.min() < 0.9


def test_cells_that_are_all_alike() -> None:
    distances = distances_of(1.0)
    distances.data[:] = 0
    assert (fuzzy_graph(distances).data == 1).all()


def test_blocks_of_rows_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    distances = distances_of(10.0)
    whole = fuzzy_graph(distances)
    monkeypatch.setattr(module, "ROWS_AT_ONCE", 7)
    assert (fuzzy_graph(distances) != whole).nnz == 0
