"""Which format a path holds: told by its content first, by its name only for text.

A folder is 10x mtx. A file that begins with the HDF5 signature is told by what its root holds:
10x (``matrix/features``, or a group of genes and barcodes for each genome), loom (``matrix`` and
``row_attrs``), h5ad (``obs`` and ``var``), or the papers' ``X`` (and ``Y``). Everything else must
be named .csv, .tsv or .txt (.gz, .zip), or .mtx.
"""

from __future__ import annotations

from pathlib import Path

import h5py

from scsiameseclu.io.loaded import Origin, list_names
from scsiameseclu.io.request import ReadRequest

SIGNATURE = b"\x89HDF\r\n\x1a\n"
TEXT_ENDINGS = (".csv", ".tsv", ".txt", ".tab")
PACKED_ENDINGS = (".gz", ".zip")
HDF5_ENDINGS = (".h5", ".hdf5", ".h5ad", ".loom")
HDF5_FORMATS = ("10x_h5", "h5ad", "loom", "xy_h5")
KNOWN = ".h5, .h5ad, .loom, .csv, .tsv, .txt (.gz or .zip), .mtx, or a 10x folder"


def detect_format(path: Path, request: ReadRequest, origin: Origin) -> str:
    """The format of ``path``: the one the user named, else the one its content shows.

    Raises
    ------
    UserError
        The path is missing or empty, or is not of any known format, or not of the one named.
    """
    if not path.exists():
        raise origin.error("does not exist; correct column `path` (relative to where you run)")
    if path.is_dir() or _stem(path).endswith(".mtx"):
        if request.format not in ("auto", "10x_mtx"):
            raise origin.error(f"is no {request.format}; correct column `format`")
        return "10x_mtx"
    if path.stat().st_size == 0:
        raise origin.error("is empty; make it or download it again")
    with path.open("rb") as stream:
        is_hdf5 = stream.read(len(SIGNATURE)) == SIGNATURE
    if not is_hdf5 and (request.format in HDF5_FORMATS or path.suffix.lower() in HDF5_ENDINGS):
        raise origin.error("is not an HDF5 file, though it is named like one; download it again")
    if request.format == "10x_mtx":
        raise origin.error("is no 10x mtx folder; correct column `format` or `path`")
    if is_hdf5:
        return _hdf5_format(path, request, origin)
    if request.format == "auto" and not _stem(path).endswith(TEXT_ENDINGS):
        raise origin.error(f"is of no known format; give one of {KNOWN}, or name column `format`")
    return request.format if request.format != "auto" else "tsv" if _tabs(path) else "csv"


def _stem(path: Path) -> str:
    """The lower-case name without the endings of compression."""
    name = path.name.lower()
    for ending in PACKED_ENDINGS:
        name = name.removesuffix(ending)
    return name


def _tabs(path: Path) -> bool:
    return not _stem(path).endswith(".csv")


def _hdf5_format(path: Path, request: ReadRequest, origin: Origin) -> str:
    if request.format in ("csv", "tsv"):
        raise origin.error(f"is HDF5, not {request.format}; correct column `format`")
    with origin.reading("HDF5"), h5py.File(path, "r") as file:
        found, members = _root_format(file), sorted(file)
    if found is None:
        raise origin.error(
            "is HDF5, but neither 10x, h5ad, loom nor a file with X and Y; "
            f"its root holds: {list_names(members)}"
        )
    if request.format not in ("auto", found):
        raise origin.error(f"is {found}, not {request.format}; correct column `format`")
    return found


def _root_format(file: h5py.File) -> str | None:
    matrix = file.get("matrix")
    if isinstance(matrix, h5py.Dataset) and "row_attrs" in file:
        return "loom"
    if isinstance(matrix, h5py.Group) and "barcodes" in matrix:
        return "10x_h5"
    if "obs" in file and "var" in file:
        return "h5ad"
    if any("barcodes" in group for group in file.values() if isinstance(group, h5py.Group)):
        return "10x_h5"
    return "xy_h5" if isinstance(file.get("X"), h5py.Dataset) else None
