"""Whether a device is full: libraries that write may hide it behind an error of their own."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

FULL = (errno.ENOSPC, errno.EDQUOT)
"""Errors of the operating system for a full device and a used quota."""
ROOM_BYTES = 8 * 2**20
"""A device that cannot take this many bytes is full: libraries write blocks of up to a few MB."""


def existing(directory: Path) -> Path:
    """The folder, or its nearest parent that exists."""
    places = (directory, *directory.resolve().parents)
    return next(place for place in places if place.exists())


def is_full(directory: Path) -> bool:
    """Whether a file of 8 MB has no room in a folder, by writing one that has no name.

    Free bytes do not tell: a quota may be used up while the device has space.
    """
    try:
        with tempfile.TemporaryFile(dir=existing(directory)) as probe:
            probe.write(os.urandom(ROOM_BYTES))  # zeros may take no space
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as error:
        return error.errno in FULL
    return False
