"""Which cohorts are finished after a run in which samples failed."""

from on_failure import without_failed_samples

MEMBERS = {"x": ["a", "b", "c"], "y": ["d", "e"], "z": ["f", "g"]}


def test_a_cohort_goes_on_without_samples_that_failed() -> None:
    assert without_failed_samples(MEMBERS, ["b"], ["b"]) == {"x": ["a", "c"]}


def test_two_samples_are_needed() -> None:
    assert without_failed_samples(MEMBERS, ["d", "a", "b"], ["d", "a", "b"]) == {}


def test_a_sample_that_failed_late_takes_part() -> None:
    assert without_failed_samples(MEMBERS, [], ["e"]) == {"y": ["d", "e"]}
    assert without_failed_samples(MEMBERS, ["a"], ["a", "e"]) == {"x": ["b", "c"], "y": ["d", "e"]}


def test_nothing_is_done_where_nothing_failed() -> None:
    assert without_failed_samples(MEMBERS, [], []) == {}
