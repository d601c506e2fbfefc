"""Which samples are analysed together, from the config and the sample sheet.

Snakemake and ``make check`` use the same functions. They require only the standard library, since
Snakemake may run on hosts without other dependencies.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from scsiameseclu.options import Rule, fits, rules
from scsiameseclu.settings import CohortSettings
from scsiameseclu.stages.columns import META
from scsiameseclu.store import manifest

Row = dict[str, Any]
Cohorts = dict[str, list[Row]]
ALL = "all"
"""Name of the cohort of all samples, of sheets without a column ``cohort``."""
MODEL = ("model", "clusters", "embedding", "expression", "annotation_table")
"""Files of a cohort that mapping reads."""
DESIGN = ("condition", "donor")
"""Columns of the sheet that describe a sample of a cohort, besides ``meta_*``."""


def cohorts_of(config: Mapping[str, Any], rows: Iterable[Row]) -> Cohorts:
    """The rows of the samples of each cohort, in the order of the sheet.

    Parameters
    ----------
    config
        The config with defaults. Invalid settings, which are reported elsewhere, count as defaults.
    rows
        Rows of the sheet.
    """
    rows = [row for row in rows if "sample" in row]
    run = _setting(config, "run")
    named = [row for row in rows if row.get("cohort")]
    if run == "off" or mapped_onto(config) is not None:
        return {}
    if run == "auto" and not named:
        return {ALL: rows} if len(rows) > 1 else {}
    cohorts: Cohorts = {}
    for row in named:
        cohorts.setdefault(row["cohort"], []).append(row)
    return cohorts


def mapped_onto(config: Mapping[str, Any]) -> str | None:
    """Folder of the cohort that samples are mapped onto, None for none."""
    section = config.get("cohort")
    model = section.get("model") if isinstance(section, Mapping) else None
    return model if isinstance(model, str) and model.strip() else None


def model_problem(config: Mapping[str, Any]) -> Iterator[str]:
    """Why samples cannot be mapped onto a cohort."""
    model = mapped_onto(config)
    if model is None:
        return
    lacking = [name for name in MODEL if not os.path.exists(Path(model) / manifest.PATHS[name])]
    if lacking:
        yield (
            f"config key cohort.model: {model} is not the folder of a finished cohort, such as "
            f"results/cohorts/all (it has no {manifest.PATHS[lacking[0]]}); correct the path"
        )


def cohort_problems(config: Mapping[str, Any], cohorts: Cohorts) -> list[str]:
    """Why cohorts cannot be analysed, one message per problem."""
    problems = [
        f"cohort {name!r} has a single sample ({rows[0]['sample']}); add another one, or leave its "
        "column cohort empty"
        for name, rows in cohorts.items()
        if len(rows) < 2
    ]
    problems += [
        f"cohorts {first!r} and {second!r} differ only by spelling; rename one"
        for first, second in _alike(cohorts)
    ]
    column = _setting(config, "batch")
    for name, rows in cohorts.items():
        for what in DESIGN:
            pairs = _alike(row[what] for row in rows if what in row)
            problems += [
                f"cohort {name!r}: {what} {first!r} and {second!r} differ only by spelling; "
                "correct one in the sample sheet"
                for first, second in pairs
            ]
        lacking = [row["sample"] for row in rows if _batch(row, column) is None]
        if lacking:
            problems.append(
                f"cohort {name!r}: config key cohort.batch is {column}, but the sample sheet has "
                f"no {column} for {', '.join(lacking)}; add it, or set cohort.batch: sample"
            )
    return problems


def cohort_warnings(config: Mapping[str, Any], cohorts: Cohorts) -> Iterator[str]:
    """What limits the comparison of conditions in cohorts without problems."""
    for name, rows in cohorts.items():
        by_condition: dict[str, set[str]] = {}
        for row in rows:
            if "condition" in row:
                donors = by_condition.setdefault(row["condition"], set())
                donors.add(str(row.get("donor", row["sample"])))
        if not by_condition:
            continue
        without = [row["sample"] for row in rows if "condition" not in row]
        if without:
            yield (
                f"cohort {name!r}: {', '.join(without)} without a condition take no part in the "
                "comparison of conditions"
            )
        if len(by_condition) == 1:
            yield (
                f"cohort {name!r}: all samples have the condition {next(iter(by_condition))!r}; "
                "nothing is compared"
            )
            continue
        for condition, donors in by_condition.items():
            if len(donors) == 1:
                yield (
                    f"cohort {name!r}: condition {condition!r} has a single replicate "
                    f"({next(iter(donors))}); differences are shown, but not tested"
                )
        yield from _connamesed(name, rows, _setting(config, "batch"))


def batches_of_samples(config: Mapping[str, Any], rows: Iterable[Row]) -> dict[str, str] | None:
    """The batch of each sample; None if each sample's file has batches of its own."""
    column = _setting(config, "batch")
    if column == "batch":
        return None
    return {row["sample"]: str(_batch(row, column)) for row in rows}


def design(rows: Iterable[Row]) -> dict[str, dict[str, str]]:
    """Condition, donor and free columns of each sample that the sheet has, by sample."""
    return {
        row["sample"]: {
            name: str(value)
            for name, value in row.items()
            if name in DESIGN or META.fullmatch(name)
        }
        for row in rows
    }


def has_conditions(cohorts: Cohorts) -> bool:
    """Whether any sample of a cohort has a condition."""
    return any("condition" in row for rows in cohorts.values() for row in rows)


def common_settings(rows: Sequence[Row]) -> dict[str, str]:
    """Label column and organism, where all samples that have one have the same."""
    values = {name: {row[name] for row in rows if name in row} for name in ("label", "organism")}
    return {name: names.pop() for name, names in values.items() if len(names) == 1}


def _connamesed(name: str, rows: list[Row], column: str) -> Iterator[str]:
    """A warning if every batch of several samples has a single condition."""
    if column in ("sample", "donor", "batch"):
        return
    pairs = {(_batch(row, column), row["condition"]) for row in rows if "condition" in row}
    batches = {batch for batch, _ in pairs}
    if len(pairs) == len(batches) > 1:
        yield (
            f"cohort {name!r}: each {column} has a single condition, so that differences between "
            "conditions cannot be told from those between batches"
        )


def _batch(row: Row, column: str) -> str | None:
    if column in ("sample", "batch"):
        return str(row["sample"])
    value = row.get(column)
    return str(row["sample"]) if value is None and column == "donor" else value


def _alike(names: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of names that differ, but not in their letters and digits."""
    first: dict[str, str] = {}
    pairs = []
    for name in dict.fromkeys(names):
        key = "".join(letter for letter in name.casefold() if letter.isalnum()) or name
        if key in first:
            pairs.append((first[key], name))
        first.setdefault(key, name)
    return pairs


def _setting(config: Mapping[str, Any], name: str) -> str:
    rule: Rule = rules(CohortSettings)[name]
    section = config.get("cohort")
    value = section.get(name) if isinstance(section, Mapping) else None
    return str(value if fits(value, rule) else rule["default"])
