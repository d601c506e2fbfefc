"""Random gene sets, genes for and against, and the confidence in a type."""

import decoupler as dc
import numpy as np
import pandas as pd
import pytest

from scsiameseclu.annotation.confidence import TERMS, confidence, parameters, terms
from scsiameseclu.annotation.evidence import (
    MAX_GENES,
    compare_with_random,
    for_and_against,
    random_sets,
    set_scores,
)

GENES = 400


def signal_with(markers: np.ndarray, raised: float) -> np.ndarray:
    signal = np.random.default_rng(0).normal(size=GENES)
    signal[markers] += raised
    return signal


def test_scores_are_those_of_decoupler() -> None:
    signal = np.random.default_rng(1).normal(size=(3, GENES))
    sets = np.array([[0, 5, 9, 40], [7, 8, 90, 300]])
    rows = pd.DataFrame(signal, columns=[str(gene) for gene in range(GENES)])
    net = pd.DataFrame(
        [(f"s{i}", str(gene)) for i, genes in enumerate(sets) for gene in genes],
        columns=["source", "target"],
    ).assign(weight=1.0)
    expected, _ = dc.mt.ulm(rows, net, tmin=1)
    for values, row in zip(signal, expected.to_numpy(), strict=True):
        np.testing.assert_allclose(set_scores(values, sets), row, rtol=1e-4)


def test_random_sets_have_distinct_genes_of_similar_expression() -> None:
    expression = np.random.default_rng(2).permutation(GENES).astype(float)
    markers = np.array([3, 50, 51, 200, 399])
    drawn = random_sets(expression, markers, seed=0)
    assert drawn.shape[1] == len(markers)
    assert all(len(set(row)) == len(row) for row in drawn)
    ranks = expression[drawn] - expression[markers]
    assert np.abs(ranks).max() <= 100  # of 400 ranks
    np.testing.assert_array_equal(drawn, random_sets(expression, markers, seed=0))
    assert (drawn != random_sets(expression, markers, seed=1)).any()


def test_markers_stand_out_from_random_sets_and_random_genes_do_not() -> None:
    expression, markers = np.arange(GENES, dtype=float), np.arange(0, 80, 10)
    for raised, beyond in ((3.0, True), (0.0, False)):
        signal = signal_with(markers, raised)
        random = compare_with_random(signal, expression, markers, seed=0)
        score = set_scores(signal, markers[None])[0]
        assert (score > random.limit) == beyond
        assert (random.beyond(score) > 4) == beyond


def test_highly_expressed_sets_are_compared_with_highly_expressed_genes() -> None:
    signal = np.linspace(-2, 2, GENES)  # the more expressed, the higher
    markers = np.arange(390, 398)
    random = compare_with_random(signal, np.arange(GENES, dtype=float), markers, seed=0)
    assert random.mean > 0.7 * set_scores(signal, markers[None])[0]


def test_genes_for_and_against_are_ordered_by_strength() -> None:
    signal = np.array([0.3, -0.1, 2.0, -3.0, 0.1])
    assert for_and_against(signal, list("abcde")) == (["c", "a"], ["d", "b"])
    many = for_and_against(np.ones(20), [str(number) for number in range(20)])
    assert len(many[0]) == MAX_GENES


@pytest.mark.parametrize("term", ["score", "beyond_random", "lead", "share_for", "n_cells"])
def test_confidence_does_not_fall_with_better_evidence(term: str) -> None:
    base = {"score": 6.0, "beyond_random": 4.0, "lead": 2.0, "share_for": 0.5, "n_cells": 90}
    weaker = 10 if term == "n_cells" else 0.1
    values = [confidence(terms(**(base | {term: weaker * factor}))) for factor in (1, 5, 10)]
    assert values == sorted(values)


def test_confidence_of_random_evidence_is_low_and_of_strong_evidence_high() -> None:
    assert set(parameters()) == {"intercept", *TERMS}
    weak = confidence(terms(score=3.1, beyond_random=1.5, lead=0.5, share_for=0.3, n_cells=40))
    strong = confidence(
        terms(score=20.0, beyond_random=20.0, lead=15.0, share_for=1.0, n_cells=400)
    )
    assert 0 <= weak < 0.6
    assert 0.9 < strong <= 1


def test_no_sibling_counts_as_the_largest_lead() -> None:
    without, large = (terms(5.0, 5.0, lead, 0.5, 90) for lead in (np.nan, 1e6))
    np.testing.assert_array_equal(without, large)


def test_large_clusters_are_not_certain_by_their_size() -> None:
    weak = {"score": 3.1, "beyond_random": 1.5, "lead": 0.5, "share_for": 0.1}
    assert confidence(terms(**weak, n_cells=100_000)) == confidence(terms(**weak, n_cells=200))
    assert confidence(terms(**weak, n_cells=100_000)) < 0.6


def test_a_set_of_all_genes_is_drawn_at_once() -> None:
    drawn = random_sets(np.arange(GENES, dtype=float), np.arange(GENES), seed=0)
    assert (np.sort(drawn, axis=1) == np.arange(GENES)).all()
