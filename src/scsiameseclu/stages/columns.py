"""The columns of the sample sheet and the rules for their values.

Some columns exist only in the sheet, some are options for reading the file (:class:`ReadRequest`),
and some override a config key for one sample.
"""

from __future__ import annotations

import re
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

NAME = Text(
    ("1 to 80 letters, digits, _ . or -, beginning with a letter or digit",),
    "^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$",
)
META = re.compile(r"meta_[A-Za-z0-9_]{1,60}")
"""Names of free columns."""


@dataclass(frozen=True)
class SampleSettings(Settings):
    """Columns that exist only in the sheet."""

    sample: str = option(
        REQUIRED, "unique name of the sample, used for its folder and report", text=NAME
    )
    path: str = option(
        REQUIRED,
        "file or 10x folder, absolute or relative to the working directory; demo:a, demo:b: halves "
        "of the built-in demo data",
        text=FILE_OR_FOLDER,
    )
    raw: str | None = option(
        None,
        "raw matrix of all droplets of the same run, whose empty droplets give the profile of the "
        "ambient RNA",
        text=FILE_OR_FOLDER,
    )
    organism: Literal["auto", "human", "mouse"] = option(
        "auto", "organism of the marker sets; auto: inferred from the gene names"
    )
    cohort: str | None = option(
        None, "name of the cohort whose samples are analysed together", text=NAME
    )
    condition: str | None = option(
        None,
        "condition of the sample, such as control or disease, compared within the cohort",
        text=Text(("text",)),
    )
    donor: str | None = option(
        None,
        "donor of the sample, the replicate in comparisons of conditions; by default the sample",
        text=Text(("text",)),
    )


READING = tuple(rules(ReadRequest))
"""Columns that are options for reading the file."""
OVERRIDES = {
    "n_clusters": "n_clusters",
    "level": "level",
    "root": "trajectory.root",
    "cells": "droplets.cells",
    "min_counts": "quality.min_counts",
    "max_counts": "quality.max_counts",
    "min_genes": "quality.min_genes",
    "max_genes": "quality.max_genes",
    "max_pct_mito": "quality.max_pct_mito",
    "doublets": "quality.doublets",
}
"""Config keys that are overridden for one sample, by column."""


def request_of(row: Mapping[str, Any]) -> ReadRequest:
    """Options for reading the file of a row."""
    return ReadRequest(**{name: row[name] for name in READING if name in row})


def _columns() -> dict[str, Rule]:
    sheet_only = rules(SampleSettings)
    columns = {name: sheet_only[name] for name in ("sample", "path")} | rules(ReadRequest)
    columns |= {name: sheet_only[name] for name in sheet_only if name not in columns}
    for name, key in OVERRIDES.items():
        rule = rule_of_key(key)
        text = rule["description"].partition("; null:")[0]
        columns[name] = rule | {"description": f"{text} (overrides config key {key})"}
        columns[name].pop("default")
    return {name: _of_cell(rule) for name, rule in columns.items()}


def rule_of_column(name: str) -> Rule | None:
    """The rule of a column of the sheet; None if there is no such column."""
    return FREE if META.fullmatch(name) else COLUMNS.get(name)


def rule_of_key(key: str) -> Rule:
    """The rule of a config key such as ``seed`` or ``quality.min_counts``."""
    section, _, name = key.rpartition(".")
    return rules(SECTIONS[section] if section else RunSettings)[name]


def _of_cell(rule: Rule) -> Rule:
    """The rule for a non-empty cell of the sheet: not null, and of a single type."""
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
"""Rules of the values by column, in the order of the documentation."""
FREE: Rule = {
    "type": "string",
    "pattern": r"\S",
    "description": "metadata of the sample, copied to the column of the same name in obs",
}
"""Rule of the values of free columns, ``meta_*``."""
