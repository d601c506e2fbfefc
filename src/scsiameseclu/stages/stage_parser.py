"""The command-line options of a stage, from the parameters of its function ``run``.

A stage is a module of this package with a function ``run``, whose keyword parameters become
options: one per field of a :class:`~scsiameseclu.options.Settings` class, and one per other
parameter.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from scsiameseclu.io.request import ReadRequest
from scsiameseclu.options import Rule, Settings, from_text, rules, summary
from scsiameseclu.run_settings import RunSettings
from scsiameseclu.stages.columns import SampleSettings
from scsiameseclu.store.manifest import FEATURES

STAGES = (
    "check", "ingest", "quality", "ambient", "join", "expression", "graph", "train", "cluster",
    "curate", "layout", "markers", "reference", "transfer", "annotate", "trajectory", "map",
    "conditions", "evaluate", "assemble", "export", "report", "pages", "cohort",
)  # fmt: skip
HELP = {
    "source": "file, 10x folder, demo:a or demo:b",
    "directory": "folder to write to",
    "reference": "output folder of the stage reference",
    "results": "results folder",
    "samples": "sample sheet (tsv)",
    "configfile": "config files (YAML); later files take precedence",
    "config": "KEY=VALUE entries that replace values of the config, as in Snakemake",
    "labels": "column with published labels of each sample, as a JSON object",
    "member_features": "optional features of the samples of the cohort",
    "cohorts": "names of the cohorts",
    "cohort_features": "optional features of the cohorts",
    "members": "samples of the cohort",
    "batches": "batch of each sample, as a JSON object",
    "left_out": "samples of the cohort that failed",
    "corrected": "join counts without ambient RNA (true or false)",
    "named": "whether the sheet names the cohort (true or false)",
    "min_cells": "genes detected in fewer cells of the cohort are removed",
    "design": "condition, donor and other metadata of each sample, as a JSON object",
    "features": f"optional features of the run: {', '.join(FEATURES)}",
}
"""Help texts of the options that are not settings."""
NUMBERS = {
    "threads": "number of threads (default: all cores)",
    "asked-mb": "requested memory in MB, for the report",
    "asked-minutes": "requested time in minutes, for the report",
    "attempt": "how often the stage has been started for one request, for the report",
}
"""Options that are numbers of 1 or more, with their help texts."""
Work = Callable[..., None]


def work_of(stage: str) -> Work:
    """The function ``run`` of a stage."""
    work: Work = importlib.import_module(f"scsiameseclu.stages.{stage}").run
    return work


def parameters(work: Work) -> dict[str, tuple[Any, Any]]:
    """Type and default (or ``inspect.Parameter.empty``) of the parameters of a stage, by name."""
    hints = get_type_hints(work, localns={"SampleFolder": object})
    listed = inspect.signature(work).parameters
    return {name: (hints[name], item.default) for name, item in listed.items() if name != "folder"}


def is_settings(hint: Any) -> bool:
    """Whether a parameter is a section of settings."""
    return isinstance(hint, type) and issubclass(hint, Settings)


def stage_parser(stage: str, prog: str | None = None) -> argparse.ArgumentParser:
    """The argument parser of a stage, without defaults for missing options.

    Parameters
    ----------
    stage
        Name of the stage.
    prog
        How the program was called, for its help; by default ``STAGE.py``.
    """
    module = importlib.import_module(f"scsiameseclu.stages.{stage}")
    work = work_of(stage)
    parser = argparse.ArgumentParser(
        prog=prog or f"{stage}.py",
        description=inspect.getdoc(module),
        argument_default=argparse.SUPPRESS,
    )
    if "folder" in inspect.signature(work).parameters:
        parser.add_argument("--folder", type=_path, required=True, help="folder of the sample")
        parser.add_argument("--sample", help="name of the sample (default: name of the folder)")
        parser.add_argument(
            "--features",
            nargs="*",
            choices=FEATURES,
            help="optional features of the run (default: none)",
        )
    parser.add_argument(
        "--settings", type=_path, metavar="FILE", help="JSON file with values for all options"
    )
    for name, help_text in NUMBERS.items():
        parser.add_argument(f"--{name}", type=_positive, help=help_text)
    for name, (hint, _) in parameters(work).items():
        if is_settings(hint):
            add_settings(parser, name, hint)
        else:
            _add_option(parser, name, hint)
    return parser


def _path(text: str) -> Path:
    if not text.strip():  # an unset variable of a script, which Path takes for the current folder
        raise argparse.ArgumentTypeError("the path is empty")
    return Path(text)


def _positive(text: str) -> int:
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 1 or more")
    return number


def add_settings(parser: argparse.ArgumentParser, name: str, kind: type[Settings]) -> None:
    """Add one option per setting of a class.

    A value of the wrong type is kept as text and rejected by the class, like a number out of range.
    """
    group = parser.add_argument_group(name, summary(kind))
    for setting, rule in rules(kind).items():
        _add_setting(group, setting, rule)


def _add_option(parser: argparse.ArgumentParser, name: str, hint: Any) -> None:
    shared = rules(RunSettings) | rules(ReadRequest) | rules(SampleSettings)
    if name in shared and name not in HELP:
        _add_setting(parser, name, shared[name])
        return
    many = get_origin(hint) is Sequence
    plain = get_args(hint)[0] if many else hint
    parser.add_argument(
        "--" + name.replace("_", "-"),
        type=_reader(plain),
        nargs="*" if many else None,
        help=HELP[name],
    )


def _reader(hint: Any) -> Callable[[str], Any]:
    """The function that reads a value of a type from the command line."""
    if hint is Path:
        return _path
    if hint is int:
        return int
    if hint is bool or any(get_origin(part) is dict for part in (hint, *get_args(hint))):
        return json.loads
    return str


def _add_setting(parser: Any, name: str, rule: Rule) -> None:
    default = rule.get("default")
    shown = "" if default is None else f" (default: {default})"
    parser.add_argument(
        "--" + name.replace("_", "-"),
        dest=name,
        type=partial(from_text, rule=rule),
        metavar="{" + ",".join(rule["enum"]) + "}" if "enum" in rule else None,
        help=(rule["description"] + shown).replace("%", "%%"),
    )
