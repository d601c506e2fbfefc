"""The command-line program of a stage: options, settings file, threads, log and failures.

A stage is a module of this package with a function ``run``, whose keyword parameters become
options: one per field of a :class:`~scsiameseclu.options.Settings` class, and one per other
parameter. ``--settings FILE`` reads all options from a JSON file, as written by the workflow;
options on the command line take precedence.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from scsiameseclu.errors import UserError
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.options import Rule, Settings, expected, fits, from_text, rules, summary
from scsiameseclu.run_settings import RunSettings
from scsiameseclu.stages.columns import SampleSettings
from scsiameseclu.stages.endings import ending_of, print_unexpected
from scsiameseclu.stages.notes import clear_failure, note_usage, noted_as_running
from scsiameseclu.stages.program_run import ProgramRun
from scsiameseclu.stages.watching import watch
from scsiameseclu.store.manifest import FEATURES

STAGES = (
    "check", "ingest", "quality", "ambient", "join", "expression", "graph", "train", "cluster",
    "curate", "layout", "markers", "reference", "transfer", "annotate", "trajectory", "map",
    "conditions", "evaluate", "assemble", "export", "report", "pages", "cohort",
)  # fmt: skip
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
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
        parser.add_argument("--folder", type=Path, required=True, help="folder of the sample")
        parser.add_argument("--sample", help="name of the sample (default: name of the folder)")
        parser.add_argument(
            "--features",
            nargs="*",
            choices=FEATURES,
            help="optional features of the run (default: none)",
        )
    parser.add_argument(
        "--settings", type=Path, metavar="FILE", help="JSON file with values for all options"
    )
    for name, help_text in NUMBERS.items():
        parser.add_argument(f"--{name}", type=_positive, help=help_text)
    for name, (hint, _) in parameters(work).items():
        if is_settings(hint):
            add_settings(parser, name, hint)
        else:
            _add_option(parser, name, hint)
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a number of 1 or more")
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
    if hint is Path or hint is int:
        return hint
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


def arguments_of(work: Work, options: Mapping[str, Any]) -> dict[str, Any]:
    """The keyword arguments of a stage from the parsed options and the settings file.

    Raises
    ------
    UserError
        The file is unreadable or has an unknown key, or a value is missing or out of range.
    """
    listed = _read_settings(options.get("settings"))
    arguments: dict[str, Any] = {}
    for name, (hint, default) in parameters(work).items():
        if is_settings(hint):
            names = set(rules(hint))
            section = listed.pop(name, {})
            if not isinstance(section, dict):
                raise UserError(f"section {name} of the settings file is not an object; correct it")
            values = section | {k: v for k, v in options.items() if k in names}
            if unknown := sorted(set(values) - names):
                raise UserError(
                    f"unknown setting {', '.join(unknown)} in section {name}; remove it from the "
                    "settings file"
                )
            arguments[name] = hint(**values)
        elif name in options or name in listed:
            value = options.get(name, listed.pop(name, None))
            _check(name, value)
            arguments[name] = Path(value) if hint is Path else value
        elif default is inspect.Parameter.empty:
            raise UserError(f"--{name.replace('_', '-')} is missing; specify it")
    if listed:
        raise UserError(
            f"unknown settings: {', '.join(sorted(listed))}; remove them from the settings file"
        )
    return arguments


def _directory(options: Mapping[str, Any]) -> Path | None:
    """The folder of a stage of all samples, which may be in the settings file."""
    if "directory" in options:
        return Path(options["directory"])
    try:
        listed = _read_settings(options.get("settings"))
    except UserError:
        return None  # reported when the stage runs
    return Path(listed["directory"]) if "directory" in listed else None


def _check(name: str, value: Any) -> None:
    """Refuse a value that the configuration or the sheet would refuse."""
    shared = rules(RunSettings) | rules(ReadRequest) | rules(SampleSettings)
    if name in shared and name not in HELP and not fits(value, shared[name]):
        raise UserError(f"{name} is {value!r}; it must be {expected(shared[name], null='None')}")


def _read_settings(path: Path | None) -> dict[str, Any]:
    if path is None:
        return {}
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UserError(
            f"settings file {path} cannot be read ({error}); check its path and JSON syntax"
        ) from error
    if not isinstance(content, dict):
        raise UserError(f"settings file {path} is not a JSON object; write it as {{…}}")
    return content


def main(
    stage: str,
    argv: Sequence[str] | None = None,
    prog: str | None = None,
    *,
    watched: bool = False,
) -> None:
    """Run a stage as a program, which exits with one of the codes of ``stages.endings``.

    A :class:`UserError` is printed as one sentence. Failures are recorded in the sample's folder
    for the cohort report, and removed when the same stage starts again.

    Parameters
    ----------
    stage
        Name of the stage.
    argv, prog
        Arguments, and how the program was called; by default those of this process.
    watched
        Run the stage in a child process, and record signals that end it.
    """
    started = time.monotonic()
    parser = stage_parser(stage, prog)
    options = vars(parser.parse_args(argv))
    if "sample" in options and not fits(options["sample"], rules(SampleSettings)["sample"]):
        must = expected(rules(SampleSettings)["sample"])
        parser.error(f"argument --sample: {options['sample']!r} is not a name; it must be {must}")
    threads = options.get("threads")
    if threads:
        os.environ |= dict.fromkeys(THREAD_VARIABLES, str(threads))
    # let idle threads sleep: busy waiting makes all jobs of a shared node several times slower
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ["MPLBACKEND"] = "agg"  # a notebook hands its own down, which may not be installed
    directory: Path | None = options.get("folder") or _directory(options)
    folder_name = options["folder"].resolve().name if "folder" in options else ""
    sample = options.get("sample", folder_name)
    attempt = options.get("attempt", 1)
    program = ProgramRun(stage, sample, directory, options.get("asked_mb"), attempt)
    program.refuse_repetition()
    if directory is not None:
        clear_failure(directory, stage)
    if watched:
        watch(program.died)
    where = " ".join(filter(None, (sample, stage))).replace("%", "%%")
    logging.basicConfig(
        level=logging.INFO,
        format=f"%(asctime)s {where}: %(message)s",
        datefmt="%H:%M:%S",
        stream=sys.stderr,
    )
    try:
        with noted_as_running(directory, stage, asked_mb=program.asked_mb, attempt=attempt):
            _run(work_of(stage), options, sample)
            if directory is not None:
                note_usage(
                    directory,
                    stage,
                    time.monotonic() - started,
                    threads=threads,
                    asked_mb=options.get("asked_mb"),
                    asked_minutes=options.get("asked_minutes"),
                )
    except Exception as error:
        ending = ending_of(error, stage, directory, program.asked_mb)
        print_unexpected(error, ending.code)
        code = program.fail(ending)
        if watched:  # libraries may crash while they close files on a full disk
            sys.stderr.flush()
            os._exit(code)
        sys.exit(code)


def _run(work: Work, options: Mapping[str, Any], sample: str) -> None:
    arguments = arguments_of(work, options)
    if "folder" not in options:
        work(**arguments)
        return
    from scsiameseclu.store.folder import SampleFolder

    work(SampleFolder(options["folder"], sample, tuple(options.get("features", ()))), **arguments)
