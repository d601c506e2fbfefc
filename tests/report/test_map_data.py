"""What the map is drawn from: positions, codes and numbers come back from their bytes."""

import base64
import json

import numpy as np
import pandas as pd
import pytest

from scsiameseclu.palette import ABSENT
from scsiameseclu.report.map_data import (
    MAX_CATEGORIES,
    _positions,
    as_json,
    category_layer,
    number_layer,
)
from scsiameseclu.report.map_figures import plane


def decoded(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype=np.uint8)


def test_positions_keep_their_shape() -> None:
    drawn = np.random.default_rng(0).normal(size=(200, 2)) * [10, 4]
    text, shape = _positions(drawn)
    found = np.frombuffer(base64.b64decode(text), dtype="<u2").reshape(-1, 2) / 65535
    extent = np.ptp(drawn, axis=0)
    assert shape == pytest.approx(list(extent / extent.max()))
    expected = (drawn - drawn.min(axis=0)) / extent.max()
    np.testing.assert_allclose(found[:, 0], expected[:, 0], atol=1e-4)
    np.testing.assert_allclose(found[:, 1], shape[1] - expected[:, 1], atol=1e-4)  # y downwards


def test_a_category_is_numbered_by_size_and_counts_all_cells() -> None:
    values = pd.Series(["b"] * 60 + ["a"] * 30 + ["Unassigned"] * 8 + [None] * 2, dtype="category")
    where = plane(np.random.default_rng(0).normal(size=(100, 2)), shown=50)
    layer = category_layer("Cells", "x", "X", where, values).to_dict()
    assert (layer["names"], layer["sizes"]) == (["b", "a", "Unassigned"], [60, 30, 8])
    assert layer["colours"][2] == ABSENT
    names = np.array([*layer["names"], *[None] * 253], dtype=object)[decoded(layer["values"])]
    shown = values.to_numpy(object)[where.rows]
    assert [a if isinstance(a, str) else None for a in shown] == list(names)


def test_more_categories_than_a_byte_holds_are_cut() -> None:
    values = pd.Series([f"c{n}" for n in range(400)] + ["c7"] * 5).astype("category")
    where = plane(np.random.default_rng(0).normal(size=(405, 2)))
    layer = category_layer("Cells", "x", "X", where, values).to_dict()
    assert len(layer["names"]) == MAX_CATEGORIES
    assert layer["names"][0] == "c7"
    assert (decoded(layer["values"]) == 255).sum() == 400 - MAX_CATEGORIES


def test_numbers_come_back_and_missing_ones_stay_missing() -> None:
    values = np.linspace(3, 8, 1000)
    values[17] = np.nan
    layer = number_layer("Quality", "x", "X", values, "").to_dict()
    levels = decoded(layer["values"])
    assert levels[17] == 255
    inside = (values > layer["low"]) & (values < layer["high"])
    back = layer["low"] + (layer["high"] - layer["low"]) * levels / 254
    assert np.abs(back - values)[inside].max() < 0.02
    flat = number_layer("Quality", "x", "X", np.zeros(5), "").to_dict()
    assert (decoded(flat["values"]) == 0).all()
    rare = np.r_[np.zeros(999), 5.0]  # the 99th percentile is 0, and the one cell still shows
    assert decoded(number_layer("Genes", "x", "X", rare, "").to_dict()["values"])[-1] == 254


def test_names_cannot_end_the_element() -> None:
    name = "</script><script>alert(1)</script><!--&\u2028"
    text = as_json({"name": name})
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text)["name"] == name
