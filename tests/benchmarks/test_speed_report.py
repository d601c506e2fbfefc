"""Tables of the speed benchmark: sums, exponents and the bound on memory, by hand."""

import pandas as pd
import pytest
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
