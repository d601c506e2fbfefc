"""Clusters keep the names of those they overlap with; new ones get names never used before."""

import numpy as np
import pandas as pd

from scsiameseclu.cohort.stable_names import stable_names

CELLS = pd.Index([f"a:{n}" for n in range(100)])
LABELS = np.repeat([0, 1, 2, 3], [40, 30, 20, 10])


def test_the_first_names_are_numbers() -> None:
    names, record = stable_names(LABELS, CELLS, 4, None)
    assert names == ["0", "1", "2", "3"]
    assert record.next_number == 4
    assert record.cells["a:95"] == "3"


def test_the_order_of_clusters_does_not_change_their_names() -> None:
    _, record = stable_names(LABELS, CELLS, 4, None)
    order = np.array([2, 0, 3, 1])
    names, again = stable_names(order[LABELS], CELLS, 4, record)
    assert [names[number] for number in order] == ["0", "1", "2", "3"]
    assert again.next_number == 4
    assert (again.cells == record.cells).all()


def test_added_cells_get_the_names_of_their_clusters_and_a_new_cluster_a_new_name() -> None:
    _, record = stable_names(LABELS, CELLS, 4, None)
    cells = CELLS.append(pd.Index([f"b:{n}" for n in range(60)]))
    labels = np.concatenate([LABELS + 1, np.repeat([1, 0], [20, 40])])
    names, again = stable_names(labels, cells, 5, record)
    assert names == ["4", "0", "1", "2", "3"]
    assert again.cells["b:0"] == "0"
    assert again.cells["b:59"] == "4"


def test_of_a_split_cluster_the_larger_part_keeps_the_name() -> None:
    _, record = stable_names(LABELS, CELLS, 4, None)
    labels = LABELS.copy()
    labels[:15] = 4
    assert stable_names(labels, CELLS, 5, record)[0] == ["0", "1", "2", "3", "4"]


def test_a_name_that_was_given_up_is_never_used_again() -> None:
    _, record = stable_names(LABELS, CELLS, 4, None)
    merged = np.minimum(LABELS, 2)  # cluster 3 joins cluster 2
    names, record = stable_names(merged, CELLS, 3, record)
    assert names == ["0", "1", "2"]
    apart = merged.copy()
    apart[:10] = 3
    assert stable_names(apart, CELLS, 4, record)[0] == ["0", "1", "2", "4"]


def test_a_small_overlap_is_not_the_same_cluster() -> None:
    _, record = stable_names(LABELS, CELLS, 4, None)
    mixed = np.arange(100) % 5  # a fifth of each cluster in each
    names, _ = stable_names(mixed, CELLS, 5, record)
    assert set(names).isdisjoint({"0", "1", "2"})
