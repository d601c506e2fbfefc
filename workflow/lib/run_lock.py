"""A run that was killed leaves Snakemake's lock behind; this tells such a lock from a live one."""

import atexit
import fcntl
import platform
import shutil
from pathlib import Path
from typing import TextIO

_held: list[TextIO] = []


def hold(note: Path) -> None:
    """Say in ``note`` that a run is under way here, for as long as this process lives.

    The operating system releases the file lock at the process's end, however it ends.
    """
    note.parent.mkdir(parents=True, exist_ok=True)
    handle = note.open("w", encoding="utf-8")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # a file system without such locks: Snakemake's own lock has to do
        handle.close()
        note.unlink(missing_ok=True)
        return
    handle.write(platform.node())
    handle.flush()
    _held.append(handle)
    atexit.register(note.unlink, missing_ok=True)


def clear_lock_of_killed_run(note: Path, locks: Path) -> bool:
    """Remove Snakemake's ``locks`` if the run that left them is dead; say whether it was.

    Nothing is removed while that run is alive, or when it ran on another host (a file lock there
    need not be seen here): then Snakemake asks for ``--unlock`` as usual.
    """
    if not note.is_file() or note.read_text(encoding="utf-8") != platform.node():
        return False
    with note.open("r+", encoding="utf-8") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        shutil.rmtree(locks, ignore_errors=True)
        note.unlink()
        return True
