"""Run a function in a process of its own, with a time limit."""

from __future__ import annotations

import multiprocessing
import resource
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from typing import TypeVar

Result = TypeVar("Result")
BYTES_PER_MB = 1e6


class EndedEarlyError(Exception):
    """The process ended without a result, such as by a crash in compiled code or lack of memory."""


def apart(
    function: Callable[..., Result],
    *arguments: object,
    seconds: float,
    megabytes: float | None = None,
    preload: Sequence[str] = (),
) -> Result:
    """The result of a function, computed in another process.

    Parameters
    ----------
    function, arguments
        A function of a module, and its positional arguments; both are pickled.
    seconds
        The process is killed after this time.
    megabytes
        Memory that it may allocate; beyond it, allocations raise MemoryError in the function.
    preload
        Modules that are imported once for all processes, at the first call.

    Raises
    ------
    TimeoutError
        The time is over.
    EndedEarlyError
        The process ended without a result; an exception has been printed.
    """
    # not fork: threads of the parent do not exist in its child, and some libraries wait for them
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(preload))
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(
        target=_send, args=(sender, function, arguments, megabytes), daemon=True
    )
    process.start()
    sender.close()
    try:
        if not receiver.poll(seconds):
            raise TimeoutError
        result: Result = receiver.recv()
        return result
    except EOFError as error:
        raise EndedEarlyError from error
    finally:
        receiver.close()
        process.kill()
        process.join()


def _send(
    sender: Connection,
    function: Callable[..., object],
    arguments: tuple[object],
    megabytes: float | None,
) -> None:
    if megabytes is not None:
        most = int(megabytes * BYTES_PER_MB)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    sender.send(function(*arguments))
