"""The number of values that HDF5 files declare, read by another process.

A damaged file can keep the HDF5 library busy without end, or end the process: neither may stop
Snakemake, and with it the other samples.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

SECONDS, SECONDS_PER_FILE = 20.0, 1.0
"""Time limit for some files."""
SOURCE = Path(__file__).resolve().parents[2]
Key = tuple[str, int, int]
_known: dict[Key, int] = {}


def declared_values(files: Sequence[Path]) -> list[int]:
    """Number of values of the largest numeric dataset of each file; 0 if it is not known."""
    keys = [_key(file) for file in files]
    pending = [key for key in dict.fromkeys(keys) if key not in _known]
    while pending:
        answers = _ask([path for path, *_ in pending])
        _known.update(zip(pending, answers, strict=False))
        pending = pending[len(answers) :]
        if pending:  # the process ended, or was ended, within this file
            _known[pending.pop(0)] = 0
    return [_known[key] for key in keys]


def _key(file: Path) -> Key:
    """The path of a file with its size and time, so that another content is read again."""
    try:
        state = file.stat()
    except OSError:
        return str(file), 0, 0
    return str(file), state.st_size, state.st_mtime_ns


def _ask(paths: list[str]) -> list[int]:
    """Numbers of values of the first files, up to one that ends the process or takes too long."""
    search = os.pathsep.join(filter(None, [str(SOURCE), os.environ.get("PYTHONPATH", "")]))
    process = subprocess.Popen(
        [sys.executable, "-m", "scsiameseclu.stages.declared"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONPATH": search},
    )
    try:
        limit = SECONDS + SECONDS_PER_FILE * len(paths)
        said = process.communicate("\0".join(paths), timeout=limit)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        said = process.communicate()[0]
    return [int(line) for line in said.splitlines() if line.isdigit()]


def largest_dataset(path: str) -> int:
    """Number of values of the largest numeric dataset of a file; 0 if it cannot be read."""
    try:
        import h5py
    except ImportError:  # Snakemake may run on hosts without it
        return 0
    sizes = [0]

    def visit(name: str, node: object) -> None:
        if isinstance(node, h5py.Dataset) and node.dtype.kind in "iuf":
            sizes.append(int(node.size or 0))  # None for a null element

    try:
        with h5py.File(path, "r") as content:
            content.visititems(visit)
    except Exception:  # whatever the file contains, ingest reports it
        return 0
    return max(sizes)


if __name__ == "__main__":
    for name in sys.stdin.read().split("\0"):
        print(largest_dataset(name), flush=True)
