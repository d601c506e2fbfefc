"""Results do not depend on the number of threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from estimators import estimator
from threadpoolctl import threadpool_info

from scsiameseclu import datasets
from scsiameseclu.one_thread import one_thread

Setter = Callable[[int], None]


@pytest.fixture
def threads() -> Iterator[Setter]:
    """The function that sets the number of threads, which is restored afterwards."""
    before = torch.get_num_threads()
    yield torch.set_num_threads
    torch.set_num_threads(before)


def test_a_block_has_one_thread_and_restores_the_number(threads: Setter) -> None:
    threads(3)

    @one_thread()
    def numbers() -> set[int]:
        return {torch.get_num_threads(), *(pool["num_threads"] for pool in threadpool_info())}

    assert numbers() == {1}
    with pytest.raises(ZeroDivisionError), one_thread():
        _ = 1 / 0
    assert torch.get_num_threads() == 3


def embeddings(threads: Setter) -> list[np.ndarray]:
    found = []
    for number in (1, 3):
        threads(number)
        cells = datasets.pbmc("a")
        estimator(6, networks=1, pretrain_steps=15).fit(cells)
        found.append(cells.obsm["X_siamese"])
    return found


def test_a_fit_is_the_same_with_any_number_of_threads(
    threads: Setter, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, three = embeddings(threads)
    np.testing.assert_array_equal(one, three)
    monkeypatch.setattr("scsiameseclu.model.fitting.steady", lambda device: nullcontext())
    one, three = embeddings(threads)
    assert (one != three).any()  # so that the test would notice
