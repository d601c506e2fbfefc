"""Actions after a failed run: finish cohorts without failed samples, and report the failures."""

import csv
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Any

LEFT_OUT = "SCSIAMESECLU_LEFT_OUT"
"""Environment variable with the samples that a cohort is analysed without."""


_signals: list[int] = []


def note_cancellation() -> None:
    """From now on, note signals that ask this run to end, before Snakemake handles them.

    Snakemake calls ``onerror`` for a cancelled run as for one with failed jobs.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    for number in (signal.SIGINT, signal.SIGTERM):
        handler = signal.getsignal(number)
        if callable(handler):
            signal.signal(number, _noting(handler))


def _noting(handler: Callable[[int, FrameType | None], Any]) -> Callable[..., Any]:
    def note(number: int, frame: FrameType | None) -> None:
        _signals.append(number)
        handler(number, frame)

    return note


def is_cancelled() -> bool:
    """Whether a signal has asked this run to end."""
    return bool(_signals)


def show_failures(shell: Callable[[str], Any], commands: dict[str, str], results: str) -> str:
    """Update the cohort report, and list the failed samples.

    Snakemake runs the cohort rules only after all samples have succeeded.

    Parameters
    ----------
    shell
        Snakemake's function that runs a shell command.
    commands
        Commands by name of their log (below ``logs``), in order; the first writes ``status.tsv``.
    results
        Results folder.

    Returns
    -------
    The text to print.
    """
    for name, command in commands.items():
        log = f"{results}/logs/{name}.log"
        try:
            shell(f"{command} > {log} 2>&1")
        except subprocess.CalledProcessError:
            return f"The cohort report could not be updated; see {log}"
    lines = []
    for file, kind in (("status.tsv", "sample"), ("cohorts.tsv", "cohort")):
        with (Path(results) / file).open(encoding="utf-8", newline="") as table:
            rows = list(csv.DictReader(table, delimiter="\t"))
        failed = [row for row in rows if row["status"] == "FAIL"]
        reached = [row for row in failed if not row["reason"].startswith("not reached")]
        if failed or kind == "sample":
            others = len(failed) - len(reached)
            heading = f"{len(reached)} of {len(rows)} {kind}s failed"
            heading += f", {others} not reached" if others else ""
            heading += f" (see {results}/index.html):"
            lines += [heading, *(f"  {r[kind]}, {r['stage']}: {r['reason']}" for r in failed)]
    return "\n".join(lines)


def without_failed_samples(
    members: Mapping[str, Collection[str]], failed: Collection[str], unfinished: Collection[str]
) -> dict[str, list[str]]:
    """The cohorts that unfinished samples hold up, with the samples that can be analysed.

    Parameters
    ----------
    members
        Samples of each cohort.
    failed
        Samples that cannot take part.
    unfinished
        Samples without a report, with those that failed.
    """
    cohorts = {
        name: [sample for sample in samples if sample not in failed]
        for name, samples in members.items()
        if not set(unfinished).isdisjoint(samples)
    }
    return {name: samples for name, samples in cohorts.items() if len(samples) > 1}


def run_again(
    arguments: Sequence[str], targets: Sequence[str], left_out: Collection[str]
) -> subprocess.CompletedProcess[bytes]:
    """Run Snakemake with the same arguments for some targets, without the samples that failed.

    Snakemake does not run a job of which an input cannot be made. The lock is that of this run.

    Parameters
    ----------
    arguments
        Those of this run, without the name of the program.
    targets
        Files of the cohorts.
    left_out
        The samples that failed.
    """
    command = [sys.executable, "-m", "snakemake", *targets, *arguments, "--nolock"]
    return subprocess.run(command, env=os.environ | {LEFT_OUT: ",".join(left_out)}, check=False)
