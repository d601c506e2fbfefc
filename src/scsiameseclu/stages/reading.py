"""Reading of input files by another process, with limits of time and memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from scsiameseclu.errors import UserError
from scsiameseclu.stages.apart import BYTES_PER_MB, EndedEarlyError, apart
from scsiameseclu.stages.resources import Size, request
from scsiameseclu.stages.time_limit import reading_limit

Result = TypeVar("Result")
MIN_MB, MEMORY_FACTOR = 4000, 4
"""Memory for reading: a minimum, and a multiple of what the stage ingest would request."""
PRELOAD = ("scsiameseclu.io.sample",)


class StoppedError(UserError):
    """Reading was stopped by the limit of time, or its process ended."""


def read_apart(
    function: Callable[..., Result],
    *arguments: object,
    files: Sequence[str],
    where: str,
    preload: Sequence[str] = PRELOAD,
) -> Result:
    """The result of a function that reads files, computed by another process.

    A damaged file may end that process or keep it busy without end.

    Parameters
    ----------
    function, arguments, preload
        See :func:`scsiameseclu.stages.apart.apart`.
    files
        The files, from whose sizes the limits follow.
    where
        Sample and path, for the message.

    Raises
    ------
    StoppedError
        The time is over, or the process ended.
    """
    seconds = reading_limit(files)
    try:
        return apart(
            function, *arguments, seconds=seconds, megabytes=memory_limit(files), preload=preload
        )
    except TimeoutError as error:
        raise StoppedError(
            f"{where} could not be read in {seconds / 60:.0f} minutes; check the file"
        ) from error
    except EndedEarlyError as error:
        raise StoppedError(
            f"{where} cannot be read (the process that read it was killed, by damage of the file "
            "or for lack of memory); check the file"
        ) from error


def memory_limit(files: Sequence[str]) -> float:
    """Memory in MB for reading: several times the predicted one, at most what is available."""
    expected = request("ingest", Size.of_files(Path(file) for file in files)).mem_mb
    return min(max(MIN_MB, MEMORY_FACTOR * expected), _available_mb())


def _available_mb() -> float:
    """Available memory of the machine in MB."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        kilobytes = next(int(line.split()[1]) for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / BYTES_PER_MB
    return kilobytes * 1024 / BYTES_PER_MB
