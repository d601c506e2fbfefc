"""How a program of a stage ends: exit codes, and reasons for the report.

Exit codes follow ``sysexits.h``, so that a scheduler can tell apart what a user must mend, which no
repetition helps, and what may pass.
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from scsiameseclu.errors import UserError
from scsiameseclu.store.space import FULL, existing, is_full

MUST_MEND, UNEXPECTED, MAY_PASS = os.EX_DATAERR, os.EX_SOFTWARE, os.EX_TEMPFAIL
"""Exit codes: the user must mend the input or a setting; a bug; lack of memory or space and other
states of the machine. A program that a signal ends has 128 plus its number, as in a shell."""
PASSING = (
    *FULL,
    errno.EIO,
    errno.ESTALE,
    errno.ENOMEM,
    errno.EAGAIN,
    errno.ETIMEDOUT,
    errno.EMFILE,
)
"""Errors of the operating system that may not occur again."""
NO_SPACE = ("No space left on device", "Disk quota exceeded", "Not enough free space")
"""Messages of the system and of NumPy in errors without a number."""
NO_MEMORY = ("can't allocate memory", "not enough memory", "CUDA out of memory", "std::bad_alloc")
"""Messages of libraries that raise a RuntimeError in place of a MemoryError."""
CRASHES = (signal.SIGSEGV, signal.SIGBUS, signal.SIGILL, signal.SIGFPE, signal.SIGABRT)


@dataclass(frozen=True)
class Ending:
    """The exit code of a failed stage and the reason, one or more sentences without a period."""

    code: int
    reason: str


def ending_of(error: Exception, stage: str, directory: Path | None, asked_mb: int | None) -> Ending:
    """The ending of a stage that raised an exception.

    Parameters
    ----------
    error
        The exception; its causes count, too.
    stage
        Name of the stage.
    directory
        Folder that the stage writes to.
    asked_mb
        Requested memory in MB, if known.
    """
    causes = list(_chain(error))
    if any(_is_full(cause) for cause in causes):
        return Ending(MAY_PASS, no_space(directory))
    if any(_is_out_of_memory(cause) for cause in causes):
        asked = f" (asked for {asked_mb:,} MB)" if asked_mb else ""
        return Ending(MAY_PASS, f"out of memory in stage {stage}{asked}; ask for more, see its log")
    passing = any(isinstance(c, OSError) and c.errno in PASSING for c in causes)
    if isinstance(error, UserError):
        return Ending(MAY_PASS if passing else MUST_MEND, str(error))
    if not passing and directory is not None and is_full(directory):
        return Ending(MAY_PASS, no_space(directory))  # hidden by a library
    reason = f"unexpected {type(error).__name__} in stage {stage}; see its log for details"
    return Ending(MAY_PASS if passing else UNEXPECTED, reason)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and what it was raised from."""
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _is_full(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in FULL:
        return True
    return not isinstance(error, UserError) and any(text in str(error) for text in NO_SPACE)


def _is_out_of_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in NO_MEMORY)


def no_space(directory: Path | None) -> str:
    """The reason of a stage that found no space, with what is left."""
    if directory is None:
        return "no space left on a device; free some, and run the same command again"
    free = shutil.disk_usage(existing(directory)).free / 1e6
    return (
        f"no space left (or no quota) for {directory}, whose device has {free:,.0f} MB free; free "
        "some, and run the same command again"
    )


def ending_of_signal(
    number: int, stage: str, *, peak_mb: float, asked_mb: int | None, out_of_memory: bool
) -> Ending:
    """The ending of a stage whose process a signal ended.

    Parameters
    ----------
    number
        The signal.
    stage
        Name of the stage.
    peak_mb
        Peak memory of the process in MB.
    asked_mb
        Requested memory in MB, if known.
    out_of_memory
        Whether the kernel counted a process that it killed for lack of memory.
    """
    name = signal.Signals(number).name
    memory = f"used {peak_mb:,.0f} MB" + (f", asked for {asked_mb:,} MB" if asked_mb else "")
    if out_of_memory:
        reason = f"stage {stage} was killed for lack of memory ({memory})"
    elif number == signal.SIGKILL:
        why = "by the system for lack of memory, by a user, or by a batch system"
        if asked_mb and peak_mb < asked_mb / 2:
            why = "by a user, by a batch system, or because others filled the machine's memory"
        reason = f"stage {stage} was killed (SIGKILL; {memory}): {why}"
    elif number in CRASHES:
        reason = f"stage {stage} crashed in compiled code ({name}; {memory}); see its log"
    else:
        reason = f"stage {stage} was stopped by {name} (cancelled, or a time limit)"
    code = UNEXPECTED if number in CRASHES else MAY_PASS
    return Ending(code, reason)


def print_unexpected(error: Exception, code: int) -> None:
    """Print a traceback unless the message says it all."""
    if code == UNEXPECTED or not isinstance(error, UserError | OSError | MemoryError):
        traceback.print_exception(error)
