"""``python -m scsiameseclu STAGE …``: the programs of the stages, without a checkout."""

import ast
import sys
from pathlib import Path

from scsiameseclu import __version__
from scsiameseclu.stages.program import main
from scsiameseclu.stages.stage_parser import STAGES


def usage() -> str:
    """One line per stage, from the docstring of its module."""
    lines = ["usage: python -m scsiameseclu STAGE [options]", "", "stages:"]
    for stage in STAGES:
        source = Path(__file__).with_name("stages") / f"{stage}.py"
        doc = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8"))) or ""
        lines.append(f"  {stage:12}{doc.splitlines()[0]}")
    return "\n".join([*lines, "", "Each stage describes its options with --help."])


if __name__ == "__main__":
    stage, *options = sys.argv[1:] or ["--help"]
    if stage in STAGES:
        main(stage, options, prog=f"python -m scsiameseclu {stage}", watched=True)
    elif stage == "--version":
        print(__version__)
    else:
        print(usage(), file=sys.stdout if stage in ("-h", "--help") else sys.stderr)
        sys.exit(0 if stage in ("-h", "--help") else 2)
