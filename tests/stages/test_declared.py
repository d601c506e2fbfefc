"""The sizes that HDF5 files declare are read by a process that may end, or never answer."""

from __future__ import annotations

import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from scsiameseclu.stages import declared
from scsiameseclu.stages.declared import declared_values


def write(path: Path, size: int) -> Path:
    with h5py.File(path, "w") as file:
        file["small"], file["large"] = np.arange(3), np.zeros(size)
        file["text"] = np.array([b"x"] * 2 * size)
    return path


def test_the_largest_numeric_dataset(tmp_path: Path) -> None:
    files = [write(tmp_path / "a.h5", 10), tmp_path / "none.h5", write(tmp_path / "b.h5", 20)]
    (tmp_path / "text.h5").write_text("no HDF5")
    assert declared_values([*files, tmp_path / "text.h5"]) == [10, 0, 20, 0]
    files[0].unlink()
    assert declared_values([write(files[0], 15)]) == [15]


@pytest.mark.parametrize("ending", ["raise SystemExit(3)", "import time; time.sleep(60)"])
def test_a_file_that_ends_the_process_or_keeps_it_busy_counts_as_unknown(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that answers by the names of the files stands for one that a library ends."""
    program = tmp_path / "python"
    program.write_text(
        f"#!{sys.executable}\nimport sys\n"
        "for name in sys.stdin.read().split('\\0'):\n"
        f"    if 'bad' in name:\n        {ending}\n"
        "    print(len(name), flush=True)\n"
    )
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(declared, "SECONDS", 1.0)
    monkeypatch.setattr(declared, "SECONDS_PER_FILE", 0.0)
    names = [tmp_path / name for name in ("a", "bad", "bc")]
    length = len(str(tmp_path))
    assert declared_values(names) == [length + 2, 0, length + 3]
