"""Requests of memory and time: from headers, never below what the benchmark measured."""

import gzip
import json
import re
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.sparse as sp

from scsiameseclu.stages.resources import (
    COEFFICIENTS,
    TIME_FACTOR,
    Size,
    coefficients,
    predicted,
    request,
)

ROOT = Path(__file__).resolve().parents[2]
MEASURED = [ROOT / name for name in json.loads(COEFFICIENTS.read_text())["fitted_to"]]

LATEST = ROOT / "benchmarks" / "results" / "speed-x86_64-2cores-2026-11-30.csv"
SIZE_OF_LATEST = Size(1_000_000, 13_714, 586_035_724)
ASKED_AS = {"cluster": "train", "curate": "markers"}
"""Stages whose rule asks for what another stage is predicted to need."""


def measured() -> list[object]:
    """Rows of the committed benchmark, of the pipeline's stages alone.

    Without the stage cluster: its rows date from when the ensemble was a part of train.
    """
    tables = [pd.read_csv(path).assign(first=path == MEASURED[0]) for path in MEASURED]
    rows = pd.concat([t.drop_duplicates(["cells", "stage"], keep="last") for t in tables])
    return list(
        rows[(rows["status"] == "ok") & ~rows["stage"].isin(["scanpy", "cluster"])].itertuples()
    )


@pytest.mark.parametrize("row", measured(), ids=lambda r: f"{r.stage}-{r.cells}-{r.nonzeros}")
def test_prediction_is_not_below_the_benchmark_nor_above_twice_it(row: object) -> None:
    memory, seconds = predicted(row.stage, Size(row.cells, row.genes, row.nonzeros))
    assert row.peak_mb <= memory <= 2 * row.peak_mb
    if row.first:
        assert row.wall_s <= seconds <= 2 * row.wall_s
    else:  # of another machine: inside what a job asks for
        assert row.wall_s <= TIME_FACTOR * seconds


@pytest.mark.parametrize("row", list(pd.read_csv(LATEST).itertuples()), ids=lambda r: r.stage)
def test_prediction_is_not_below_what_a_million_cells_take_now(row: object) -> None:
    memory, seconds = predicted(ASKED_AS.get(row.stage, row.stage), SIZE_OF_LATEST)
    assert row.peak_mb <= memory
    assert row.wall_s <= seconds


def test_every_rule_has_a_prediction() -> None:
    rules = "".join(path.read_text() for path in (ROOT / "workflow" / "rules").glob("*.smk"))
    asked = set(re.findall(r'(?:memory|minutes|request)\(\s*"(\w+)"[,)]', rules))
    assert asked == set(coefficients())


def test_retries_ask_for_twice_as_much() -> None:
    size = Size(200_000, 15_000, 200_000_000)
    for stage in coefficients():
        first, second, third = (request(stage, size, attempt) for attempt in (1, 2, 3))
        assert (second.mem_mb, third.mem_mb) == (2 * first.mem_mb, 4 * first.mem_mb)
        assert (second.minutes, third.minutes) == (2 * first.minutes, 4 * first.minutes)
        memory, seconds = predicted(stage, size)
        assert first.mem_mb >= memory
        assert 60 * first.minutes >= 2 * seconds
    tiny = request("graph", Size(50, 100, 500))
    assert tiny.mem_mb >= 1000
    assert tiny.minutes == 10


@pytest.fixture(scope="module")
def counts() -> sp.csr_matrix:
    rng = np.random.default_rng(0)
    return sp.csr_matrix(rng.poisson(0.3, (60, 200)).astype(np.float32))


def test_size_of_files_is_an_upper_bound(counts: sp.csr_matrix, tmp_path: Path) -> None:
    scipy.io.mmwrite(tmp_path / "matrix.mtx", counts.T)
    text = (tmp_path / "matrix.mtx").read_bytes()
    (tmp_path / "zipped.mtx.gz").write_bytes(gzip.compress(text))
    ad.AnnData(counts).write_h5ad(tmp_path / "sparse.h5ad")
    ad.AnnData(counts.toarray()).write_h5ad(tmp_path / "dense.h5ad")
    table = pd.DataFrame(counts.toarray().astype(int))
    table.to_csv(tmp_path / "table.csv")
    table.to_csv(tmp_path / "table.csv.gz")
    for name in ("matrix.mtx", "zipped.mtx.gz", "sparse.h5ad"):
        assert Size.of_files([tmp_path / name]).nonzeros == counts.nnz
    for name in ("dense.h5ad", "table.csv"):
        assert counts.nnz <= Size.of_files([tmp_path / name]).nonzeros <= 2 * counts.shape[1] * 60
    assert Size.of_files([tmp_path / "table.csv.gz"]).nonzeros >= counts.nnz / 2


@pytest.mark.parametrize("name", ["cut.h5", "cut.mtx", "cut.mtx.gz"])
def test_a_broken_file_counts_by_its_bytes(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(200))
    assert Size.of_files([tmp_path / name, tmp_path / "gone.h5"]).nonzeros == 208


def test_size_round_trip(tmp_path: Path) -> None:
    size = Size(3, 4, 5)
    (tmp_path / "size.json").write_text(json.dumps(size.to_dict()))
    assert Size.read(tmp_path / "size.json") == size


def test_a_null_element_does_not_stop_the_planning(tmp_path: Path) -> None:
    """anndata 0.12 writes None as one; it has no size."""
    import h5py

    path = tmp_path / "a.h5ad"
    with h5py.File(path, "w") as file:
        file["uns/log1p/base"] = h5py.Empty("f")
        file["X"] = np.zeros((30, 10))
    assert Size.of_files([path]).nonzeros == 300


@pytest.mark.parametrize("content", ["damaged", "cut", "no header", "long"])
def test_a_damaged_matrix_does_not_stop_the_prediction(content: str, tmp_path: Path) -> None:
    """Snakemake predicts the memory of every sample, and must not fail by the file of one."""
    header = "%%MatrixMarket matrix coordinate integer general\n5 5 25\n"
    text = {"no header": "%\n" * 5000, "long": header[:20] + "x" * 10**6}.get(content, header)
    packed = bytearray(gzip.compress(text.encode()))
    if content == "damaged":
        packed[12:16] = b"\xff\xff\xff\xff"
    if content == "cut":
        packed = packed[: len(packed) // 2]
    path = tmp_path / "matrix.mtx.gz"
    path.write_bytes(packed)
    assert Size.of_files([path]).nonzeros == len(packed)
