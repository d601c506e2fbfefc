"""Votes of sources, of cells and of clusters."""

import numpy as np
import pandas as pd
import pytest

from scsiameseclu.annotation.votes import Vote, consensus, not_comparable, vote_of_clusters


def vote(source: str, *names: str, strength: float = 1.0) -> Vote:
    return Vote(source, np.array(names, dtype=object), np.full(len(names), strength))


@pytest.mark.parametrize(
    ("reference", "celltypist", "markers", "answer", "score"),
    [
        ("B cells", "Naive B cells", "B", "Naive B", 1.0),
        ("B cells", "Unknown", "Unassigned", "B cell", 1 / 3),
        ("CD8 T", "NK cells", "NK", "NK", 2 / 3),
        ("CD8 T", "Unknown", "Naive CD4 T", "T cell", 2 / 3),
        ("CD8 T", "NK cells", "B", "Lymphocyte", 1.0),
        ("B", "Unknown", "NK", "Lymphocyte", 2 / 3),
        ("CD8 T", "Monocyte", "Mast", "conflict", 0.0),  # the top of the tree is no agreement
        ("B", "Unknown", "Hepatocyte", "conflict", 0.0),
        ("B", "Unknown", "immune cell", "B cell", 2 / 3),
        ("Unknown", "Unknown", "Unassigned", "Unassigned", 0.0),
        ("my type 7", "NK cells", "B", "my type 7", 1 / 3),
        ("B", "some odd name", "Mast", "conflict", 0.0),
        ("B", "some odd name", "B", "B cell", 2 / 3),
    ],
)
def test_consensus_of_three(
    reference: str, celltypist: str, markers: str, answer: str, score: float
) -> None:
    votes = [vote("markers", markers), vote("reference", reference), vote("celltypist", celltypist)]
    names, scores = consensus(votes)
    assert names.tolist() == [answer]
    assert scores[0] == pytest.approx(score)
    assert consensus(votes[::-1])[0].tolist() == [answer]


def test_one_source_keeps_its_own_names() -> None:
    names, scores = consensus([vote("markers", "B", "Unassigned", "Odd", strength=0.7)])
    assert names.tolist() == ["B", "Unassigned", "Odd"]
    assert scores.tolist() == [0.7, 0.0, 0.7]


def test_scores_are_the_strength_of_those_that_agree() -> None:
    votes = [vote("reference", "B cells", strength=0.6), vote("markers", "B")]
    assert consensus(votes)[1][0] == pytest.approx(0.8)
    against = [vote("reference", "B cells", strength=0.6), vote("markers", "Mast")]
    assert consensus(against)[1][0] == 0


def test_clusters_vote_by_their_cells() -> None:
    clusters = pd.Series(pd.Categorical(list("aaaabbbbccc"), categories=list("abcd")))
    cells = vote(
        "reference",
        *("CD4 T", "CD4 T", "CD4 T", "B cells"),
        *("Naive CD4 T", "Naive CD4 T", "Memory CD4 T", "Memory CD4 T"),
        *("Unknown", "Unknown", "B cells"),
    )
    found = vote_of_clusters(cells, clusters)
    assert found.names.tolist() == ["CD4 T", "CD4 T", "Unknown", "Unknown"]
    assert found.strength.tolist() == [0.75, 1.0, 0.0, 0.0]


def test_order_of_cells_does_not_matter() -> None:
    rng = np.random.default_rng(0)
    names = rng.choice(["B", "B cells", "NK", "CD8 T", "Unknown"], 200).astype(object)
    other = rng.choice(["B", "T cell", "Unassigned"], 200).astype(object)
    order = rng.permutation(200)
    straight = consensus(
        [Vote("reference", names, np.ones(200)), Vote("markers", other, np.ones(200))]
    )
    mixed = consensus(
        [Vote("reference", names[order], np.ones(200)), Vote("markers", other[order], np.ones(200))]
    )
    assert (straight[0][order] == mixed[0]).all()
    assert (straight[1][order] == mixed[1]).all()


def test_names_that_cannot_be_compared_are_told() -> None:
    votes = [vote("reference", "my type 7", "B", "Unknown"), vote("markers", "NK", "B", "B")]
    assert not_comparable(votes) == ["my type 7"]
    assert not_comparable(votes[:1]) == []


def test_votes_of_clusters_are_taken_to_their_cells() -> None:
    names, strength = np.array(["B", "NK", "T cell"], dtype=object), np.array([0.1, 0.2, 0.3])
    found = Vote("markers", names, strength).of(np.array([2, 0, 0]))
    assert found.source == "markers"
    assert found.names.tolist() == ["T cell", "B", "B"]
    assert found.strength.tolist() == [0.3, 0.1, 0.1]


def test_a_cluster_has_the_word_of_its_source_where_there_is_one_only() -> None:
    clusters = pd.Series(pd.Categorical(list("aaabbbccc")))
    names = ["B lymphocytes"] * 3 + ["B", "B cells", "B"] + ["odd", "odd", "NK"]
    found = vote_of_clusters(vote("reference", *names), clusters)
    assert found.names.tolist() == ["B lymphocytes", "B cell", "odd"]
    assert found.strength.tolist() == pytest.approx([1, 1, 2 / 3])
    assert found.source == "reference"


def test_wider_types_of_cells_count_for_half_and_never_above_one() -> None:
    clusters = pd.Series(pd.Categorical(["a"] * 4))
    found = vote_of_clusters(vote("markers", "Naive CD4 T", "CD4 T", "CD4 T", "Unknown"), clusters)
    assert found.names.tolist() == ["CD4 T"]
    assert found.strength.tolist() == [0.75]
    found = vote_of_clusters(vote("markers", "Naive CD4 T", "CD4 T", "CD4 T", "CD4 T"), clusters)
    assert found.names.tolist() == ["Naive CD4 T"]
    assert found.strength.tolist() == [2.5 / 4]


def test_each_source_counts_with_its_own_strength() -> None:
    """Whatever the order in which the sources come."""
    reference = Vote("reference", np.array(["B", "NK"], dtype=object), np.array([0.9, 0.8]))
    markers = Vote("markers", np.array(["B", "B"], dtype=object), np.array([0.5, 0.4]))
    celltypist = Vote("celltypist", np.array(["Odd", "NK"], dtype=object), np.array([0.3, 0.2]))
    for votes in ([reference, markers, celltypist], [celltypist, markers, reference]):
        names, scores = consensus(votes)
        assert names.tolist() == ["B cell", "NK"]
        assert scores.tolist() == pytest.approx([(0.9 + 0.5) / 3, (0.8 + 0.2) / 3])


def test_a_wider_vote_speaks_for_the_consensus_and_another_does_not() -> None:
    votes = [
        vote("reference", "T cell", strength=0.6),
        vote("celltypist", "Naive CD4 T", strength=0.9),
        vote("markers", "CD8 T", strength=0.3),
    ]
    names, scores = consensus(votes)
    assert names.tolist() == ["T cell"]
    assert scores[0] == pytest.approx((0.6 + 0.9 + 0.3) / 3)
    names, scores = consensus([votes[1], vote("reference", "CD4 T", strength=0.6)])
    assert names.tolist() == ["Naive CD4 T"]
    assert scores[0] == pytest.approx((0.6 + 0.9) / 2)
    names, scores = consensus([votes[1], votes[2], vote("reference", "Naive CD4 T", strength=0.5)])
    assert names.tolist() == ["Naive CD4 T"]
    assert scores[0] == pytest.approx((0.9 + 0.5) / 3)
