"""Settings as command-line options, and the `python` that the programs run with."""

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def options(values: Mapping[str, Any]) -> str:
    """``--name value`` for each value that is not None, quoted for the shell.

    >>> options({"min_counts": None, "doublets": "flag", "diffusion": True})
    '--doublets flag --diffusion true'
    """
    words = []
    for name, value in values.items():
        if value is None:
            continue
        text = str(value).lower() if isinstance(value, bool) else str(value)
        words.append(f"--{name.replace('_', '-')} {shlex.quote(text)}")
    return " ".join(words)


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
