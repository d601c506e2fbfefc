"""Tables of the speed benchmark: sums, exponents and the bound on memory, by hand."""

import sys
from pathlib import Path

import pandas as pd
import pytest
from speed import gpu_use, gpu_watched, measure
from speed_report import allowed_mb, exponent, markdown, totals


@pytest.fixture
def rows() -> pd.DataFrame:
    """Three sizes, two stages and the usual path; one stage takes too much memory at one size."""
    lines = []
    for cells in (10_000, 20_000, 40_000):
        for stage, seconds, memory in (
            ("train", 60.0, 500 + cells / 100),
            ("cluster", cells / 1000, 4000 if cells == 20_000 else 600),
            ("scanpy", cells / 500, 900),
        ):
            lines.append(
                {
                    **{"cells": cells, "genes": 2000, "nonzeros": 800 * cells, "stage": stage},
                    **{"wall_s": seconds, "peak_mb": memory, "status": "ok"},
                    **{"machine": "m", "date": "d", "threads": 2, "device": "cpu"},
                }
            )
    return pd.DataFrame(lines)


def test_totals_add_time_and_take_the_largest_memory(rows: pd.DataFrame) -> None:
    table = totals(rows)
    assert table.loc[20_000, "pipeline_s"] == 80
    assert table.loc[20_000, "pipeline_mb"] == 4000
    assert table.loc[40_000, "usual_s"] == 80


def test_exponents() -> None:
    cells = pd.Index([1_000, 10_000, 20_000, 40_000])
    square = pd.Series([7.0, 1.0, 4.0, 16.0], index=cells)  # what is below 10,000 does not count
    assert exponent(square) == pytest.approx(2)


def test_what_is_above_the_bound_is_named(rows: pd.DataFrame) -> None:
    assert allowed_mb(16e6) == pytest.approx(2048 + 3 * 128e6 / 2**20)
    text = markdown(rows)
    assert "Above it: cluster at 20,000 cells." in text
    assert "| cluster | 10 / 600 | 20 / 4,000 | 40 / 600 |" in text
    calm = rows.assign(peak_mb=100)
    assert "Above it: none." in markdown(calm)


def test_a_path_that_was_stopped_bounds_the_ratio(rows: pd.DataFrame) -> None:
    late = (rows["stage"] == "scanpy") & (rows["cells"] == 40_000)
    rows.loc[late, ["wall_s", "status"]] = [1000.0, "stopped: time"]
    full = (rows["stage"] == "scanpy") & (rows["cells"] == 20_000)
    rows.loc[full, "status"] = "stopped: memory"
    text = markdown(rows)
    assert "| stopped: time after 1,000 | – | below 0.1 |" in text
    assert "| stopped: memory after 40 | – | – |" in text


def test_a_process_is_stopped_with_its_children(tmp_path: Path) -> None:
    command = "import subprocess, sys; subprocess.run(['sleep', '600'])"
    row = measure([sys.executable, "-c", command], tmp_path / "log", limit_s=1.0)
    assert row["status"] == "stopped: time"
    assert 1.0 <= float(row["wall_s"]) < 60.0
    assert measure(["sleep", "0"], tmp_path / "log", limit_s=60.0)["status"] == "ok"
    assert measure(["false"], tmp_path / "log", limit_s=60.0)["status"] == "exit 1"


def test_what_a_gpu_did_is_read_from_its_log(tmp_path: Path) -> None:
    log = tmp_path / "train.gpu"
    log.write_text("0, 500\n80, 2500\n40, 1500\n")
    assert gpu_use(log) == {"gpu_mb": "2000", "gpu_busy": "0.400"}


def test_without_a_gpu_nothing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with gpu_watched(tmp_path / "train.gpu"):
        pass
    assert gpu_use(tmp_path / "train.gpu") == {}
