"""How a setting is declared, and the rule that its value is checked by.

A setting is a dataclass field made with :func:`option`. Everything else derives from it: the check
of its value, the command-line option, and, written by ``make settings``, the schemas, the keys of
``config/config.yaml`` and the tables of ``config/README.md``.
"""

from __future__ import annotations

import math
import re
from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from numbers import Integral, Real
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from scsiameseclu.errors import UserError

Rule = dict[str, Any]
"""A JSON Schema of one value, with two keywords of our own: ``must`` (what a text has to be, in
words) and ``file`` (the text is the path of an input file)."""
KINDS = {bool: "boolean", int: "integer", float: "number", str: "string", NoneType: "null"}
NOUNS = {"integer": "an integer", "number": "a number", "string": "text"}
REQUIRED = MISSING
"""Default of an option that has none."""


@dataclass(frozen=True)
class Text:
    """What a text has to be.

    Attributes
    ----------
    words
        What it has to be, in words; several where there are alternatives.
    pattern
        A regular expression that it has to match; without one it must not be blank.
    file
        Whether it is the path of an input file.
    """

    words: tuple[str, ...] = ()
    pattern: str = r"\S"
    file: bool = False


FILE = Text(("the path of a file",), file=True)
FILE_OR_FOLDER = Text(("the path of a file or folder",), file=True)
COLUMN = Text(("the name of a column",))
SELECTION = Text(("of the form column=value",), "^[^=]+=.+$")
ANY = Text()


def option(
    default: Any,
    help: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    text: Text = ANY,
) -> Any:
    """A dataclass field that carries the help text and the admissible values of a setting.

    Parameters
    ----------
    default
        The default, or ``REQUIRED``.
    help
        One line for the command line, the schema and the documentation.
    minimum, maximum
        Range of a number, both ends included.
    text
        What a text has to be.
    """
    limits = {"minimum": minimum, "maximum": maximum}
    return field(default=default, metadata={"help": help, "text": text, **limits})


class Settings:
    """Base of the settings classes: every value is checked when an object is made.

    Numbers take their declared type: an integer given for a float becomes a float, NumPy scalars
    become Python numbers.
    """

    def __post_init__(self) -> None:
        for name, rule in rules(type(self)).items():
            value = getattr(self, name)
            if not fits(value, rule):
                raise UserError(f"{name} is {value!r}; it must be {expected(rule, null='None')}")
            object.__setattr__(self, name, as_declared(value, rule))

    def __init_subclass__(cls) -> None:
        cls.__repr__ = Settings.__repr__  # type: ignore[method-assign]  # a dataclass keeps it

    def __repr__(self) -> str:
        """The class and the settings that differ from their defaults."""
        items = fields(self)  # type: ignore[arg-type]
        values = [(item, getattr(self, item.name)) for item in items]
        changed = [f"{item.name}={value!r}" for item, value in values if value != item.default]
        return f"{type(self).__name__}({', '.join(changed)})"

    def to_dict(self) -> dict[str, Any]:
        """The settings as a dictionary of plain values."""
        return asdict(self)  # type: ignore[call-overload]


def rules(kind: type[Settings]) -> dict[str, Rule]:
    """The rule of each setting of a class, in the order of declaration."""
    hints = get_type_hints(kind)
    return {item.name: _rule(item, hints[item.name]) for item in fields(kind)}  # type: ignore[arg-type]


def summary(kind: type[Settings]) -> str:
    """The first line of a settings class' docstring."""
    return (kind.__doc__ or "").splitlines()[0]


def _rule(item: Field[Any], hint: Any) -> Rule:
    about = item.metadata
    rule: Rule = {}
    if get_origin(hint) is Literal:
        rule["enum"] = list(get_args(hint))
    else:
        kinds = [KINDS[part] for part in get_args(hint) or (hint,)]
        rule["type"] = kinds if len(kinds) > 1 else kinds[0]
    rule["description"] = about["help"]
    rule |= {key: about[key] for key in ("minimum", "maximum") if about[key] is not None}
    if "string" in kinds_of(rule):
        text: Text = about["text"]
        rule["pattern"] = text.pattern
        if text.words:
            rule["must"] = list(text.words)
        if text.file:
            rule["file"] = True
    if item.default is not REQUIRED:
        rule["default"] = item.default
    return rule


def kinds_of(rule: Rule) -> list[str]:
    """The JSON types that a rule admits; empty for an enumeration."""
    kinds = rule.get("type", [])
    return list(kinds) if isinstance(kinds, list) else [kinds]


def fits(value: Any, rule: Rule) -> bool:
    """Whether a value obeys a rule. NaN, infinities and a bool for a number never do."""
    if "enum" in rule:
        return isinstance(value, str) and value in rule["enum"]
    return any(_fits_kind(value, kind, rule) for kind in kinds_of(rule))


def _fits_kind(value: Any, kind: str, rule: Rule) -> bool:
    if kind == "null":
        return value is None
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "string":
        return isinstance(value, str) and re.search(rule["pattern"], value) is not None
    if isinstance(value, bool) or not isinstance(value, Integral if kind == "integer" else Real):
        return False
    try:
        number = float(value)
    except OverflowError:
        return False
    low, high = rule.get("minimum", -math.inf), rule.get("maximum", math.inf)
    return bool(math.isfinite(number) and low <= number <= high)


def as_declared(value: Any, rule: Rule) -> Any:
    """A number as the Python type that its rule names; anything else as it is."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return value
    kinds = kinds_of(rule)
    if "number" in kinds:
        return float(value)
    return int(value) if "integer" in kinds and isinstance(value, Integral) else value


def from_text(text: str, rule: Rule) -> Any:
    """The value that a text stands for, or the text itself, which :func:`fits` then judges.

    >>> from_text("1e-3", {"type": "number"}), from_text("many", {"type": ["integer", "null"]})
    (0.001, 'many')
    """
    readers = {"boolean": _truth, "integer": int, "number": float}
    for kind in kinds_of(rule):
        if kind in readers:
            try:
                return readers[kind](text)  # type: ignore[operator]
            except ValueError:
                continue
    return text


def _truth(text: str) -> bool:
    values = {"true": True, "false": False}
    if text.lower() not in values:
        raise ValueError(text)
    return values[text.lower()]


def expected(rule: Rule, null: str = "null") -> str:
    """What a rule admits, in words: the end of a sentence that begins "it must be".

    Parameters
    ----------
    rule
        The rule.
    null
        The word for a missing value: ``null`` in YAML, ``None`` in Python.
    """
    if "enum" in rule:
        return "one of " + ", ".join(rule["enum"])
    kinds = kinds_of(rule)
    words = list(rule.get("must", ()))
    if not words:
        words = ["true or false"] if "boolean" in kinds else [NOUNS[kinds[0]] + _range(rule)]
    if "null" in kinds:
        words.append(null)
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + f", or {words[-1]}"


def _range(rule: Rule) -> str:
    low, high = rule.get("minimum"), rule.get("maximum")
    if low is not None and high is not None:
        return f" from {low} to {high}"
    if low is not None:
        return f" of {low} or more"
    return "" if high is None else f" of {high} or less"
