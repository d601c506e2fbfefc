"""What is wrong with one sample's files stops no other sample."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from content import Checksums
from runs import QUICK, ROOT, environment, snakemake, write_inputs

from scsiameseclu import datasets
from scsiameseclu.stages.input_files import input_files, raw_files
from scsiameseclu.stages.resources import Size
from scsiameseclu.stages.time_limit import MIN_SECONDS, reading_limit


def write_odd_samples(folder: Path) -> dict[str, str]:
    """A sheet with samples of which two are fine; why each of the others is refused."""
    datasets.pbmc("a")[:60].copy().write_h5ad(folder / "run{1} <b>.h5ad")
    (folder / "noise.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(range(256)) * 40)
    rows = [
        {"sample": "good", "path": "demo:b"},
        {"sample": "braces", "path": "run{1} <b>.h5ad"},
        {"sample": "gone", "path": "gone/{x}.h5"},
        {"sample": "noise", "path": "noise.h5"},
        {"sample": "no_metadata", "path": "demo:a", "metadata": "cells.csv"},
    ]
    write_inputs(folder, rows, QUICK)
    return {
        "gone": "does not exist",
        "noise": "cannot be read as HDF5",
        "no_metadata": "cells.csv does not exist",
    }


def test_all_other_samples_are_read(tmp_path: Path) -> None:
    reasons = write_odd_samples(tmp_path)
    done = snakemake(tmp_path, "--until", "ingest", "--keep-going")
    assert done.returncode == 1
    assert "Traceback" not in done.stdout
    samples = tmp_path / "results" / "samples"
    for name in ("good", "braces"):
        assert (samples / name / "stages" / "counts.h5ad").is_file()
    for name, reason in reasons.items():
        (note,) = (samples / name).rglob("*failure*.json")
        assert reason in json.loads(note.read_text())["reason"], name
    warned = [line for line in done.stdout.splitlines() if line.startswith("warning: ")]
    assert len(warned) == 2
    assert "line 4: path gone/{x}.h5 does not exist" in warned[0]
    assert "line 6: metadata cells.csv does not exist" in warned[1]


def test_check_reports_every_sample(tmp_path: Path) -> None:
    reasons = write_odd_samples(tmp_path)
    done = subprocess.run(
        [sys.executable, str(ROOT / "scripts" / "check.py")],
        cwd=tmp_path,
        env=environment() | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 65
    errors = [line for line in done.stdout.splitlines() if line.startswith("error")]
    assert len(errors) == len(reasons)
    assert all(reason in "\n".join(errors) for reason in reasons.values())
    assert "note    sample good: 350 cells" in done.stdout
    assert "note    sample braces: 60 cells" in done.stdout
    assert f"{len(reasons)} samples in config/samples.tsv cannot be processed" in done.stderr


def test_a_folder_without_permission_is_left_to_its_reader(tmp_path: Path) -> None:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o000)
    row = {"path": str(folder), "raw": str(folder / "raw")}
    user = os.geteuid()
    if user == 0:  # who may read everything
        for parent in (tmp_path, tmp_path.parent):
            os.chmod(parent, 0o755)
        os.seteuid(65534)
    try:
        files = input_files(row)
        sizes = Size.of_files([*map(Path, files), folder / "in"]), reading_limit(files)
        checksum = Checksums(tmp_path / "none" / "cache").of_source([str(folder)], files)
        others = raw_files(row)
    finally:
        os.seteuid(user)
    assert files == [str(folder)]
    assert others == [str(folder / "raw")]
    assert sizes == (Size(0, 0, 0), MIN_SECONDS)
    assert checksum == Checksums(tmp_path / "none" / "cache").of([])


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_results_of_files_that_were_moved_away_are_kept(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "in"
    file = path / "matrix.mtx" if kind == "folder" else path
    file.parent.mkdir(exist_ok=True)
    file.write_text("1")
    row, cache = {"path": str(path)}, tmp_path / "cache"
    first = Checksums(cache).of_source([str(path)], input_files(row))
    path.rename(tmp_path / "away")
    assert Checksums(cache).of_source([str(path)], input_files(row)) == first
    (tmp_path / "away").rename(path)
    file.write_text("2")
    assert Checksums(cache).of_source([str(path)], input_files(row)) != first
