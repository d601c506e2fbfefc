"""Tables that spreadsheet programs open without running what a label says."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd
import pytest

from scsiameseclu.store.atomic import FORMULA, with_formulas, without_formulas, write_table
from scsiameseclu.store.folder import SampleFolder

TEXTS = [
    *('=HYPERLINK("http://example.org")', "+1", "@cmd", "\ttab", "\rreturn"),
    *("plain", "-3.5", "a=b", "'quoted'", "", "two\nlines", "B cells + T cells"),
]


def test_no_field_begins_like_a_formula(tmp_path: Path) -> None:
    table = pd.DataFrame(
        {"name": TEXTS, "kind": pd.Categorical(TEXTS), "number": range(len(TEXTS))}
    )
    table.index = pd.Index(TEXTS, name="barcode")
    before = table.copy()
    write_table(tmp_path / "t.tsv", table, index=True)
    pd.testing.assert_frame_equal(table, before)
    with (tmp_path / "t.tsv").open(newline="") as stream:
        header, *rows = csv.reader(stream, delimiter="\t")
    assert header == ["barcode", "name", "kind", "number"]
    assert len(rows) == len(TEXTS)
    assert not any(field.startswith(FORMULA) for row in rows for field in row)
    for text, row in zip(TEXTS, rows, strict=True):
        assert [with_formulas(field) for field in row[:3]] == [text] * 3


def test_tables_without_formulas_are_the_same_object() -> None:
    table = pd.DataFrame({"name": ["CD3E", "-1"], "value": [0.5, -2.0]})
    assert without_formulas(table) is table


def test_a_label_is_read_back_as_it_was(tmp_path: Path) -> None:
    folder = SampleFolder(tmp_path, "s")
    folder.write_table(
        "markers_table", pd.DataFrame({"cluster": ["=1+2", "@x"], "gene": ["A", "B"]})
    )
    assert folder.table("markers_table")["cluster"].tolist() == ["=1+2", "@x"]


@pytest.mark.parametrize("value", [1, 2.5, True, None])
def test_other_values_are_no_formulas(value: object) -> None:
    table = pd.DataFrame({"x": pd.Series([value], dtype=object)})
    assert without_formulas(table) is table
