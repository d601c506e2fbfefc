"""Opening of AnnData files in HDF5 and of AnnData folders in zarr, which have the same layout."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from scsiameseclu.io.loaded import Origin
from scsiameseclu.io.locate import is_zarr

METADATA = (".zarray", ".zgroup", ".zmetadata", "zarr.json")


@contextmanager
def open_store(path: Path, origin: Origin) -> Iterator[Any]:
    """Open an h5ad file, or a zarr folder, for reading.

    Raises
    ------
    UserError
        A zarr folder uses pickle, which could execute code.
    """
    if not is_zarr(Path(path)):
        with h5py.File(path, "r") as file:
            yield file
        return
    import zarr

    if any('pickle"' in file.read_text("utf-8", "replace") for file in _metadata(path)):
        raise origin.error("contains pickled objects, which are not read; write it with anndata")
    yield zarr.open_group(path, mode="r")


def _metadata(path: Path) -> list[Path]:
    return [file for file in path.rglob("*") if file.name in METADATA]


def files_of(path: Path) -> list[Path]:
    """The file, or all files of a folder, for the checksum of the input."""
    return sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
