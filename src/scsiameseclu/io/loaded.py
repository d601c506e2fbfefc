"""The common result of all readers, and their error messages."""

from __future__ import annotations

import csv
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
from anndata._io.specs.registry import IORegistryError
from scipy.sparse import csr_matrix

from scsiameseclu.errors import UserError
from scsiameseclu.io.values import Values
from scsiameseclu.limits import MAX_NAMES
from scsiameseclu.run_settings import LimitSettings
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


LIMITS = LimitSettings()
"""The default limits."""


class UnsupportedError(Exception):
    """Valid content that is not read; the message continues "file PATH" and says what to do."""


def list_names(values: Iterable[object]) -> str:
    """Comma-separated names for a message, truncated after ``MAX_NAMES``."""
    names = [str(value) for value in values]
    shown = ", ".join(names[:MAX_NAMES]) or "none"
    return shown if len(names) <= MAX_NAMES else f"{shown} and {len(names) - MAX_NAMES} more"


def repeated_entries(number: int) -> list[str]:
    """A warning on entries of a sparse matrix that repeat a cell and a gene."""
    if not number:
        return []
    return [f"{number} entries repeat a cell and a gene; their counts were added"]


@dataclass(frozen=True)
class Origin:
    """The file or folder that a message refers to, and the limits of what is read from it."""

    path: str
    limits: LimitSettings = LIMITS

    @property
    def where(self) -> str:
        """Start of a message: ``file PATH`` or ``folder PATH``."""
        return f"{'folder' if Path(self.path).is_dir() else 'file'} {self.path}"

    def error(self, what: str) -> UserError:
        """An error whose message starts with the file."""
        return UserError(f"{self.where} {what}")

    def of(self, path: str) -> Origin:
        """Another file with the same limits."""
        return replace(self, path=path)

    def check_size(self, *, cells: int = 0, genes: int = 0, values: int = 0) -> None:
        """Compare the numbers that a file declares with the limits, before it is read.

        Raises
        ------
        UserError
            A number is above its limit.
        """
        for noun, number in {"cells": cells, "genes": genes, "values": values}.items():
            most = getattr(self.limits, f"max_{noun}")
            if number > most:
                raise self.error(
                    f"declares {number:,} {noun}, and at most {most:,} are read; if the file is "
                    f"right, raise config key limits.max_{noun}, otherwise recreate it"
                )

    def check_table(self, *, rows: int, columns: int, values: int = 0) -> None:
        """Compare the size of a table, in which cells may be rows or columns, with the limits.

        Raises
        ------
        UserError
            A number is above its limit.
        """
        most = max(self.limits.max_cells, self.limits.max_genes)
        for noun, number in {"rows": rows, "columns": columns}.items():
            if number > most:
                raise self.error(
                    f"has at least {number:,} {noun}, and at most {most:,} are read; if the file "
                    "is right, raise config key limits.max_cells or limits.max_genes, otherwise "
                    "recreate it"
                )
        self.check_size(values=values)

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
