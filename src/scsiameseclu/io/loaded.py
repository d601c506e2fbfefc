"""What every reader returns, and how every reader complains."""

from __future__ import annotations

import csv
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from scipy.sparse import csr_matrix

from scsiameseclu.errors import UserError
from scsiameseclu.io.values import Values
from scsiameseclu.limits import MANY_NAMES
from scsiameseclu.store.files import first_line

# What the libraries beneath raise on corrupt input; everything else is a defect of ours.
CORRUPT = (
    OSError,
    EOFError,
    ValueError,
    KeyError,
    IndexError,
    TypeError,
    AttributeError,
    RuntimeError,
    OverflowError,
    csv.Error,
    zipfile.BadZipFile,
    zlib.error,
)


def list_names(values: Iterable[object]) -> str:
    """Names for a sentence: comma-separated, the first few when there are many."""
    every = [str(value) for value in values]
    shown = ", ".join(every[:MANY_NAMES]) or "none"
    return shown if len(every) <= MANY_NAMES else f"{shown} and {len(every) - MANY_NAMES} more"


@dataclass(frozen=True)
class Origin:
    """The file or folder that a sentence is about."""

    path: str

    @property
    def where(self) -> str:
        """The beginning of a sentence: ``file Y`` or ``folder Y``."""
        return f"{'folder' if Path(self.path).is_dir() else 'file'} {self.path}"

    def error(self, what: str) -> UserError:
        """The error whose sentence begins with the file."""
        return UserError(f"{self.where} {what}")

    @contextmanager
    def reading(self, kind: str) -> Iterator[None]:
        """Turn what the libraries raise on corrupt input into one sentence."""
        try:
            yield
        except CORRUPT as error:
            cause = f"{type(error).__name__}: {first_line(error)}"
            raise self.error(
                f"cannot be read as {kind} ({cause}); it may be truncated or damaged: "
                "make it or download it again"
            ) from error


@dataclass
class Loaded:
    """One file's content, before anything is decided about its cells.

    Attributes
    ----------
    matrix
        (n_cells, n_genes), float32; without entries when ``values`` says that it is not counts.
    obs
        Index: the barcodes as they stand in the file; columns: whatever the file says of cells.
    var
        Index: unique gene names; columns ``gene_id`` and ``gene_symbol``.
    format
        One of the formats of :class:`~scsiameseclu.io.request.ReadRequest`, or ``"demo"``.
    files
        The files whose bytes, in this order, are the input's checksum.
    notes, warnings
        Sentences: what was detected and decided, and what the user should look at.
    values
        What kind of values the matrix holds.
    place
        Which matrix of the file was taken, for sentences; empty when there is only one.
    """

    matrix: csr_matrix
    obs: pd.DataFrame
    var: pd.DataFrame
    format: str
    files: list[Path]
    values: Values
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    place: str = ""
