"""The files that a sample is read from: which they are, and whether they can be read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DEMO = ("demo:a", "demo:b")


def input_files(row: Mapping[str, Any]) -> list[str]:
    """The files of a sample that Snakemake watches: for a 10x folder, the files inside it."""
    files = [row["metadata"]] if "metadata" in row else []
    source = Path(row["path"])
    if row["path"] in DEMO:
        return files
    if not source.is_dir():
        return [row["path"], *files]
    inside = sorted(str(item) for item in source.iterdir() if {".mtx", ".tsv"} & set(item.suffixes))
    return [*(inside or [row["path"]]), *files]


def file_problem(path: str) -> str | None:
    """What is wrong with the path of an input file; None where nothing is."""
    if path in DEMO:
        return None
    if path.startswith("demo:"):
        return f"{path} is not part of the demo data; available: {', '.join(DEMO)}"
    if not os.path.exists(path):  # False, too, where the system refuses the path
        return f"{path} does not exist; paths are absolute or relative to {Path.cwd()}"
    try:
        files = input_files({"path": path})
    except OSError as error:
        return f"{path} cannot be read ({error.strerror})"
    braced = [file for file in files if "{" in file or "}" in file]
    if braced:
        return f"{braced[0]} contains a brace, which Snakemake reads as a wildcard; rename it"
    return None
