"""Reading of compressed files up to a limit of their unpacked size."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from scsiameseclu.io.loaded import UnsupportedError
from scsiameseclu.run_settings import LimitSettings

BYTES_PER_GB = 1e9
MAX_LINE_BYTES = 1 << 31
"""Length of a line above which a file is no table; 100 million cells with names are shorter."""
BUFFER = 1 << 20


class BoundedReader(io.RawIOBase):
    """The bytes of a stream, up to a number of bytes and a length of lines.

    Parameters
    ----------
    stream
        A binary stream.
    limits
        The limit of the unpacked size.

    Raises
    ------
    UnsupportedError
        While reading: the stream is longer, or has a longer line.
    """

    def __init__(self, stream: IO[bytes], limits: LimitSettings) -> None:
        self.stream, self.limits = stream, limits
        self.left = int(limits.max_unpacked_gb * BYTES_PER_GB)
        self.line = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        block = self.stream.read(len(buffer))
        buffer[: len(block)] = block
        self.left -= len(block)
        if self.left < 0:
            raise UnsupportedError(too_large(self.limits))
        end = block.rfind(b"\n")
        self.line = self.line + len(block) if end < 0 else len(block) - end - 1
        if self.line > MAX_LINE_BYTES:
            raise UnsupportedError(
                f"has a line of more than {MAX_LINE_BYTES / BYTES_PER_GB:.1f} GB, so that it is no "
                "table; recreate or download it again"
            )
        return len(block)


def too_large(limits: LimitSettings) -> str:
    """What is wrong with a file that unpacks to more than the limit, to follow its name."""
    return (
        f"unpacks to more than {limits.max_unpacked_gb:g} GB; if the file is right, raise config "
        "key limits.max_unpacked_gb, otherwise recreate it"
    )


def bounded(stream: IO[bytes], limits: LimitSettings) -> BinaryIO:
    """A buffered stream of which no more than the limit is read."""
    return cast(BinaryIO, io.BufferedReader(BoundedReader(stream, limits), BUFFER))


@contextmanager
def open_bounded(file: Path, limits: LimitSettings) -> Iterator[io.TextIOWrapper]:
    """Open a plain or gzipped text file, by its name."""
    with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as stream:
        yield io.TextIOWrapper(bounded(cast(IO[bytes], stream), limits), encoding="utf-8")
