"""Cells are called in a made capture of which the truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from made_capture import Capture, make_capture
from scipy.sparse import csr_matrix
from scipy.stats import false_discovery_control

from scsiameseclu.droplets.calling import Calls, call_cells
from scsiameseclu.errors import UserError
from scsiameseclu.settings import DropletSettings

SETTINGS = DropletSettings(cells="call")


@pytest.fixture(scope="module")
def calls(capture: Capture) -> Calls:
    return call_cells(capture.counts, SETTINGS)


def test_small_cells_of_another_type_are_found_below_the_knee(
    capture: Capture, calls: Calls
) -> None:
    small = capture.kind == "small"
    assert (calls.total[small] < calls.points.inflection).all()  # a knee alone would miss them
    assert calls.called[small].mean() > 0.95
    assert calls.called[capture.kind == "large"].mean() > 0.9
    assert (capture.kind[calls.called] == "empty").mean() < 0.01
    assert calls.warnings == []


def test_totals_at_the_limits_are_treated_as_in_dropletutils(calls: Calls) -> None:
    """NA at or below `lower`; FDR 0 at or above `retain`, whose p-values count as 0."""
    low, above = calls.total <= 100, calls.total >= calls.points.knee
    assert np.isnan(calls.p_value[low | above]).all()
    assert np.isnan(calls.fdr[low]).all()
    assert not calls.called[low].any()
    assert (calls.fdr[above] == 0).all()
    assert calls.called[above].all()
    tested = ~(low | above)
    corrected = np.append(calls.p_value[tested], np.zeros(above.sum()))
    np.testing.assert_allclose(
        calls.fdr[tested], false_discovery_control(corrected)[: tested.sum()]
    )
    np.testing.assert_array_equal(calls.called[tested], calls.fdr[tested] <= 0.001)


def test_numbers_of_the_summary_add_up(calls: Calls) -> None:
    numbers = calls.summary
    parts = ("n_empty", "n_ambient", "n_tested", "n_above_knee")
    assert sum(numbers[part] for part in parts) == numbers["n_barcodes"] == calls.total.size
    assert numbers["n_called"] == calls.called.sum()
    assert numbers["n_limited"] == 0
    assert 10_000 < numbers["n_simulations"] <= 100_000  # 10,000 would not allow any call here


def test_order_of_barcodes_and_genes_without_counts_change_nothing(
    capture: Capture, calls: Calls
) -> None:
    order = np.random.default_rng(0).permutation(calls.total.size)
    wide = csr_matrix(capture.counts[order])
    wide.resize((wide.shape[0], wide.shape[1] + 30))
    moved = call_cells(wide, SETTINGS)
    np.testing.assert_array_equal(moved.called, calls.called[order])
    np.testing.assert_array_equal(moved.p_value, calls.p_value[order])


def test_the_seed_decides_the_simulations_only(capture: Capture, calls: Calls) -> None:
    other = call_cells(capture.counts, DropletSettings(cells="call", seed=1))
    assert not np.array_equal(other.p_value, calls.p_value, equal_nan=True)
    assert (other.called == calls.called).mean() > 0.998
    assert other.points == calls.points


def test_empty_droplets_alone_are_not_called_by_their_profile() -> None:
    capture = make_capture(1, n_empty=6000)
    result = call_cells(capture.counts[capture.kind == "empty"], SETTINGS)
    assert (result.called == (result.total >= result.points.knee)).all()
    assert any("knee of the barcode rank curve is at only" in text for text in result.warnings)


def test_a_filtered_matrix_is_refused(capture: Capture) -> None:
    cells = capture.counts[capture.kind != "empty"]
    with pytest.raises(UserError, match="0 of 240 barcodes with 1 to 100 counts, but at least 100"):
        call_cells(cells, SETTINGS)


def test_barcodes_without_counts_are_no_empty_droplets(capture: Capture, calls: Calls) -> None:
    padded = csr_matrix(capture.counts)
    padded.resize((padded.shape[0] + 500, padded.shape[1]))
    result = call_cells(padded, SETTINGS)
    assert result.summary["n_empty"] == 500
    assert result.summary["n_ambient"] == calls.summary["n_ambient"]
    np.testing.assert_array_equal(result.called[:-500], calls.called)
    cells = csr_matrix(capture.counts[capture.kind != "empty"])
    cells.resize((5000, cells.shape[1]))
    with pytest.raises(UserError, match="0 of 5000 barcodes"):
        call_cells(cells, SETTINGS)


def test_too_few_simulations_are_warned_about(capture: Capture) -> None:
    settings = DropletSettings(cells="call", simulations=100)
    (warning,) = call_cells(capture.counts, settings).warnings
    assert "smallest p-value that 1,000 simulations allow" in warning


def test_a_curve_without_a_knee_is_warned_about() -> None:
    rng = np.random.default_rng(0)
    totals = (20_000 / np.arange(1, 3001)).astype(int)
    counts = csr_matrix(np.stack([rng.multinomial(n, np.full(50, 0.02)) for n in totals]))
    result = call_cells(counts, DropletSettings(cells="call", simulations=200))
    assert any("no knee" in warning for warning in result.warnings)
    assert result.summary["n_above_knee"] == 0
