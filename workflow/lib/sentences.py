"""What is wrong with a value by its JSON schema, as sentences that a user can act on."""

import difflib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

Schema = dict[str, Any]
Place = Callable[[list[str]], str]
NOUNS = {
    "integer": "an integer",
    "number": "a number",
    "string": "text",
    "boolean": "true or false",
    "object": "a section with keys of its own",
}


def load_schema(path: str | Path) -> Schema:
    """A schema file in YAML."""
    loaded: Schema = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    return loaded


def problems_with(value: dict[str, Any], schema: Schema, place: Place, section: Place) -> list[str]:
    """One sentence for each way in which ``value`` breaks ``schema``; empty if it does not.

    Parameters
    ----------
    value
        The config, or a row of the sheet.
    schema
        Its schema; a key ``must`` beside a pattern says in words what it asks for.
    place, section
        How to name the value, and the mapping, at a path of keys.
    """
    return sorted(
        sentence
        for error in Draft202012Validator(schema).iter_errors(value)
        for sentence in _sentences(error, place, section)
    )


def unknown_name(name: str, known: list[str], kind: str) -> str:
    """The sentence for a key or column that is not known, with the nearest one that is."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    advice = f"did you mean {near[0]!r}?" if near else f"the known ones are {', '.join(known)}"
    return f"unknown {kind} {name!r}; {advice}"


def _sentences(error: ValidationError, place: Place, section: Place) -> Iterator[str]:
    path = [str(part) for part in error.absolute_path]
    value: Any = error.instance
    schema = error.schema
    assert isinstance(schema, dict)
    if error.validator == "additionalProperties":
        known = list(schema["properties"])
        for name in value:
            if name not in known:
                yield f"{section(path)}: {unknown_name(str(name), known, 'key')}"
    elif error.validator == "required":
        for name in schema["required"]:
            if name not in value:
                yield f"{place([*path, name])} is missing; give it a value"
    else:
        yield f"{place(path)} is {_shown(value)}; it must be {_expected(schema)}"


def _shown(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        return "a section" if isinstance(value, dict) else "a list"
    return repr(value)


def _expected(schema: Schema) -> str:
    """What a value must be, in words."""
    if "enum" in schema:
        return "one of " + ", ".join(map(str, schema["enum"]))
    if "must" in schema:
        return str(schema["must"])
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    words = " or ".join(NOUNS[kind] for kind in kinds if kind != "null")
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and high is not None:
        words += f" from {low} to {high}"
    elif low is not None:
        words += f" of {low} or more"
    return f"{words}, or null" if "null" in kinds else words
