"""The columns of the sample sheet, each with the rule of its cells.

Some columns are of the sheet alone, some say how the file is read (:class:`ReadRequest`), and some
override a key of the config for one sample.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from scsiameseclu.io.request import ReadRequest
from scsiameseclu.options import (
    FILE_OR_FOLDER,
    REQUIRED,
    Rule,
    Settings,
    Text,
    kinds_of,
    option,
    rules,
)
from scsiameseclu.run_settings import SECTIONS, RunSettings


@dataclass(frozen=True)
class SampleSettings(Settings):
    """What only the sheet says of a sample."""

    sample: str = option(
        REQUIRED,
        "unique name of the sample, used for its folder and report",
        text=Text(
            ("1 to 80 letters, digits, _ . or -, beginning with a letter or digit",),
            "^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$",
        ),
    )
    path: str = option(
        REQUIRED,
        "file or 10x folder, absolute or relative to the working directory; demo:a and demo:b are "
        "the two halves of the built-in demo data",
        text=FILE_OR_FOLDER,
    )
    organism: Literal["auto", "human", "mouse"] = option(
        "auto", "organism of the marker sets; auto: inferred from the gene names"
    )


READING = tuple(rules(ReadRequest))
"""The columns that say how the file is read."""
OVERRIDES = {
    "n_clusters": "n_clusters",
    "root": "trajectory.root",
    "min_counts": "quality.min_counts",
    "max_counts": "quality.max_counts",
    "min_genes": "quality.min_genes",
    "max_genes": "quality.max_genes",
    "max_pct_mito": "quality.max_pct_mito",
    "doublets": "quality.doublets",
}
"""Columns that override a config key for one sample, and that key."""


def request_of(row: Mapping[str, Any]) -> ReadRequest:
    """How the file of a row is to be read."""
    return ReadRequest(**{name: row[name] for name in READING if name in row})


def _columns() -> dict[str, Rule]:
    only_here = rules(SampleSettings)
    columns = {name: only_here[name] for name in ("sample", "path")} | rules(ReadRequest)
    columns["organism"] = only_here["organism"]
    for name, key in OVERRIDES.items():
        rule = rule_of_key(key)
        text = rule["description"].partition("; null:")[0]
        columns[name] = rule | {"description": f"{text} (overrides config key {key})"}
        columns[name].pop("default")
    return {name: _of_cell(rule) for name, rule in columns.items()}


def rule_of_key(key: str) -> Rule:
    """The rule of a config key such as ``seed`` or ``quality.min_counts``."""
    section, _, name = key.rpartition(".")
    return rules(SECTIONS[section] if section else RunSettings)[name]


def _of_cell(rule: Rule) -> Rule:
    """The rule for a filled cell of the sheet: never null, and of one type."""
    rule = dict(rule)
    if "type" in rule:
        kinds = [kind for kind in kinds_of(rule) if kind != "null"]
        rule["type"] = "string" if "string" in kinds else kinds[0]
    if rule.get("type") == "string":
        rule.pop("minimum", None)
    if rule.get("default", "") is None:
        del rule["default"]
    return rule


COLUMNS = _columns()
"""The rule of each column's cells, in the order in which they are documented."""
