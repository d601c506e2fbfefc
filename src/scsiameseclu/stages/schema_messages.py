"""Messages on invalid values in the config or in a row of the sample sheet."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from scsiameseclu.cluster_number import ClusterNumber
from scsiameseclu.errors import UserError
from scsiameseclu.options import Rule, expected, fits
from scsiameseclu.run_settings import CLUSTERS

Place = Callable[[tuple[str, ...]], str]
SECTION = "a section with its own keys"
PRESET = "a preset is a config file of its own; add --configfile config/presets/paper.yaml"
ELSEWHERE = {name: f"unknown key {name!r}; {PRESET}" for name in ("preset", "presets", "paper")}
"""Messages on keys that users may expect, but that are set in another way."""


def problems_with(
    values: Mapping[Any, Any],
    schema: Rule,
    place: Place,
    section: Place,
    path: tuple[str, ...] = (),
) -> Iterator[str]:
    """One message per violation of a schema.

    Parameters
    ----------
    values
        The config, one of its sections, or a row of the sheet.
    schema
        A closed JSON Schema of an object, with the rule of each key in ``properties``. Values of
        ``patternProperties`` are text.
    place, section
        Functions that name the value, and the mapping, at a path of keys.
    path
        Path of keys to ``values``.
    """
    known: dict[str, Rule] = schema["properties"]
    free = [re.compile(pattern) for pattern in schema.get("patternProperties", ())]
    for name in values:
        if name not in known and not any(pattern.search(str(name)) for pattern in free):
            yield f"{section(path)}: {ELSEWHERE.get(name) or unknown_name(str(name), list(known))}"
    for name, rule in known.items():
        here = (*path, name)
        if name not in values:
            if name in schema.get("required", ()):
                yield f"{place(here)} is missing; set it"
        elif rule.get("type") != "object":
            if not fits(values[name], rule):
                yield f"{place(here)} is {_shown(values[name])}; it must be {expected(rule)}"
        elif isinstance(values[name], Mapping):
            yield from problems_with(values[name], rule, place, section, here)
        else:
            yield f"{place(here)} is {_shown(values[name])}; it must be {SECTION}"


def reversed_range(values: Mapping[Any, Any]) -> list[str]:
    """Messages on a reversed range ``n_clusters``, which a schema cannot express."""
    value = values.get("n_clusters")
    if not isinstance(value, str) or not re.search(CLUSTERS, value):
        return []
    try:
        ClusterNumber.parse(value)
    except UserError as error:
        return [str(error)]
    return []


def unknown_name(name: str, known: list[str], kind: str = "key") -> str:
    """Message on an unknown key or column, with the most similar known one."""
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    advice = f"did you mean {near[0]!r}?" if near else f"available: {', '.join(known)}"
    return f"unknown {kind} {name!r}; {advice}"


def _shown(value: Any) -> str:
    if value is None:
        return "empty"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict | list):
        return "a section" if isinstance(value, dict) else "a list"
    return repr(value)
