"""Inputs are compared by content: a file replaced by an older one is read, a copy is not."""

import os
import shutil
import time
from pathlib import Path

from content import Checksums
from runs import QUICK, planned, snakemake, write_inputs

from scsiameseclu import datasets


def test_a_replaced_file_has_another_checksum_whatever_its_date(tmp_path: Path) -> None:
    checksums, path = Checksums(tmp_path / "cache.json"), tmp_path / "x"
    path.write_text("one")
    first = checksums.of([str(path)])
    new = tmp_path / "new"
    new.write_text("two")
    os.utime(new, (1, 1))
    shutil.move(new, path)
    assert checksums.of([str(path)]) != first
    path.write_text("one")
    assert checksums.of([str(path)]) == first


def test_the_order_of_files_and_what_is_in_which_of_them_count(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in "ab"]
    for path in paths:
        path.write_text(path.name)
    a, b = map(str, paths)
    of = Checksums(tmp_path / "cache.json").of
    assert len({of([a, b]), of([b, a]), of([a]), of([b]), of([])}) == 5
    assert of([a, str(tmp_path / "missing")]) == of([a])


def test_files_are_read_once(tmp_path: Path) -> None:
    cache, path = tmp_path / "folder" / "cache.json", tmp_path / "x"
    path.write_text("one")
    first = Checksums(cache).of([str(path)])
    known = cache.read_text()
    cache.write_text(known.replace(known.split('"')[-2], "kept"))
    assert Checksums(cache).of([str(path)]) != first
    cache.write_text("damaged")
    assert Checksums(cache).of([str(path)]) == first


def test_an_older_file_in_place_of_the_input_is_read_and_a_marker_table_again(
    tmp_path: Path,
) -> None:
    cells = datasets.pbmc("a")
    cells.write_h5ad(tmp_path / "x.h5ad")
    cells[:300].copy().write_h5ad(tmp_path / "other.h5ad")
    os.utime(tmp_path / "other.h5ad", (1, 1))
    markers = tmp_path / "markers.tsv"
    markers.write_text("cell_type\tgene\nB\tMS4A1\nB\tCD79A\nT\tCD3D\nT\tCD3E\n")
    config = {**QUICK, "model": {"networks": 1, "pretrain_steps": 20}, "n_clusters": 4}
    config["annotation"] = {"marker_table": "markers.tsv"}
    write_inputs(tmp_path, [{"sample": "x", "path": "x.h5ad"}], config)
    done = snakemake(tmp_path, "--until", "annotate")
    assert done.returncode == 0, done.stdout
    assert planned(tmp_path, "--until", "annotate") == {}

    state = markers.stat()
    markers.write_text(markers.read_text().replace("MS4A1", "CD79B"))
    os.utime(markers, (state.st_atime, state.st_mtime))
    assert set(planned(tmp_path, "--until", "annotate")) == {"annotate"}

    time.sleep(1.1)
    shutil.copy2(tmp_path / "other.h5ad", tmp_path / "x.h5ad")
    assert {"ingest", "train", "report"} <= set(planned(tmp_path))
