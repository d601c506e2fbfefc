"""What every program under ``scripts/`` shares: options, threads, log lines and failures."""

import argparse
import json
import logging
import os
import resource
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from scsiameseclu.errors import UserError
from scsiameseclu.options import Settings, from_text, rules, summary

SomeSettings = TypeVar("SomeSettings", bound=Settings)
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)


def stage_parser(description: str | None) -> argparse.ArgumentParser:
    """A parser with the options that all stages take."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--sample", default="sample", help="name of the sample, for messages")
    parser.add_argument("--seed", type=int, default=0, help="seed of every random choice")
    parser.add_argument("--threads", type=int, default=None, help="threads to use (default: all)")
    parser.add_argument(
        "--failure", type=Path, default=None, help="where to leave a JSON note if the stage fails"
    )
    parser.add_argument("--usage", type=Path, help="where to note the time and memory taken")
    parser.add_argument("--asked-mb", type=int, help="memory that was asked for, for that note")
    parser.add_argument("--asked-minutes", type=int, help="time that was asked for, likewise")
    return parser


def add_settings(parser: argparse.ArgumentParser, kind: type[Settings]) -> None:
    """Add one option for each setting of a class.

    A value of the wrong type is kept as text, so that the class refuses it as it refuses a number
    out of range.
    """
    group = parser.add_argument_group(summary(kind).rstrip("."))
    for name, rule in rules(kind).items():
        group.add_argument(
            "--" + name.replace("_", "-"),
            dest=name,
            type=partial(from_text, rule=rule),
            metavar="{" + ",".join(rule["enum"]) + "}" if "enum" in rule else None,
            default=rule["default"],
            help=rule["description"].replace("%", "%%"),
        )


def settings_from(arguments: argparse.Namespace, kind: type[SomeSettings]) -> SomeSettings:
    """The settings object that the parsed options describe."""
    return kind(**{name: getattr(arguments, name) for name in rules(kind)})


def run_stage(
    stage: str,
    parser: argparse.ArgumentParser,
    work: Callable[[argparse.Namespace], Any],
    argv: Sequence[str] | None = None,
) -> None:
    """Parse, set threads and log, do the work, and end with exit code 0 or 1.

    A :class:`UserError` is printed as one sentence. Every failure leaves a note (stage, sentence)
    in ``--failure``, which the cohort page reads; a success of the same stage takes it away.
    """
    started = time.monotonic()
    arguments = parser.parse_args(argv)
    if arguments.threads:
        for variable in THREAD_VARIABLES:
            os.environ[variable] = str(arguments.threads)
    # idle threads sleep: on a shared node spinning ones make every job several times slower
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    where = f"{arguments.sample} {stage}".replace("%", "%%")
    logging.basicConfig(
        level=logging.INFO,
        format=f"%(asctime)s {where}: %(message)s",
        datefmt="%H:%M:%S",
        stream=sys.stderr,
    )
    try:
        work(arguments)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        _note_failure(arguments.failure, arguments.sample, stage, str(error))
        sys.exit(1)
    except Exception as error:
        traceback.print_exc()
        name = type(error).__name__
        sentence = f"unexpected {name} in stage {stage}; its log under results/logs has the details"
        _note_failure(arguments.failure, arguments.sample, stage, sentence)
        sys.exit(1)
    _clear_failure(arguments.failure, stage)
    _note_usage(arguments, stage, time.monotonic() - started)


def _note_failure(path: Path | None, sample: str, stage: str, sentence: str) -> None:
    if path is None:
        return
    from scsiameseclu.store.atomic import write_json

    write_json(path, {"sample": sample, "stage": stage, "reason": sentence})


def _clear_failure(path: Path | None, stage: str) -> None:
    if path is not None and path.is_file() and json.loads(path.read_text())["stage"] == stage:
        path.unlink()


def _note_usage(arguments: argparse.Namespace, stage: str, seconds: float) -> None:
    """Time and peak memory, beside what was asked for: the report shows both."""
    if arguments.usage is None:
        return
    from scsiameseclu.store.atomic import write_json

    own, others = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    per_mb = 2**20 if sys.platform == "darwin" else 2**10
    write_json(
        arguments.usage,
        {
            "stage": stage,
            "seconds": round(seconds, 1),
            "cpu_seconds": round(sum(u.ru_utime + u.ru_stime for u in (own, others)), 1),
            "peak_mb": round(max(own.ru_maxrss, others.ru_maxrss) / per_mb),
            "asked_mb": arguments.asked_mb,
            "asked_minutes": arguments.asked_minutes,
            "threads": arguments.threads,
            "where": where_it_ran(os.environ),
        },
    )


def where_it_ran(environment: Mapping[str, str]) -> dict[str, str]:
    """Node, partition and GPUs of a Slurm job, and the container's image, as far as there are any.

    Empty outside of Slurm and containers, so that two runs on one machine leave the same.
    """
    names = {
        "node": ("SLURMD_NODENAME",),
        "partition": ("SLURM_JOB_PARTITION",),
        "gpus": ("SLURM_JOB_GPUS", "SLURM_STEP_GPUS"),
        "image": ("APPTAINER_CONTAINER", "SINGULARITY_CONTAINER"),
    }
    found = {
        what: [environment[v] for v in own if environment.get(v)] for what, own in names.items()
    }
    return {what: values[0] for what, values in found.items() if values}
