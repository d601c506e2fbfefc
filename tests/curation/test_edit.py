"""Clusters merged and split: their cells, names and probabilities."""

import numpy as np
import pytest

from scsiameseclu.curation.edit import Clusters, edit, regroup
from scsiameseclu.curation.plan import plan
from scsiameseclu.curation.table import Line
from scsiameseclu.errors import UserError


def three() -> Clusters:
    """Ten cells in clusters of five, three and two, with probabilities that differ by cell."""
    codes = np.repeat([0, 1, 2], [5, 3, 2])
    generator = np.random.default_rng(0)
    probability = generator.dirichlet([1, 1, 1], size=10)
    probability[np.arange(10), codes] += 1
    probability /= probability.sum(axis=1, keepdims=True)
    names = ["0", "1", "2"]
    labels = np.array(names, dtype=object)[codes]
    return Clusters(names, labels, probability.astype(np.float32), np.array([0.9, 0.8, 0.7]))


def halves(name: str, inside: np.ndarray) -> np.ndarray:
    """The first two of a cluster's cells as the smaller part."""
    return (np.arange(inside.sum()) < 2).astype(int)


def test_a_merge_adds_up_cells_and_probabilities() -> None:
    before = three()
    after = edit(before, plan([Line(2, "2", merge_into="1")], before.names), halves)
    assert after.names == ["0", "1"]
    assert after.labels.tolist() == ["0"] * 5 + ["1"] * 5
    assert after.probability[:, 1] == pytest.approx(before.probability[:, 1:].sum(axis=1))
    assert after.probability[:, 0] == pytest.approx(before.probability[:, 0])
    assert after.stability[0] == 0.9
    assert np.isnan(after.stability[1])
    assert dict(after.merged) == {"2": "1"}
    assert after.edited == ["1"]


def test_the_largest_cluster_comes_first_after_a_merge() -> None:
    lines = [Line(2, "1", merge_into="2"), Line(3, "2", cell_type="B cells")]
    after = edit(three(), plan(lines, ["0", "1", "2"]), halves)
    assert after.names == ["0", "2"]
    lines[0] = Line(2, "0", merge_into="2")
    assert edit(three(), plan(lines, ["0", "1", "2"]), halves).names == ["2", "1"]


def test_a_split_gives_parts_numbered_from_one() -> None:
    before = three()
    after = edit(before, plan([Line(2, "0", split=True)], before.names), halves)
    assert after.names == ["0.1", "1", "0.2", "2"]
    assert after.labels[:5].tolist() == ["0.2", "0.2", "0.1", "0.1", "0.1"]
    assert after.probability.sum(axis=1) == pytest.approx(np.ones(10))
    assert after.confidence == pytest.approx(before.confidence)
    # a cell of another cluster shares its probability of the split one by size
    assert after.probability[7, 0] == pytest.approx(before.probability[7, 0] * 3 / 5)
    assert dict(after.split) == {"0.1": "0", "0.2": "0"}
    assert after.stability[1] == 0.8


def test_a_part_can_be_merged_elsewhere_and_a_union_can_be_split() -> None:
    lines = [
        Line(2, "1", merge_into="0"),
        Line(3, "0", split=True),
        Line(4, "0.2", merge_into="2"),
    ]
    after = edit(three(), plan(lines, ["0", "1", "2"]), halves)
    assert after.names == ["0.1", "2"]
    assert after.labels.tolist() == ["2"] * 2 + ["0.1"] * 6 + ["2"] * 2
    assert after.edited == ["0.1", "2"]


def test_a_part_that_did_not_come_about_is_refused() -> None:
    lines = [Line(2, "0", split=True), Line(3, "0.7", cell_type="B cells")]
    with pytest.raises(UserError, match=r"line 3: cluster 0.7 does not exist; .* 0.1, 0.2"):
        edit(three(), plan(lines, ["0", "1", "2"]), halves)


def test_regrouping_into_the_same_clusters_changes_nothing() -> None:
    before = three()
    after = regroup(before, before.names, before.labels)
    assert after.probability == pytest.approx(before.probability, abs=1e-6)
    assert after.stability.tolist() == before.stability.tolist()
