"""Cells are called when a sample is read; hashtags, metadata and subset apply to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from made_capture import barcodes, hashed, write_10x
from scipy.sparse import csr_matrix

from scsiameseclu.io.request import ReadRequest
from scsiameseclu.io.sample import Sample, read_sample
from scsiameseclu.settings import DropletSettings

N_CELLS, N_EMPTY, N_GENES = 150, 3000, 200
CALL = DropletSettings(cells="call", simulations=1000)


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every 21st barcode is a cell."""
    rng = np.random.default_rng(0)
    profile = rng.dirichlet(np.ones(N_GENES) / 2)
    totals = (130 * rng.random(N_CELLS + N_EMPTY) ** 12).astype(int)
    totals[::21] = rng.lognormal(np.log(3000), 0.2, N_CELLS).astype(int)
    counts = np.stack([rng.multinomial(total, profile) for total in totals])
    hashtags = pd.DataFrame(0, index=range(len(totals)), columns=["HTO_1", "HTO_2", "HTO_3"])
    hashtags.iloc[::21] = hashed(N_CELLS).counts.to_numpy()
    path = tmp_path_factory.mktemp("raw") / "raw_feature_bc_matrix.h5"
    return write_10x(path, csr_matrix(counts), hashtags)


def read(path: Path, droplets: DropletSettings | None = CALL, **settings: Any) -> Sample:
    return read_sample(str(path), ReadRequest(**settings), sample="s1", droplets=droplets)


def test_only_called_cells_are_kept(raw: Path) -> None:
    sample = read(raw)
    assert sample.errors == []
    cells = set(barcodes(N_CELLS + N_EMPTY)[::21])
    assert len(cells & set(sample.obs.index)) > 0.97 * N_CELLS
    assert len(set(sample.obs.index) - cells) <= 1
    assert sample.loaded.matrix.shape[0] == len(sample.obs)
    droplets = sample.summaries["droplets"]
    assert droplets["n_barcodes"] == N_CELLS + N_EMPTY
    assert any(f"{len(sample.obs)} of 3150 barcodes were called cells" in n for n in sample.notes)


def test_hashtags_belong_to_the_called_cells(raw: Path) -> None:
    sample = read(raw, hashtags="HTO*")
    assert sample.errors == []
    truth = pd.Series(hashed(N_CELLS).truth, index=barcodes(N_CELLS + N_EMPTY)[::21])
    known = sample.obs.index.intersection(truth.index)
    assert (sample.obs["hashtag"][known].astype(str) == truth[known]).mean() > 0.95
    part = read(raw, hashtags="HTO*", subset="hashtag=HTO_1")
    assert set(part.obs["hashtag"]) == {"HTO_1"}
    assert part.obs.index.tolist() == sample.obs.index[sample.obs["hashtag"] == "HTO_1"].tolist()


def test_metadata_need_the_called_cells_only(raw: Path, tmp_path: Path) -> None:
    cells = barcodes(N_CELLS + N_EMPTY)[::21]
    table = pd.DataFrame({"kind": ["a", "b"] * (N_CELLS // 2)}, index=cells)
    table.to_csv(tmp_path / "cells.csv")
    sample = read(raw, metadata=str(tmp_path / "cells.csv"), subset="kind=b", label="kind")
    assert sample.errors == []
    assert set(sample.obs["kind"]) == {"b"}


def test_the_refusal_names_the_way_on(raw: Path) -> None:
    (error,) = read(raw, DropletSettings()).errors
    assert "raw matrix with empty droplets" in error
    assert error.endswith("or set `cells` to call")
    assert "cells" not in read(raw, None).errors[0].rpartition(";")[2]


def test_a_filtered_matrix_has_no_droplets_to_call() -> None:
    (error,) = read(Path("demo:a")).errors
    assert "seems to be filtered already; set `cells` to given" in error


def with_empty(path: Path, totals: np.ndarray, name: str = "a.h5") -> Path:
    """120 cells of about 700 counts after barcodes with the given totals."""
    rng = np.random.default_rng(0)
    profile = rng.dirichlet(np.ones(N_GENES) / 2)
    every = np.concatenate([totals, rng.lognormal(np.log(700), 0.3, 120).astype(int)])
    counts = np.stack([rng.multinomial(total, profile) for total in every])
    return write_10x(path / name, csr_matrix(counts))


@pytest.mark.parametrize(("number", "depth"), [(1200, 13), (1200, 60), (240, 15)])
def test_a_gap_between_droplets_and_cells_is_reported(
    tmp_path: Path, number: int, depth: int
) -> None:
    """Empty droplets with too many counts, or too few of them, to be refused."""
    totals = np.random.default_rng(1).poisson(depth, number)
    depth = int(np.median(totals))
    (warning,) = read(with_empty(tmp_path, totals), DropletSettings()).warnings
    assert warning.startswith(f"{number} of {number + 120} barcodes have about {depth} counts")
    assert warning.endswith("or set `cells` to call")


def test_depths_without_a_gap_are_not_reported(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for totals in (
        rng.poisson(130, 400),
        rng.lognormal(5, 1, 400).astype(int),
        rng.poisson(15, 90),
    ):
        assert not any("barcodes" in w for w in read(with_empty(tmp_path, totals), None).warnings)


def test_barcodes_without_counts_are_padding(tmp_path: Path) -> None:
    path = with_empty(tmp_path, np.zeros(2000, dtype=int))
    sample = read(path, DropletSettings())
    assert (sample.errors, sample.warnings) == ([], [])
    assert sample.loaded.matrix.shape == (120, N_GENES)
    assert len(sample.obs) == 120
    assert any("2000 of 2120 barcodes have no counts and were left out" in n for n in sample.notes)
    called = read(path).errors[0]
    assert "set `cells` to given" in called
    raw = with_empty(tmp_path, np.repeat([0, 3], [2000, 500]))
    (error,) = read(raw, DropletSettings()).errors
    assert "half of its 2620 barcodes have no counts, and 120 have 20 or more" in error
