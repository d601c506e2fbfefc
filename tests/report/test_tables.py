"""Numbers as text."""

import pytest

from scsiameseclu.report import tables


def test_numbers() -> None:
    assert tables.count(12345.4) == "12,345"
    assert tables.decimal(-0.256, 2) == "−0.26"
    assert tables.percent(1, 8) == "12.5\u202f%"
    assert tables.percent(0, 0) == "–"
    assert [tables.numbered(n, "cell") for n in (0, 1, 2345)] == [
        "0 cells",
        "1 cell",
        "2,345 cells",
    ]


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
def test_missing_numbers_are_a_dash_and_do_not_sort(value: float | None) -> None:
    assert tables.real(value) == tables.Cell("–")


def test_p_values_below_the_smallest_double() -> None:
    assert tables.probability(0.0).text == "< 1e−300"
    assert tables.probability(3e-12).text == "3.0e−12"


def test_lists_count_what_they_leave_out() -> None:
    assert tables.listed([]) == ""
    assert tables.listed(["a", "b", "c"]) == "a, b and c"
    assert tables.listed(list("abcd"), limit=2) == "a, b and 2 more"


def test_columns_of_numbers_are_known() -> None:
    rows = [[tables.text("a"), tables.whole(1)], [tables.text("b"), tables.Cell("–")]]
    table = tables.Table("t", "c", ("name", "n"), rows)
    assert table.columns == [("name", False), ("n", True)]
