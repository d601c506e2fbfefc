"""The common result of all readers, and their error messages."""

from __future__ import annotations

import csv
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from anndata._io.specs.registry import IORegistryError
from scipy.sparse import csr_matrix

from scsiameseclu.errors import UserError
from scsiameseclu.io.values import Values
from scsiameseclu.limits import MAX_NAMES
from scsiameseclu.store.files import first_line

# Raised by the underlying libraries on corrupt input; any other exception is a bug here.
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
    MemoryError,
    AssertionError,
    IORegistryError,
    struct.error,
    csv.Error,
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
)


class UnsupportedError(Exception):
    """Valid content that is not read; the message continues "file PATH" and says what to do."""


def list_names(values: Iterable[object]) -> str:
    """Comma-separated names for a message, truncated after ``MAX_NAMES``."""
    names = [str(value) for value in values]
    shown = ", ".join(names[:MAX_NAMES]) or "none"
    return shown if len(names) <= MAX_NAMES else f"{shown} and {len(names) - MAX_NAMES} more"


@dataclass(frozen=True)
class Origin:
    """The file or folder that a message refers to."""

    path: str

    @property
    def where(self) -> str:
        """Start of a message: ``file PATH`` or ``folder PATH``."""
        return f"{'folder' if Path(self.path).is_dir() else 'file'} {self.path}"

    def error(self, what: str) -> UserError:
        """An error whose message starts with the file."""
        return UserError(f"{self.where} {what}")

    @contextmanager
    def reading(self, kind: str) -> Iterator[None]:
        """Convert exceptions raised on corrupt or unsupported input into user errors."""
        try:
            yield
        except UnsupportedError as error:
            raise self.error(str(error)) from error
        except CORRUPT as error:
            cause = f"{type(error).__name__}: {first_line(error)}"
            raise self.error(
                f"cannot be read as {kind} ({cause}); it may be truncated or damaged: "
                "recreate or download it again"
            ) from error


@dataclass(frozen=True)
class Features:
    """Features other than genes: counts (n_cells, n_features), names and ids, (n_features,)."""

    matrix: csr_matrix
    names: list[str]
    ids: list[str]

    @classmethod
    def besides(
        cls, kept: np.ndarray, matrix: csr_matrix, names: list[str], ids: list[str]
    ) -> Features | None:
        """The features that are not kept, given a mask (n_features,); None if there are none."""
        places = np.flatnonzero(~kept).tolist()
        if not places:
            return None
        return cls(matrix[:, places], [names[i] for i in places], [ids[i] for i in places])


@dataclass
class Loaded:
    """Content of one file, before cells are selected.

    Attributes
    ----------
    matrix
        (n_cells, n_genes), float32; may be incomplete or empty if ``values`` are not counts.
    obs
        Cell metadata of the file, indexed by its barcodes.
    var
        Index: unique gene names; columns ``gene_id`` and ``gene_symbol``.
    format
        One of the formats of :class:`~scsiameseclu.io.request.ReadRequest`, or ``"demo"``.
    files
        The files over which the checksum of the input is computed, in this order.
    notes, warnings
        Messages on what was detected, and on what the user should check.
    values
        Summary of the values in the matrix.
    place
        The requested matrix, for messages (``"layer counts of"``); empty if none was requested.
    features
        Features other than genes, if hashtags are to be chosen from them.
    hashtags
        Counts of the requested hashtags, (n_cells, n_hashtags), by position.
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
    features: Features | None = None
    hashtags: pd.DataFrame | None = None
