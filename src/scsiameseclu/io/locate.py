"""Search for the count matrix below a folder: outs of Cell Ranger, Solo.out, DGE_filtered, ….

Only the standard library is required, since Snakemake may run on hosts without other dependencies.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from scsiameseclu.errors import UserError

MATRIX = (".mtx", ".mtx.gz")
TEXT_ENDINGS = (".csv", ".tsv", ".txt", ".tab", ".xls", ".gct")
PACKED_ENDINGS = (".gz", ".zip")
CELL_RANGER_H5, CELL_RANGER_RAW_H5 = "filtered_feature_bc_matrix.h5", "raw_feature_bc_matrix.h5"
ZARR = (".zgroup", "zarr.json", ".zmetadata")
MAX_DEPTH = 6
MAX_FOLDERS = 2000
RAW = ("raw", "unfiltered")
"""Parts of the names of folders with empty droplets."""
SKIPPED = ("velocyto", "sj", "analysis", "raw_probe_bc_matrix")
"""Folders whose matrices are not counts of genes."""


def is_matrix(name: str) -> bool:
    """Whether a file name is that of a MatrixMarket file."""
    return name.lower().endswith(MATRIX)


def stem(path: Path) -> str:
    """The lower-case name of a file without compression suffixes."""
    name = path.name.lower()
    for ending in PACKED_ENDINGS:
        name = name.removesuffix(ending)
    return name


def is_text(path: Path) -> bool:
    """Whether a file name is that of a text table."""
    return stem(path).endswith(TEXT_ENDINGS)


def is_zarr(path: Path) -> bool:
    """Whether a path is a folder in zarr format."""
    return path.is_dir() and any((path / mark).is_file() for mark in ZARR)


def matrix_below(folder: Path, shown: str = "") -> Path | None:
    """The folder (or Cell Ranger h5) below ``folder`` with the filtered count matrix.

    None if ``folder`` contains a matrix itself, if no matrix is below it, or if its direct
    subfolders are genomes, as in Cell Ranger 1 and 2.

    Parameters
    ----------
    folder
        An existing folder.
    shown
        Path for messages; by default, that of the folder.

    Raises
    ------
    UserError
        Several matrices could be meant.
    """
    if any(is_matrix(file.name) for file in folder.iterdir() if file.is_file()):
        return None
    found = list(_matrices(folder))
    folders = [path for path in found if path.is_dir()]
    if folders and all(path.parent == folder and not _state(path) for path in folders):
        return None  # genomes
    candidates = folders or found
    filtered = [path for path in candidates if "raw" not in _states(path, folder)]
    chosen = filtered or candidates
    if len(chosen) > 1 and len({path.parent for path in chosen}) == 1 and not _state(chosen[0]):
        return chosen[0].parent  # genomes of one filtered matrix
    if len(chosen) > 1:
        listed = ", ".join(str(path.relative_to(folder)) for path in chosen[:20])
        raise UserError(
            f"folder {shown or folder} has {len(chosen)} count matrices ({listed}); "
            "set column `path` to one of them"
        )
    return chosen[0] if chosen else None


def raw_below(folder: Path) -> Path | None:
    """The folder (or Cell Ranger h5) below ``folder`` with the raw matrix of all droplets.

    None if ``folder`` contains a matrix itself, or if no raw matrix is below it.

    Raises
    ------
    UserError
        Several matrices could be meant.
    """
    if any(is_matrix(file.name) for file in folder.iterdir() if file.is_file()):
        return None
    matrices = list(_matrices(folder, CELL_RANGER_RAW_H5))
    raw = [path for path in matrices if "raw" in _states(path, folder)]
    chosen = [path for path in raw if path.is_dir()] or raw
    if len(chosen) > 1 and len({path.parent for path in chosen}) == 1 and not _state(chosen[0]):
        return chosen[0].parent  # genomes
    if len(chosen) > 1:
        listed = ", ".join(str(path.relative_to(folder)) for path in chosen[:20])
        raise UserError(
            f"folder {folder} has {len(chosen)} raw matrices ({listed}); set column `raw` to one "
            "of them"
        )
    return chosen[0] if chosen else None


def _matrices(folder: Path, hdf5: str = CELL_RANGER_H5) -> Iterator[Path]:
    """Folders with a MatrixMarket file, and matrices of Cell Ranger in HDF5."""
    for count, (name, subfolders, files) in enumerate(os.walk(folder)):
        place = Path(name)
        depth = len(place.relative_to(folder).parts)
        subfolders[:] = sorted(
            sub for sub in subfolders if sub.lower() not in SKIPPED and depth < MAX_DEPTH
        )
        if count >= MAX_FOLDERS:
            return
        if any(map(is_matrix, files)):
            yield place
        yield from (place / file for file in sorted(files) if file.endswith(hdf5))


def _states(path: Path, folder: Path) -> set[str]:
    """States named by the folders between ``folder`` and a matrix."""
    return {_state(Path(part)) for part in path.relative_to(folder).parts}


def _state(path: Path) -> str:
    """``"raw"``, ``"filtered"`` or ``""``, by the name of a folder."""
    name = path.name.lower()
    if any(name.startswith(f"{mark}_") or name == mark or f"_{mark}" in name for mark in RAW):
        return "raw"
    return "filtered" if "filtered" in name or name in ("gene", "genefull") else ""
