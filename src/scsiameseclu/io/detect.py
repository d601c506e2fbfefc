"""Detection of file formats, by content for HDF5 and by name for text.

A folder is 10x mtx. The format of an HDF5 file is detected from its root group: 10x
(``matrix/features``, or one group with genes and barcodes per genome), loom (``matrix`` and
``row_attrs``), h5ad (``obs`` and ``var``), or ``X`` with an optional ``Y``, as in deep-clustering
papers. Any other file must be named .csv, .tsv or .txt (.gz, .zip), or .mtx.
"""

from __future__ import annotations

from pathlib import Path

import h5py

from scsiameseclu.io.hdf5_checks import check_declared, check_filters
from scsiameseclu.io.loaded import Origin, list_names
from scsiameseclu.io.locate import is_text, is_zarr, stem
from scsiameseclu.io.request import ReadRequest

EXCEL = (b"\xd0\xcf\x11\xe0", b"PK\x03\x04")
SIGNATURE = b"\x89HDF\r\n\x1a\n"
HDF5_ENDINGS = (".h5", ".hdf5", ".h5ad", ".loom")
HDF5_FORMATS = ("10x_h5", "h5ad", "loom", "xy_h5")
CONVERSIONS = {
    ".rds": "is an R object; in R, write its counts with "
    "DropletUtils::write10xCounts('folder', counts, version='3') and give that folder",
    ".rdata": "is an R workspace; in R, write its counts with "
    "DropletUtils::write10xCounts('folder', counts, version='3') and give that folder",
    ".h5seurat": "is a SeuratDisk file; in R, convert it with "
    "SeuratDisk::Convert('file.h5Seurat', dest='h5ad') and give the h5ad file",
    ".xlsx": "is an Excel workbook, which may change gene names (SEPT2) to dates; export the sheet "
    "as CSV, or better use the original table",
    ".bam": "contains reads, not counts; use the count matrix of the aligner's pipeline",
    ".fastq.gz": "contains reads, not counts; use the count matrix of the aligner's pipeline",
    "quants_mat.gz": "is alevin's binary format; use alevin-fry, or write the counts as h5ad",
}
"""Formats that are not read, by the end of the name, and how to get on."""
SUPPORTED = (
    ".h5, .h5ad, .loom (also .gz), .zarr, .csv, .tsv, .txt, .gct (.gz or .zip), .mtx, or a folder "
    "with a matrix (also .tar)"
)


def detect_format(path: Path, request: ReadRequest, origin: Origin) -> str:
    """Detect the format of ``path``, or check the requested one.

    Raises
    ------
    UserError
        The path does not exist, is empty, or has an unknown format or not the requested one.
    """
    if not path.exists():
        raise origin.error(
            "does not exist; correct column `path` (absolute or relative to the working directory)"
        )
    if is_zarr(path):
        if request.format not in ("auto", "h5ad"):
            raise origin.error(f"is zarr, not {request.format}; correct column `format`")
        return "h5ad"
    if path.is_dir() or stem(path).endswith(".mtx"):
        if request.format not in ("auto", "10x_mtx"):
            raise origin.error(f"is not {request.format}; correct column `format`")
        return "10x_mtx"
    if path.stat().st_size == 0:
        raise origin.error("is empty; recreate or download it again")
    _reject_known(path, origin)
    with path.open("rb") as stream:
        is_hdf5 = stream.read(len(SIGNATURE)) == SIGNATURE
    if not is_hdf5 and (request.format in HDF5_FORMATS or path.suffix.lower() in HDF5_ENDINGS):
        raise origin.error("is not an HDF5 file despite its name; recreate or download it again")
    if request.format == "10x_mtx":
        raise origin.error("is not a 10x mtx folder; correct column `format` or `path`")
    if is_hdf5:
        return _hdf5_format(path, request, origin)
    if request.format == "auto" and not is_text(path):
        raise origin.error(f"has an unknown format; use one of {SUPPORTED}, or set column `format`")
    if request.format != "auto":
        return request.format
    return "csv" if stem(path).endswith(".csv") else "tsv"


def _reject_known(path: Path, origin: Origin) -> None:
    """Reject formats of other programs, and say how to convert them."""
    ending = next((name for name in CONVERSIONS if path.name.lower().endswith(name)), None)
    if path.name.lower().endswith(".xls"):  # often text in spite of the name
        with path.open("rb") as stream:
            ending = ".xlsx" if stream.read(4) in EXCEL else None
    if ending is not None:
        raise origin.error(CONVERSIONS[ending])


def _hdf5_format(path: Path, request: ReadRequest, origin: Origin) -> str:
    if request.format in ("csv", "tsv"):
        raise origin.error(f"is HDF5, not {request.format}; correct column `format`")
    with origin.reading("HDF5"), h5py.File(path, "r") as file:
        detected, members = _root_format(file), sorted(file)
        check_filters(file, origin)
        check_declared(file, origin)
    if detected is None:
        raise origin.error(
            "is HDF5, but not 10x, h5ad, loom or a file with X and Y; "
            f"its root contains: {list_names(members)}"
        )
    if request.format not in ("auto", detected):
        raise origin.error(f"is {detected}, not {request.format}; correct column `format`")
    return detected


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
