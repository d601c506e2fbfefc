"""Actions after a failed run: update the cohort report and print the failures."""

import csv
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any


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
    with (Path(results) / "status.tsv").open(encoding="utf-8", newline="") as table:
        rows = list(csv.DictReader(table, delimiter="\t"))
    failed = [row for row in rows if row["status"] == "FAIL"]
    heading = f"{len(failed)} of {len(rows)} samples failed (see {results}/index.html):"
    return "\n".join(
        [heading, *(f"  {row['sample']}, {row['stage']}: {row['reason']}" for row in failed)]
    )
