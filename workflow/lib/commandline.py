"""The shell and the `python` that the programs run with."""

import os
import shlex
import sys
from pathlib import Path


def command_prefix(source: Path) -> str:
    """What goes before each shell command: bash's strict mode, and where Python finds the package.

    So the package beside the workflow is the one that runs, in conda environments too, which hold
    only what it needs. Doubled braces, since Snakemake formats the text.
    """
    path = shlex.quote(str(source)).replace("{", "{{").replace("}", "}}")
    return f"set -euo pipefail; export PYTHONPATH={path}${{{{PYTHONPATH:+:$PYTHONPATH}}}}; "


def run_with_this_python() -> None:
    """Put the directory of the running Python first in PATH.

    The programs then have the packages that Snakemake was installed with, also where its virtual
    environment is not activated. Containers and conda environments bring a PATH of their own.
    """
    here = str(Path(sys.executable).parent)
    path = os.environ.get("PATH", "")
    if path.split(os.pathsep)[0] != here:
        os.environ["PATH"] = os.pathsep.join([here, path])
