"""Settings of the calling reach only the samples in which cells are called."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from made_capture import write_10x
from scipy.sparse import csr_matrix

from scsiameseclu.stages.check import check_sample
from scsiameseclu.stages.config import with_defaults
from scsiameseclu.stages.ingest import run
from scsiameseclu.stages.program import arguments_of
from scsiameseclu.stages.resolved import resolved
from scsiameseclu.stages.resources import Size, calling_mb, request

ROW = {"sample": "a", "path": "demo:a"}
MEASURED = sorted((Path(__file__).parents[2] / "benchmarks/results").glob("droplets-*.csv"))


@pytest.mark.parametrize("change", [{"fdr": 0.01}, {"seed": 7}, {"simulations": 500}, {}])
def test_samples_with_given_cells_are_not_affected(change: dict[str, float]) -> None:
    config = with_defaults({"droplets": change})
    assert "droplets" not in resolved("ingest", config, ROW)
    called = resolved("ingest", config, ROW | {"cells": "call"})["droplets"]
    assert called["cells"] == "call"
    assert {key: called[key] for key in change} == change


def test_the_sheet_overrules_the_config(tmp_path: Path) -> None:
    config = with_defaults({"droplets": {"cells": "call"}, "seed": 3})
    assert "droplets" not in resolved("ingest", config, ROW | {"cells": "given"})
    values = resolved("ingest", config, ROW)
    assert "seed" not in values  # the seed of the run changes no called cell
    assert values["droplets"]["seed"] == 0
    file = tmp_path / "ingest.json"
    file.write_text(json.dumps(values))
    arguments = arguments_of(run, {"settings": file})
    assert arguments["droplets"].cells == "call"


def test_check_says_how_many_cells_would_be_called(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    totals = np.append(np.full(40, 2000), (60 * rng.random(2000) ** 6).astype(int))
    profile = rng.dirichlet(np.ones(100))
    counts = np.stack([rng.multinomial(total, profile) for total in totals])
    path = write_10x(tmp_path / "raw.h5", csr_matrix(counts))
    row = {"sample": "a", "path": str(path)}
    findings = list(check_sample(row | {"cells": "call"}, with_defaults({})))
    assert not [text for level, text in findings if level == "error"]
    assert any("40 of 2040 barcodes were called cells" in text for _, text in findings)
    (error,) = [text for level, text in check_sample(row, with_defaults({})) if level == "error"]
    assert "set `cells` to call" in error


def test_an_invalid_section_is_left_to_the_check_of_the_config() -> None:
    config = with_defaults({}) | {"droplets": 5}
    assert not [text for level, text in check_sample(ROW, config) if level == "error"]


@pytest.mark.parametrize("path", MEASURED, ids=lambda path: path.name)
def test_the_requested_memory_is_not_below_the_benchmark(path: Path) -> None:
    header, *rows = [line.split(",") for line in path.read_text().splitlines()]
    for values in rows:
        row = dict(zip(header, values, strict=True))
        size = Size(0, 0, int(1e6 * float(row["million_values"])))
        asked = request("ingest", size).mem_mb + calling_mb(size)
        assert 1.1 * float(row["peak_mb"]) < asked < 3 * float(row["peak_mb"])
