"""The input files of a sample, and checks of their paths."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from scsiameseclu.errors import UserError
from scsiameseclu.io.layouts import files_beside
from scsiameseclu.io.locate import is_matrix, is_text, is_zarr, matrix_below, raw_below
from scsiameseclu.io.request import hashtag_table
from scsiameseclu.options import Rule

DEMO = ("demo:a", "demo:b")
NAMES = (
    "genes.csv", "cell_metadata.csv", ".genes.txt", ".names.txt", ".barcodes.txt",
    "quants_mat_cols.txt", "quants_mat_rows.txt",
)  # fmt: skip
"""Files of genes and cells that are not named .tsv."""


def input_files(row: Mapping[str, Any]) -> list[str]:
    """All files that are read for a sample.

    For an mtx file, these include its genes and cells; for a folder, the files inside it.
    """
    files = named_files(row)
    if row["path"] in DEMO:
        return files
    files = files[1:]
    source = Path(row["path"])
    try:
        listed = _files_of(source)
    except OSError:  # no permission, or removed meanwhile; the stage that reads it reports it
        listed = []
    read = [row["path"] if file == source else str(file) for file in listed]
    return [*(read or [row["path"]]), *files]


def named_files(row: Mapping[str, Any]) -> list[str]:
    """The paths of files and folders that a row names for the stage ingest, without demo data."""
    paths = (row["path"], row.get("metadata"), hashtag_table(row.get("hashtags")))
    return [path for path in paths if path and path not in DEMO]


def raw_matrix(raw: str) -> str:
    """The path of a raw matrix of droplets: that below a folder such as ``outs``.

    Raises
    ------
    UserError
        Several matrices could be meant.
    """
    folder = Path(raw)
    below = raw_below(folder) if folder.is_dir() and not is_zarr(folder) else None
    return raw if below is None else str(below)


def raw_files(row: Mapping[str, Any]) -> list[str]:
    """The files of the raw matrix of a sample; none without a raw matrix."""
    raw = row.get("raw")
    if not raw:
        return []
    with suppress(UserError, OSError):  # the stage ambient reports it
        raw = raw_matrix(raw)
    return input_files({"path": raw})


def reads_labels(row: Mapping[str, Any]) -> bool:
    """Whether reading the file of a sample depends on the name of the label column.

    In a text table, the label column is among the columns of counts.
    """
    return is_text(Path(row["path"])) or row.get("format") in ("csv", "tsv")


def _files_of(source: Path) -> list[Path]:
    """The files of a count matrix; empty for a folder without any."""
    if is_zarr(source):
        return sorted(file for file in source.rglob("*") if file.is_file())
    if source.is_dir():
        with suppress(UserError):  # ingest reports it
            source = matrix_below(source) or source
    if not source.is_dir():
        return [source, *files_beside(source)] if is_matrix(source.name) else [source]
    children = sorted(source.iterdir())
    genomes = [sorted(child.iterdir()) for child in children if child.is_dir()]
    return list(filter(_is_part, children)) or [f for g in genomes for f in filter(_is_part, g)]


def _is_part(file: Path) -> bool:
    """Whether the name of a file is that of a matrix, its genes or its cells."""
    name = file.name.removesuffix(".gz")
    return bool({".mtx", ".tsv"} & set(file.suffixes)) or name.endswith(NAMES)


def file_problem(path: str, rule: Rule) -> str | None:
    """The problem with the path of an input file; None if there is none.

    Parameters
    ----------
    path
        The path.
    rule
        Its rule, which says whether it may be a folder or the name of the demo data.
    """
    counts = rule.get("folder", False)
    if counts and path in DEMO:
        return None
    if counts and path.startswith("demo:"):
        return f"{path} is not part of the demo data; available: {', '.join(DEMO)}"
    if not os.path.exists(path):  # also False for paths that the system rejects
        return f"{path} does not exist; paths are absolute or relative to {Path.cwd()}"
    try:
        if os.path.isdir(path):
            if not counts:
                return f"{path} is a folder; specify a file"
            os.listdir(path)
        for file in input_files({"path": path}):
            if os.path.isfile(file):
                open(file, "rb").close()
    except OSError as error:
        return f"{path} cannot be read ({error.strerror}); check its permissions"
    return None
