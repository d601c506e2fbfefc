"""One run per output folder, from whatever folder, user or host it is started.

Snakemake locks the files of a run, but the locks are in the folder where it was started.
"""

import atexit
import fcntl
import json
import os
import platform
import threading
import time
from pathlib import Path
from typing import Any, TextIO

NAME = ".running.json"
BEAT_S = 60.0
"""Seconds between two signs of life of a run."""
DEAD_AFTER_S = 600.0
"""Seconds without a sign of life after which a run on another host counts as dead."""

_held: list[TextIO] = []


def claim(outdir: Path) -> str:
    """Claim an output folder for this process until it ends.

    The operating system releases the lock of a process that is killed. On file systems without
    locks, and for runs on other hosts, whose locks may not be visible here, the age of the file
    counts, which a living run renews every minute.

    Returns
    -------
    Why the folder cannot be claimed, one sentence; empty if it is claimed.
    """
    path = outdir / NAME
    try:
        outdir.mkdir(parents=True, exist_ok=True)
        handle = _opened(path)
    except OSError as error:
        return f"folder {outdir} cannot be written ({error.strerror}); correct its permissions"
    locked = _lock(handle)
    other = _content(handle)
    if locked is False or (other and _is_alive(other, path, locked)):
        handle.close()
        who = f" by process {other['process']} on {other['host']}" if other else ""
        return (
            f"folder {outdir} is in use{who}; wait for that run, or choose another outdir. If it "
            f"has ended, remove {path}"
        )
    handle.seek(0)
    handle.truncate()
    json.dump({"host": platform.node(), "process": os.getpid()}, handle)
    handle.flush()
    _held.append(handle)
    atexit.register(_release, path, os.getpid())
    threading.Thread(target=_beat, args=(path,), daemon=True).start()
    return ""


def _release(path: Path, process: int) -> None:
    """Remove the file, unless this is a child of the process that claimed the folder."""
    if os.getpid() == process:
        path.unlink(missing_ok=True)


def _opened(path: Path) -> TextIO:
    """The file, opened without truncating it; again if it is replaced meanwhile."""
    while True:
        handle = path.open("a+", encoding="utf-8")
        try:
            if os.fstat(handle.fileno()).st_ino == path.stat().st_ino:
                return handle
        except FileNotFoundError:
            pass
        handle.close()


def _lock(handle: TextIO) -> bool | None:
    """Whether the file is locked for this process; None on file systems without locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _content(handle: TextIO) -> dict[str, Any]:
    """Host and process in the file; empty if there are none."""
    handle.seek(0)
    try:
        content = json.load(handle)
        return {"host": str(content["host"]), "process": int(content["process"])}
    except (ValueError, KeyError, TypeError):
        return {}


def _is_alive(other: dict[str, Any], path: Path, locked: bool | None) -> bool:
    """Whether the run that wrote the file is alive, as far as this host can see."""
    if other["host"] != platform.node():
        return time.time() - path.stat().st_mtime < DEAD_AFTER_S
    if locked:
        return False  # its lock is gone, and so is its process
    try:
        os.kill(other["process"], 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _beat(path: Path) -> None:
    """Renew the time of the file as long as this process lives."""
    while True:
        time.sleep(BEAT_S)
        try:
            os.utime(path)
        except OSError:
            return
