"""Loading, completion and validation of the config and its sample sheet.

Snakemake and ``make check`` use the same functions. They require only the standard library and
PyYAML, since Snakemake may run on hosts without NumPy.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from scsiameseclu.annotation.tissues import tissues_of
from scsiameseclu.errors import UserError
from scsiameseclu.options import (
    Rule,
    as_declared,
    fits,
    from_text,
    reversed_limits,
    rules,
    summary,
)
from scsiameseclu.run_settings import SECTIONS, RunSettings
from scsiameseclu.settings import AnnotationSettings
from scsiameseclu.stages.cohorts import Cohorts, cohort_problems, cohorts_of, model_problem
from scsiameseclu.stages.condition_checks import condition_problems
from scsiameseclu.stages.input_files import file_problem
from scsiameseclu.stages.schema_messages import problems_with, reversed_range
from scsiameseclu.stages.sheet import Row, Sheet, check_sheet
from scsiameseclu.stages.trajectory import label_as_root

Config = dict[str, Any]
OVERRIDDEN = re.compile(r"[a-zA-Z_][\w-]*\w$")
"""Names of the keys that Snakemake's ``--config`` accepts."""


def _closed(properties: dict[str, Rule], **more: Any) -> Rule:
    return {
        "type": "object",
        **more,
        "additionalProperties": False,
        "properties": properties,
    }


SCHEMA = _closed(
    rules(RunSettings)
    | {
        name: _closed(rules(section), description=summary(section))
        for name, section in SECTIONS.items()
    }
)
"""The JSON Schema of the config."""


def load_config(files: Sequence[Path]) -> Config:
    """Load and merge YAML files; later files take precedence.

    Raises
    ------
    UserError
        A file does not exist, is not YAML, or has no keys at its top level.
    """
    config: Config = {}
    for file in files:
        try:
            loaded = yaml.safe_load(file.read_text(encoding="utf-8"))
        except OSError as error:
            raise UserError(
                f"config file {file} cannot be read ({error.strerror}); check its path"
            ) from error
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            details = " ".join(str(error).split())
            raise UserError(f"config file {file} is not valid YAML ({details}); fix it") from error
        if not isinstance(loaded, dict):
            raise UserError(f"config file {file} has no keys at its top level; write `key: value`")
        _update(config, loaded)
    return config


def add_overrides(config: Config, entries: Sequence[str]) -> None:
    """Merge ``KEY=VALUE`` entries into ``config`` in place, as Snakemake's ``--config`` does.

    A value is a number, ``True``, ``False``, or YAML whose scalars are text, which
    :func:`with_defaults` parses.

    Raises
    ------
    UserError
        An entry is not of the form ``KEY=VALUE``.
    """
    for entry in entries:
        key, sign, text = entry.partition("=")
        if not sign or not OVERRIDDEN.match(key):
            raise UserError(f"--config {entry!r} is not of the form KEY=VALUE; correct it")
        _update(config, {key: _override(text)})


def _override(text: str) -> Any:
    if text in ("", "True", "False"):
        return {"": None, "True": True, "False": False}[text]
    readers: tuple[Callable[[str], Any], ...] = (
        int,
        float,
        partial(yaml.load, Loader=yaml.BaseLoader),
    )
    for read in readers:
        try:
            return read(text)
        except (ValueError, yaml.YAMLError):
            continue
    return text


def _update(config: Config, changes: Config) -> None:
    """Merge ``changes`` into ``config`` in place, key by key within sections."""
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(config.get(key), dict):
            _update(config[key], value)
        else:
            config[key] = value


def checked(config: Config) -> tuple[Config, dict[str, Row], list[str]]:
    """The config with defaults, the rows of its sheet by sample, and all problems of both.

    Input files that cannot be read are only listed if there are other problems, or no sample is
    left; see :func:`unreadable_files`.
    """
    complete = with_defaults(config)
    problems = config_problems(complete)
    sheet = sheet_of(complete)
    rows = {row.get("sample", ""): row for row in sheet.rows}
    problems += sheet.all_problems
    problems += joint_problems(complete, cohorts_of(complete, sheet.rows))
    if problems or all(line.file_problems for line in sheet.lines):
        problems += sheet.file_problems
    return complete, rows, problems


def unreadable_files(config: Config) -> list[str]:
    """Messages on the input files of single samples, which fail alone."""
    return sheet_of(config).file_problems


