"""Time limit for reading an input file, on which a library may not return."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from scsiameseclu.stages.notes import clear_failure, note_failure

MIN_SECONDS, BYTES_PER_SECOND = 600, 1e6
"""Time limit for reading a file: a constant, and the bytes that are read per second at least."""


def reading_limit(files: Iterable[str | Path]) -> float:
    """Seconds after which reading is given up."""
    size = sum(Path(file).stat().st_size for file in files if Path(file).is_file())
    return MIN_SECONDS + size / BYTES_PER_SECOND


@contextmanager
def ended_after(
    seconds: float, *, directory: Path, sample: str, stage: str, reason: str
) -> Iterator[None]:
    """End this process if the block takes longer, even within compiled code that never returns.

    The failure is recorded beforehand, so that the cohort report also has a reason if the block
    crashes the process or the system kills it. After the block, the record is removed.

    Parameters
    ----------
    seconds
        Time limit.
    directory, sample, stage, reason
        The failure; see :func:`scsiameseclu.stages.notes.note_failure`.
    """
    note_failure(directory, sample, stage, reason, must_mend=True)
    # Python's own handlers run between instructions of Python only; the default action always does.
    before = signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        clear_failure(directory, stage)
