"""Counts pass; everything else is named for what it is."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from scsiameseclu.io.values import describe, value_problems


@pytest.fixture
def matrix() -> np.ndarray:
    rng = np.random.default_rng(1)
    return rng.poisson(rng.gamma(0.5, 5.0, size=80), size=(50, 80)).astype("float64") + np.eye(
        50, 80
    )


def named(values: np.ndarray) -> tuple[str, str]:
    found = describe(csr_matrix(values.astype("float32")))
    return found.kind, "; ".join(value_problems(found))


def per_cell(matrix: np.ndarray, total: float) -> np.ndarray:
    return matrix / matrix.sum(axis=1, keepdims=True) * total


def test_counts_pass(matrix):
    assert named(matrix) == ("counts", "")
    assert named(np.zeros((3, 4))) == ("counts", "")


def test_counts_that_went_through_float32_pass(matrix):
    totals = matrix.sum(axis=1, keepdims=True)
    logged = np.log1p(matrix / totals * 1e4).astype("float32")
    assert named(np.expm1(logged) * totals / 1e4) == ("counts", "")


def test_what_is_not_counts_is_named(matrix):
    sentence = f"log-transformed values, not counts (maximum {np.log1p(matrix.max()):.6g})"
    assert sentence in named(np.log1p(matrix))[1]
    assert named(np.log1p(per_cell(matrix, 1e4)))[0] == "log"
    assert named(matrix - matrix.mean(axis=0))[0] == "scaled"
    assert named(matrix - 1)[0] == "negative"
    assert named(per_cell(matrix, 1e6))[0] == "per_million"
    assert named(per_cell(matrix, 1e4))[0] == "normalised"
    assert "10000" in named(per_cell(matrix, 1e4))[1]
    lengths = np.linspace(0.3, 9.0, matrix.shape[1])
    assert named(per_cell(matrix, 1e6)[:, :60] / lengths[:60])[0] == "fractional"


def test_missing_and_infinite_values_are_counted(matrix):
    matrix[0, :2] = np.nan
    matrix[1, 0] = np.inf
    kind, sentence = named(matrix)
    assert kind == "counts"
    assert "2 missing values (NaN)" in sentence
    assert "1 infinite value" in sentence
    assert not describe(csr_matrix(matrix)).are_counts


@pytest.mark.parametrize("off", [0.4, 0.01])
def test_a_single_fraction_is_found(matrix, off):
    matrix[4, 4] += off
    assert named(matrix)[0] != "counts"


def test_expected_counts_are_not_logarithms() -> None:
    """Both are small, and many values of both are whole."""
    rng = np.random.default_rng(0)
    counts = rng.poisson(1.5, size=(50, 40)).astype("float32")
    shared = counts + rng.choice([0, 0.5, 0.25], size=counts.shape) * (counts > 0)
    assert describe(csr_matrix(shared)).kind == "fractional"
    assert describe(csr_matrix(shared)).can_be_rounded
    for logarithm in (np.log1p, lambda x: np.log2(x + 1), lambda x: np.log10(x + 1)):
        values = describe(csr_matrix(logarithm(counts)))
        assert values.kind == "log"
        assert not values.can_be_rounded
    depth = counts.sum(axis=1, keepdims=True)
    assert describe(csr_matrix(np.log1p(counts / depth * 50))).kind == "log"
