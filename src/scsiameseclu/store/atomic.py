"""Atomic writing, so that no file is ever incomplete."""

from __future__ import annotations

import glob
import gzip
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of ``path``; on success, sync and rename it to ``path``.

    If the process is killed inside the block, ``path`` is unchanged and the temporary file remains
    until ``path`` is next written. Two processes must not write the same path at once.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    for stale in target.parent.glob(f".{glob.escape(target.name)}.{8 * '?'}.tmp"):
        stale.unlink(missing_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".tmp", dir=target.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as written:
            os.fsync(written.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current


def write_text(path: str | Path, text: str) -> None:
    """Write ``text`` as UTF-8, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, content: Any, *, sort_keys: bool = True) -> None:
    """Write ``content`` as indented JSON, atomically; keys are sorted or in insertion order."""
    write_text(path, json.dumps(content, indent=2, sort_keys=sort_keys, allow_nan=False) + "\n")


def write_table(path: str | Path, table: pd.DataFrame, *, index: bool = False) -> None:
    """Write a table as tab-separated text, atomically; floats have six significant digits.

    If the name ends in ``.gz``, the text is compressed, without name and time, so that equal tables
    are equal files.
    """
    text = table.to_csv(sep="\t", index=index, float_format="%.6g", na_rep="NA")
    if not str(path).endswith(".gz"):
        write_text(path, text)
        return
    with atomic_path(path) as temporary:
        temporary.write_bytes(gzip.compress(text.encode("utf-8"), mtime=0))
