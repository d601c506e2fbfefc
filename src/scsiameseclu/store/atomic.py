"""Atomic writing, so that no file is ever incomplete."""

from __future__ import annotations

import csv
import errno
import glob
import gzip
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from scsiameseclu.errors import UserError
from scsiameseclu.store.space import FULL, is_full

if TYPE_CHECKING:
    import pandas as pd


FORMULA = ("=", "+", "@", "\t", "\r")
"""First characters of what spreadsheet programs take for a formula."""
NUMERIC = "biufcM"
"""Kinds of columns that have no text."""


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of ``path``; on success, sync and rename it to ``path``.

    If the process is killed inside the block, ``path`` is unchanged and the temporary file remains
    until ``path`` is next written. Two processes must not write the same path at once.

    Raises
    ------
    OSError
        The device is full, whatever the library that wrote has raised.
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
    except Exception as error:
        # asked here, where the file still takes its space
        named = isinstance(error, UserError) or getattr(error, "errno", None) in FULL
        if named or not is_full(target.parent):
            raise
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(target)) from error
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


def without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """A table with an apostrophe before text that a spreadsheet program would take for a formula.

    These are texts that begin with ``=``, ``+``, ``@``, a tab or a carriage return, such as a label
    of the user's file.
    """
    changed = {
        name: column for name in table.columns if (column := _as_text(table[name])) is not None
    }
    result = table.assign(**changed) if changed else table
    if (index := _as_text(table.index.to_series())) is not None:
        result = result.set_axis(index.to_list(), axis=0)
        result.index.name = table.index.name
    return result


def _as_text(values: pd.Series) -> pd.Series | None:
    """The values with apostrophes; None if none needs one."""
    if values.dtype.kind in NUMERIC:
        return None
    wrong = values.map(lambda value: isinstance(value, str) and value[:1] in FORMULA).astype(bool)
    if not wrong.any():
        return None
    return values.astype(object).where(~wrong, "'" + values.astype(str))


def _has_return(table: pd.DataFrame) -> bool:
    """Whether any text of a table has a carriage return."""
    parts = [table.index.to_series(), *(table[name] for name in table.columns)]
    texts = (part for part in parts if part.dtype.kind not in NUMERIC)
    return any("\r" in value for part in texts for value in part.unique() if isinstance(value, str))


def with_formulas(text: str) -> str:
    """A text of a table as it was before :func:`without_formulas`."""
    return text[1:] if text[:1] == "'" and text[1:2] in FORMULA else text


def write_table(path: str | Path, table: pd.DataFrame, *, index: bool = False) -> None:
    """Write a table as tab-separated text, atomically; floats have six significant digits.

    Text that looks like a formula gets an apostrophe; see :func:`without_formulas`.

    If the name ends in ``.gz``, the text is compressed, without name and time, so that equal tables
    are equal files.
    """
    # Python's csv module does not quote a carriage return, at which readers begin a line.
    quoting: Literal[0, 2] = csv.QUOTE_NONNUMERIC if _has_return(table) else csv.QUOTE_MINIMAL
    text = without_formulas(table).to_csv(
        sep="\t", index=index, float_format="%.6g", na_rep="NA", quoting=quoting
    )
    if not str(path).endswith(".gz"):
        write_text(path, text)
        return
    with atomic_path(path) as temporary:
        temporary.write_bytes(gzip.compress(text.encode("utf-8"), mtime=0))
