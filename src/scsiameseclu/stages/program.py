"""The command-line program of a stage: settings file, threads, log and failures.

``--settings FILE`` reads all options of a stage from a JSON file, as written by the workflow;
options on the command line take precedence.
"""

from __future__ import annotations

import inspect
import json
import logging
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from scsiameseclu.errors import UserError
from scsiameseclu.io.request import ReadRequest
from scsiameseclu.options import expected, fits, rules
from scsiameseclu.run_settings import RunSettings
from scsiameseclu.stages.columns import SampleSettings
from scsiameseclu.stages.endings import ending_of, print_unexpected
from scsiameseclu.stages.notes import clear_failure, note_usage, noted_as_running
from scsiameseclu.stages.program_run import ProgramRun
from scsiameseclu.stages.stage_parser import (
    HELP,
    Work,
    is_settings,
    parameters,
    stage_parser,
    work_of,
)
from scsiameseclu.stages.threads import limit_loaded, set_variables
from scsiameseclu.stages.watching import watch


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
    shared_mb: float = 0,
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
    shared_mb
        Memory in MB of libraries that this process shares with the warm process it was forked from;
        0 for a process of its own.
    """
    started = time.monotonic()
    parser = stage_parser(stage, prog)
    options = vars(parser.parse_args(argv))
    if "sample" in options and not fits(options["sample"], rules(SampleSettings)["sample"]):
        must = expected(rules(SampleSettings)["sample"])
        parser.error(f"argument --sample: {options['sample']!r} is not a name; it must be {must}")
    threads = options.get("threads")
    set_variables(threads)
    directory: Path | None = options.get("folder") or _directory(options)
    folder_name = options["folder"].resolve().name if "folder" in options else ""
    sample = options.get("sample", folder_name)
    attempt = options.get("attempt", 1)
    program = ProgramRun(stage, sample, directory, options.get("asked_mb"), attempt, shared_mb)
    program.refuse_repetition()
    if directory is not None:
        clear_failure(directory, stage)
    if watched:
        watch(program.died)
    if shared_mb:
        limit_loaded()
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
                    shared_mb=shared_mb,
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
