#!/usr/bin/env python3
"""Write the page of one sample."""

import argparse
from pathlib import Path

from scsiameseclu.stages.program import run_stage, stage_parser
from scsiameseclu.stages.report import report


def parser() -> argparse.ArgumentParser:
    options = stage_parser(__doc__)
    options.add_argument(
        "--directory", type=Path, required=True, help="folder of the sample's files"
    )
    options.add_argument("--output", type=Path, required=True, help="page (html) to write")
    options.add_argument("--label", help="column of cells with the published label")
    options.add_argument(
        "--trajectory", action="store_true", help="take the trajectory in, which was asked for"
    )
    return options


def work(arguments: argparse.Namespace) -> None:
    report(
        arguments.directory,
        arguments.output,
        sample=arguments.sample,
        trajectory=arguments.trajectory,
        label=arguments.label,
    )


if __name__ == "__main__":
    run_stage("report", parser(), work)
