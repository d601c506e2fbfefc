#!/usr/bin/env python3
"""Join the files of one sample into one annotated h5ad."""

import argparse
from pathlib import Path

from scsiameseclu.stages.assemble import assemble
from scsiameseclu.stages.program import run_stage, stage_parser


def parser() -> argparse.ArgumentParser:
    options = stage_parser(__doc__)
    options.add_argument(
        "--directory", type=Path, required=True, help="folder of the sample's files"
    )
    options.add_argument("--output", type=Path, required=True, help="h5ad to write")
    options.add_argument(
        "--trajectory", action="store_true", help="take the trajectory in, which was asked for"
    )
    return options


def work(arguments: argparse.Namespace) -> None:
    assemble(
        arguments.directory,
        arguments.output,
        sample=arguments.sample,
        trajectory=arguments.trajectory,
    )


if __name__ == "__main__":
    run_stage("assemble", parser(), work)
