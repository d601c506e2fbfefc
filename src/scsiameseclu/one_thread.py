"""Computation with one thread, so that results do not depend on the number of threads.

Sums of floating-point numbers depend on their order, and so do clusters that are nearly equally
good: libraries split a sum by the number of threads.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from threadpoolctl import threadpool_limits


@contextmanager
def one_thread() -> Iterator[None]:
    """Limit BLAS, OpenMP and torch to one thread in a block, or as a decorator in a function."""
    torch = sys.modules.get("torch")
    before = torch.get_num_threads() if torch else 0
    with threadpool_limits(1):
        if torch:
            torch.set_num_threads(1)
        try:
            yield
        finally:
            if torch:
                torch.set_num_threads(before)


def threads_like_this(number: int, name: str) -> ThreadPoolExecutor:
    """Threads whose computations use as many threads each as those of this one.

    Of a new thread, the limits of OpenMP are otherwise those of the environment.
    """
    torch = sys.modules.get("torch")
    each = torch.get_num_threads() if torch else 1

    def limit() -> None:
        threadpool_limits(each)
        if torch:
            torch.set_num_threads(each)

    return ThreadPoolExecutor(number, thread_name_prefix=name, initializer=limit)
