"""Declaration of settings, and validation of their values.

A setting is a dataclass field made with :func:`option`. Its validation, its command-line option,
the schemas, ``config/config.yaml`` and the tables of ``config/README.md`` are all derived from it
(the files by ``make settings``).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from numbers import Integral, Real
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from scsiameseclu.errors import UserError

Rule = dict[str, Any]
"""A JSON Schema of one value, with three additional keywords: ``must`` (a description of valid
text), ``file`` (the text is the path of an input file) and ``folder`` (or of a folder)."""
KINDS = {bool: "boolean", int: "integer", float: "number", str: "string", NoneType: "null"}
NOUNS = {"integer": "an integer", "number": "a number", "string": "text"}
REQUIRED = MISSING
"""Default of an option without a default."""


@dataclass(frozen=True)
class Text:
    """Constraints on a text value.

    Attributes
    ----------
    words
        Descriptions of the valid alternatives, for messages.
    pattern
        Regular expression that must match; by default, the text must not be blank.
    file
        Whether the text is the path of an input file.
    folder
        Whether it may also be a folder, or the name of the demo data.
    """

    words: tuple[str, ...] = ()
    pattern: str = r"\S"
    file: bool = False
    folder: bool = False


FILE = Text(("the path of a file",), file=True)
FILE_OR_FOLDER = Text(("the path of a file or folder",), file=True, folder=True)
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
    """Declare a setting as a dataclass field with its help text and valid values.

    Parameters
    ----------
    default
        The default, or ``REQUIRED``.
    help
        One line for the command line, the schema and the documentation.
    minimum, maximum
        Inclusive range of a number.
    text
        Constraints on a text.
    """
    limits = {"minimum": minimum, "maximum": maximum}
    return field(default=default, metadata={"help": help, "text": text, **limits})


class Settings:
    """Base class of settings, which validates all values on construction.

    Numbers are converted to their declared type: an integer for a float becomes a float, and NumPy
    scalars become Python numbers.
    """

    def __post_init__(self) -> None:
        for name, rule in rules(type(self)).items():
            value = getattr(self, name)
            if not fits(value, rule):
                raise UserError(f"{name} is {value!r}; it must be {expected(rule, null='None')}")
            object.__setattr__(self, name, as_declared(value, rule))
        for problem in reversed_limits(vars(self)):
            raise UserError(problem)

    def __init_subclass__(cls) -> None:
        cls.__repr__ = Settings.__repr__  # type: ignore[method-assign]  # a dataclass keeps it

    def __repr__(self) -> str:
        """The class and the settings that differ from their defaults."""
        items = fields(self)  # type: ignore[arg-type]
        values = [(item, getattr(self, item.name)) for item in items]
        changed = [f"{item.name}={value!r}" for item, value in values if value != item.default]
        return f"{type(self).__name__}({', '.join(changed)})"

    def to_dict(self) -> dict[str, Any]:
        """Convert the settings to a dictionary of plain values."""
        return asdict(self)  # type: ignore[call-overload]


def rules(kind: type[Settings]) -> dict[str, Rule]:
    """The rule of each setting of a class, in declaration order."""
    hints = get_type_hints(kind)
    return {item.name: _rule(item, hints[item.name]) for item in fields(kind)}  # type: ignore[arg-type]


def summary(kind: type[Settings]) -> str:
    """The first line of the docstring of a settings class."""
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
        if text.folder:
            rule["folder"] = True
    if item.default is not REQUIRED:
        rule["default"] = item.default
    return rule


def kinds_of(rule: Rule) -> list[str]:
    """The JSON types that a rule allows; empty for an enumeration."""
    kinds = rule.get("type", [])
    return list(kinds) if isinstance(kinds, list) else [kinds]


def fits(value: Any, rule: Rule) -> bool:
    """Whether a value is valid; NaN, infinities, and booleans for numbers never are."""
    if "enum" in rule:
        return isinstance(value, str) and value in rule["enum"]
    return any(_fits_kind(value, kind, rule) for kind in kinds_of(rule))


def _fits_kind(value: Any, kind: str, rule: Rule) -> bool:
    if kind == "null":
        return value is None
    if kind == "boolean":
        return isinstance(value, bool)
    if kind == "string":
        if not isinstance(value, str) or any(character in value for character in "\n\r\0"):
            return False
        return re.search(rule["pattern"], value) is not None
    if isinstance(value, bool) or not isinstance(value, Integral if kind == "integer" else Real):
        return False
    try:
        number = float(value)
    except OverflowError:
        return False
    low, high = rule.get("minimum", -math.inf), rule.get("maximum", math.inf)
    return bool(math.isfinite(number) and low <= number <= high)


def as_declared(value: Any, rule: Rule) -> Any:
    """Convert a number to the type in its rule; return other values unchanged."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return value
    kinds = kinds_of(rule)
    if "number" in kinds:
        return float(value)
    return int(value) if "integer" in kinds and isinstance(value, Integral) else value


def reversed_limits(values: Mapping[Any, Any]) -> Iterator[str]:
    """One message per setting ``min_NAME`` that is larger than the setting ``max_NAME``.

    Values that are not numbers are skipped; :func:`fits` rejects them.
    """
    for name, low in values.items():
        if not str(name).startswith("min_"):
            continue
        other = "max_" + name.removeprefix("min_")
        high = values.get(other)
        if isinstance(low, Real) and isinstance(high, Real) and low > high:
            yield f"{name} is {low} and {other} is {high}; the minimum must not exceed the maximum"


def from_text(text: str, rule: Rule) -> Any:
    """Parse text as the type in a rule; return it unchanged if that fails, for :func:`fits`.

    >>> from_text("1e-3", {"type": "number"}), from_text("many", {"type": ["integer", "null"]})
    (0.001, 'many')
    """
    kinds = kinds_of(rule)
    if "null" in kinds and text == "null":
        return None
    readers = {"boolean": _truth, "integer": int, "number": float}
    for kind in kinds:
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
    """Description of the valid values, to complete the message "it must be".

    Parameters
    ----------
    rule
        The rule.
    null
        Name of a missing value: ``null`` in YAML, ``None`` in Python.
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
