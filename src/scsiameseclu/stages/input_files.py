"""The input files of a sample, and checks of their paths."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DEMO = ("demo:a", "demo:b")


def input_files(row: Mapping[str, Any]) -> list[str]:
    """The input files for Snakemake; for a 10x folder, the files inside it."""
    files = [row["metadata"]] if "metadata" in row else []
    source = Path(row["path"])
    if row["path"] in DEMO:
        return files
    if not source.is_dir():
        return [row["path"], *files]
    inside = sorted(str(item) for item in source.iterdir() if {".mtx", ".tsv"} & set(item.suffixes))
    return [*(inside or [row["path"]]), *files]


def file_problem(path: str) -> str | None:
    """The problem with the path of an input file; None if there is none."""
    if path in DEMO:
        return None
    if path.startswith("demo:"):
        return f"{path} is not part of the demo data; available: {', '.join(DEMO)}"
    if not os.path.exists(path):  # also False for paths that the system rejects
        return f"{path} does not exist; paths are absolute or relative to {Path.cwd()}"
    try:
        files = input_files({"path": path})
    except OSError as error:
        return f"{path} cannot be read ({error.strerror}); check its permissions"
    braced = [file for file in files if "{" in file or "}" in file]
    if braced:
        return f"{braced[0]} contains a brace, which Snakemake reads as a wildcard; rename it"
    return None
