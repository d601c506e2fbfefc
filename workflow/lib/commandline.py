"""Shell and Python environment of the programs."""

import os
import shlex
import sys
from collections.abc import Mapping
from pathlib import Path

from scsiameseclu.options import rules
from scsiameseclu.run_settings import LimitSettings


def shell_word(text: str | Path) -> str:
    """Quote text for a shell command. Braces are doubled, since Snakemake formats the command."""
    return shlex.quote(str(text)).replace("{", "{{").replace("}", "}}")


def command_prefix(source: Path) -> str:
    """Prefix of each shell command: bash's strict mode, and PYTHONPATH with the package.

    The package next to the workflow is used, also in conda environments, which contain only its
    dependencies.
    """
    path = shell_word(source)
    return f"set -euo pipefail; export PYTHONPATH={path}${{{{PYTHONPATH:+:$PYTHONPATH}}}}; "


def limit_options(limits: Mapping[str, float]) -> str:
    """Options of the programs for the limits that differ from their defaults."""
    changed = [
        (name, limits[name])
        for name, rule in rules(LimitSettings).items()
        if limits[name] != rule["default"]
    ]
    return " ".join(f"--{name.replace('_', '-')} {value}" for name, value in changed)


def run_with_this_python() -> None:
    """Put the directory of the running Python first in PATH.

    The programs then use the environment of Snakemake, even if it is not activated. Containers and
    conda environments set their own PATH.
    """
    here = str(Path(sys.executable).parent)
    path = os.environ.get("PATH", "")
    if path.split(os.pathsep)[0] != here:
        os.environ["PATH"] = os.pathsep.join([here, path])
