"""Clusters of doublets are named with their parents; real clusters are not."""

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_matrix, vstack
from soups import TOTAL, profiles

from scsiameseclu.annotation.doublet_clusters import doublet_clusters
from scsiameseclu.preprocess.expression import log_normalise

HIGH, LOW = 0.9, 0.3


def cells(profile: np.ndarray, n_cells: int, total: int, seed: int) -> csr_matrix:
    rng = np.random.default_rng(seed)
    counts = [rng.multinomial(rng.poisson(total), profile / profile.sum()) for _ in range(n_cells)]
    return csr_matrix(np.stack(counts).astype(np.float32))


def named(
    fourth: csr_matrix, score: float, names: tuple[str, ...] = ("a", "b", "c", "d")
) -> dict[str, tuple[str, str]]:
    """The clusters of doublets among three types and a fourth cluster with a doublet score."""
    types = [cells(profile, 100, TOTAL, seed) for seed, profile in enumerate(profiles())]
    counts = vstack([*types, fourth]).tocsr()
    clusters = pd.Series(np.repeat(names, [100, 100, 100, fourth.shape[0]]), dtype="category")
    scores = np.repeat([LOW, score], [300, fourth.shape[0]])
    totals = counts.sum(axis=1).A1
    found = doublet_clusters(log_normalise(counts)[0], clusters, scores, totals)
    return {name: mixture.parents for name, mixture in found.items()}


def doublets(n_cells: int = 60) -> csr_matrix:
    one, other = (cells(profiles()[t], n_cells, TOTAL, seed=10 + t) for t in (0, 2))
    return csr_matrix(one + other)


def test_sums_of_two_types_are_named_with_both() -> None:
    assert named(doublets(), HIGH) == {"d": ("a", "c")}
    assert named(doublets(), HIGH, ("z", "y", "x", "w")) == {"w": ("x", "z")}


@pytest.mark.parametrize(
    ("fourth", "score"),
    [
        pytest.param(doublets(), LOW, id="low doublet scores"),
        pytest.param(doublets(), np.nan, id="no doublet scores"),
        pytest.param(doublets(15), HIGH, id="too few cells"),
        pytest.param(
            cells(profiles()[0] + profiles()[2], 60, TOTAL // 2, 5), HIGH, id="fewer counts"
        ),
        pytest.param(cells(profiles()[0], 60, 2 * TOTAL, 5), HIGH, id="a larger cell of one type"),
    ],
)
def test_what_is_not_named(fourth: csr_matrix, score: float) -> None:
    assert named(fourth, score) == {}


def test_a_type_between_two_others_with_its_own_genes_is_not_named() -> None:
    profile = profiles()[0] + profiles()[2]
    profile[1_000:1_040] = 0.002  # genes of the second type alone
    assert named(cells(profile, 60, 2 * TOTAL, 5), HIGH) == {}
