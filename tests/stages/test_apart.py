"""A function in another process: its result, its time limit, and its crash."""

import os
import time

import pytest
from patience import PATIENCE_S

from scsiameseclu.stages.apart import EndedEarlyError, apart


def test_the_result_comes_from_another_process() -> None:
    assert apart(os.getppid, seconds=60) != os.getppid()
    assert apart(divmod, 17, 5, seconds=60) == (3, 2)


def test_a_function_that_does_not_end_is_killed() -> None:
    started = time.monotonic()
    with pytest.raises(TimeoutError):
        apart(time.sleep, 2 * PATIENCE_S, seconds=0.5)
    assert time.monotonic() - started < PATIENCE_S


@pytest.mark.parametrize(("function", "argument"), [(os._exit, 0), (os._exit, 9), (int, "x")])
def test_a_process_that_ends_without_a_result(function: type, argument: object) -> None:
    with pytest.raises(EndedEarlyError):
        apart(function, argument, seconds=60)
