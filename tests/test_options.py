"""How a setting is declared decides what is accepted, how it is read, and what the error says."""

import doctest
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pytest

from scsiameseclu import options
from scsiameseclu.errors import UserError
from scsiameseclu.options import REQUIRED, Settings, Text, expected, from_text, option, rules


@dataclass(frozen=True)
class Example(Settings):
    """An example. It has one setting of each kind."""

    number: float = option(0.5, "a share", minimum=0, maximum=1)
    count: int = option(3, "a count", minimum=1)
    open: float | None = option(None, "any number")
    switch: bool = option(True, "on or off")
    way: Literal["left", "right"] = option("left", "a way")
    name: str | None = option(None, "a name", text=Text(("a word", "two words"), r"^\w+( \w+)?$"))
    clusters: int | str = option(2, "as n_clusters", minimum=2, text=Text(("a range",), r"^\d-\d$"))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"number": float("nan")}, "number is nan; it must be a number from 0 to 1"),
        ({"number": 1.001}, "number is 1.001; it must be a number from 0 to 1"),
        ({"number": -0.001}, "number is -0.001; it must be a number from 0 to 1"),
        ({"number": True}, "number is True; it must be a number from 0 to 1"),
        ({"number": "0.5"}, "number is '0.5'; it must be a number from 0 to 1"),
        ({"number": None}, "number is None; it must be a number from 0 to 1"),
        ({"count": 2.0}, "count is 2.0; it must be an integer of 1 or more"),
        ({"count": 0}, "count is 0; it must be an integer of 1 or more"),
        ({"count": False}, "count is False; it must be an integer of 1 or more"),
        ({"count": 10**400}, "it must be an integer of 1 or more"),
        ({"open": float("inf")}, "open is inf; it must be a number, or None"),
        ({"open": float("-inf")}, "open is -inf; it must be a number, or None"),
        ({"switch": 1}, "switch is 1; it must be true or false"),
        ({"way": "up"}, "way is 'up'; it must be one of left, right"),
        ({"way": False}, "way is False; it must be one of left, right"),
        ({"name": "no-word"}, "name is 'no-word'; it must be a word, two words, or None"),
        ({"name": 5}, "name is 5; it must be a word, two words, or None"),
        ({"clusters": 1}, "clusters is 1; it must be a range"),
        ({"clusters": "2"}, "clusters is '2'; it must be a range"),
    ],
)
def test_a_wrong_value_is_refused_in_a_sentence(given: dict[str, object], sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        Example(**given)  # type: ignore[arg-type]
    assert sentence in str(caught.value)


@dataclass(frozen=True)
class Limits(Settings):
    """Limits of one quantity and of another."""

    min_a: float | None = option(None, "lower limit of a")
    max_a: float | None = option(None, "upper limit of a")
    min_b: int = option(1, "lower limit of b")


def test_a_minimum_does_not_exceed_its_maximum() -> None:
    with pytest.raises(UserError, match=r"^min_a is 2\.0 and max_a is 1\.0; the minimum must not"):
        Limits(min_a=2, max_a=1)
    assert Limits(min_a=2, max_a=2, min_b=3).min_a == 2
    assert Limits(min_a=2).max_a is None


def test_a_line_break_at_the_end_is_refused() -> None:
    with pytest.raises(UserError, match="must be a word"):
        Example(name="word\n")


def test_values_within_their_rule_take_the_declared_type() -> None:
    made = Example(
        number=np.float32(1),
        count=np.int64(1),
        open=-7,
        name="two words",
        clusters="3-5",
    )
    assert made.to_dict() == {
        **{"number": 1.0, "count": 1, "open": -7.0, "switch": True, "way": "left"},
        **{"name": "two words", "clusters": "3-5"},
    }
    assert [type(made.number), type(made.count), type(made.open)] == [float, int, float]
    assert type(Example(clusters=np.int32(4)).clusters) is int


def test_a_blank_text_is_not_given() -> None:
    @dataclass(frozen=True)
    class Named(Settings):
        """With a name that is required."""

        name: str = option(REQUIRED, "a name")

    assert "default" not in rules(Named)["name"]
    assert Named("a").name == "a"
    with pytest.raises(UserError, match="name is ' '; it must be text"):
        Named(" ")


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("number", "1", 1.0),
        ("number", "1e-3", 0.001),
        ("number", "much", "much"),
        ("count", "4", 4),
        ("count", "4.0", "4.0"),
        ("switch", "True", True),
        ("switch", "yes", "yes"),
        ("way", "left", "left"),
        ("clusters", "4", 4),
        ("clusters", "3-5", "3-5"),
    ],
)
def test_text_is_read_as_the_declared_type(name: str, text: str, value: object) -> None:
    read = from_text(text, rules(Example)[name])
    assert read == value
    assert type(read) is type(value)


def test_what_a_value_must_be_is_said_in_words() -> None:
    words = {name: expected(rule) for name, rule in rules(Example).items()}
    assert words == {
        "number": "a number from 0 to 1",
        "count": "an integer of 1 or more",
        "open": "a number, or null",
        "switch": "true or false",
        "way": "one of left, right",
        "name": "a word, two words, or null",
        "clusters": "a range",
    }


def test_the_examples_in_docstrings_run() -> None:
    outcome = doctest.testmod(options)
    assert outcome.attempted
    assert not outcome.failed
