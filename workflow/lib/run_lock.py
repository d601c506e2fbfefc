"""Detection and removal of Snakemake locks left by killed runs."""

import atexit
import fcntl
import platform
import shutil
from pathlib import Path
from typing import TextIO

_held: list[TextIO] = []


def hold(note: Path) -> None:
    """Lock the file ``note`` while this process is running.

    The operating system releases the lock when the process ends, even if it is killed.
    """
    note.parent.mkdir(parents=True, exist_ok=True)
    handle = note.open("w", encoding="utf-8")
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # file system without file locks: rely on Snakemake's lock
        handle.close()
        note.unlink(missing_ok=True)
        return
    handle.write(platform.node())
    handle.flush()
    _held.append(handle)
    atexit.register(note.unlink, missing_ok=True)


def clear_lock_of_killed_run(note: Path, locks: Path) -> bool:
    """Remove Snakemake's ``locks`` if their run was killed; return whether they were removed.

    Locks are kept if the run is alive, or was on another host, whose file locks may not be visible
    here. Snakemake then requires ``--unlock`` as usual.
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
