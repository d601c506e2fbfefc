"""After a failed run: the cohort page of what is there, and a sentence that names the failures."""

import csv
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any


def show_failures(shell: Callable[[str], Any], commands: dict[str, str], results: str) -> str:
    """Rebuild the cohort page by hand, and name the samples that failed.

    Snakemake runs the rules of the cohort only when all samples are done.

    Parameters
    ----------
    shell
        Snakemake's function that runs a shell command.
    commands
        Name of the log (below ``logs``) and command, in the order in which they are to be run; the
        first writes ``status.tsv``.
    results
        The folder of results.

    Returns
    -------
    The sentences to print.
    """
    for name, command in commands.items():
        log = f"{results}/logs/{name}.log"
        try:
            shell(f"{command} > {log} 2>&1")
        except subprocess.CalledProcessError:
            return f"The cohort page could not be made from what is there; see {log}"
    with (Path(results) / "status.tsv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table, delimiter="\t"))
    failed = [row for row in rows if row["status"] == "FAIL"]
    heading = f"{len(failed)} of {len(rows)} samples failed (see {results}/index.html):"
    return "\n".join(
        [heading, *(f"  {row['sample']}, {row['stage']}: {row['reason']}" for row in failed)]
    )
