"""The order of mini-batches: every cell in turn, resumable, and to be looked ahead at."""

import numpy as np

from scsiameseclu.training.batches import Batches


def test_an_epoch_takes_each_cell_once_and_leaves_the_rest_out() -> None:
    batches = Batches(103, 20, seed=5)
    epochs = [np.concatenate([next(batches) for _ in range(5)]) for _ in range(3)]
    assert all(np.unique(epoch).size == 100 for epoch in epochs)
    assert not np.array_equal(epochs[0], epochs[1])


def test_fewer_cells_than_a_mini_batch_are_all_taken() -> None:
    np.testing.assert_array_equal(next(Batches(7, 20, seed=0)), np.arange(7))


def test_a_resumed_order_continues() -> None:
    whole = Batches(103, 20, seed=5)
    expected = [next(whole) for _ in range(23)]
    for stop in (0, 1, 5, 6, 17):
        first = Batches(103, 20, seed=5)
        for _ in range(stop):
            next(first)
        second = Batches(103, 20, seed=0)
        second.load_state_dict(first.state_dict())
        for batch in expected[stop:]:
            np.testing.assert_array_equal(next(second), batch)


def test_peeking_takes_nothing() -> None:
    batches, others = Batches(50, 16, seed=0), Batches(50, 16, seed=0)
    for _ in range(10):
        coming = batches.peek()
        np.testing.assert_array_equal(coming, batches.peek())
        np.testing.assert_array_equal(coming, next(batches))
        np.testing.assert_array_equal(coming, next(others))
