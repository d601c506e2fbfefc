"""Nearness of neighbours by its definition."""

import numpy as np

from scsiameseclu.graph.nearness import nearness


def test_nearer_cells_have_more() -> None:
    found = nearness(np.array([[1.0, 2, 3], [2, 2, 2], [0, 0, 9]]))
    np.testing.assert_allclose(found[0], np.exp([0, -1, -2]))
    np.testing.assert_array_equal(found[1], 1)
    assert found[2, 0] == found[2, 1] == 1 > found[2, 2]