def joint_problems(config: Config, cohorts: Cohorts) -> list[str]:
    """Why cohorts cannot be analysed, or their conditions compared as asked."""
    section = config["conditions"]
    of_conditions = condition_problems(section, cohorts) if isinstance(section, Mapping) else ()
    return [*cohort_problems(config, cohorts), *of_conditions]


def sheet_of(config: Config) -> Sheet:
    """The checked sample sheet of a config; empty if the config has no valid path to one."""
    samples = config["samples"]
    if not fits(samples, rules(RunSettings)["samples"]):
        return Sheet()
    sheet = check_sheet(samples)
    for line in sheet.lines:
        line.problems += [
            f"{samples}, line {line.number}{problem}" for problem in _conflicts(config, line.row)
        ]
    return sheet


def _conflicts(config: Config, row: Row) -> Iterator[str]:
    """Problems of a row together with the config, neither of which has them alone."""
    quality, trajectory = (
        section if isinstance(section, Mapping) else {}
        for section in (config["quality"], config["trajectory"])
    )
    merged = {key: row.get(key, value) for key, value in quality.items()}
    reported = {*reversed_limits(quality), *reversed_limits(row)}
    for problem in reversed_limits(merged):
        if problem not in reported:
            yield f", with config section quality: {problem}"
    root = row.get("root", trajectory.get("root"))
    if trajectory.get("run") is not True or not isinstance(root, str):
        return
    if message := label_as_root(root, row.get("label")):
        yield f": {message}"


def with_defaults(config: Mapping[str, Any], schema: Rule = SCHEMA) -> Config:
    """Copy ``config`` with defaults for all missing keys.

    An empty section (null in YAML) counts as missing. Two peculiarities of YAML 1.1 are corrected,
    which reads ``off`` as false and ``1e-3`` as text: text is parsed as on the command line.
    Numbers are converted to their declared type.
    """
    complete = dict(config)
    for key, rule in schema["properties"].items():
        if rule.get("type") == "object":
            section = complete.get(key)
            if section is None or isinstance(section, Mapping):
                complete[key] = with_defaults(section or {}, rule)
        else:
            complete[key] = _corrected(complete[key], rule) if key in complete else rule["default"]
    return complete


def config_problems(config: Config) -> list[str]:
    """One message per problem of a config with defaults."""
    problems = list(
        problems_with(
            config,
            SCHEMA,
            place=lambda path: "config key " + ".".join(path),
            section=lambda path: "config section " + ".".join(path) if path else "config",
        )
    )
    problems += [f"config key {problem}" for problem in reversed_range(config)]
    for name in SECTIONS:
        if isinstance(config[name], Mapping):
            problems += [f"config section {name}: {text}" for text in reversed_limits(config[name])]
    problems += _outdir_problems(config["outdir"])
    problems += _tissue_problems(config["annotation"])
    problems += model_problem(config)
    return problems + list(_missing_files(config))


def _tissue_problems(annotation: Any) -> Iterator[str]:
    """The problem with the tissues, if there is one."""
    if isinstance(annotation, Mapping) and fits(
        annotation["tissue"], rules(AnnotationSettings)["tissue"]
    ):
        try:
            tissues_of(annotation["tissue"])
        except UserError as error:
            yield f"config key annotation.{error}"


def _outdir_problems(outdir: Any) -> Iterator[str]:
    """The problem with an output folder whose name is valid, if there is one."""
    if not fits(outdir, rules(RunSettings)["outdir"]):
        return
    folder = Path(outdir)
    if folder in (Path(), Path("/")):
        yield f"config key outdir is {outdir!r}; it must be a folder of its own, such as results"
    for path in (folder, *folder.parents):
        if os.path.exists(path) and not os.path.isdir(path):
            yield f"config key outdir: {path} is not a folder; choose another path or rename it"


def _missing_files(config: Config) -> Iterator[str]:
    for name, section in SCHEMA["properties"].items():
        values = config[name]
        if section.get("type") != "object" or not isinstance(values, Mapping):
            continue
        for key, rule in section["properties"].items():
            path = values.get(key)
            if not rule.get("file") or path is None or not fits(path, rule):
                continue
            if problem := file_problem(path, rule):
                yield f"config key {name}.{key}: {problem}"


def _corrected(value: Any, rule: Rule) -> Any:
    if value is False and "off" in rule.get("enum", []):
        return "off"
    if isinstance(value, str):
        value = from_text(value, rule)
    return as_declared(value, rule) if fits(value, rule) else value
