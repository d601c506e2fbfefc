#!/usr/bin/env python3
"""Say what every file of a sample sheet is, and everything that is wrong with it."""

import argparse
from pathlib import Path

from scsiameseclu.stages.check import check
from scsiameseclu.stages.program import run_stage, stage_parser


def parser() -> argparse.ArgumentParser:
    options = stage_parser(__doc__)
    options.add_argument("--samples", type=Path, required=True, help="the sample sheet (tsv)")
    return options


def work(arguments: argparse.Namespace) -> None:
    check(arguments.samples)


if __name__ == "__main__":
    run_stage("check", parser(), work)
