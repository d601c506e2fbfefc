#!/usr/bin/env python3
"""Check the config, the sample sheet and every sample's file, and report all problems at once."""

import argparse
from pathlib import Path

from scsiameseclu.stages.check import check
from scsiameseclu.stages.program import run_stage, stage_parser


def parser() -> argparse.ArgumentParser:
    options = stage_parser(__doc__)
    options.add_argument(
        "--configfile",
        type=Path,
        nargs="+",
        default=[Path("config/config.yaml")],
        help="config files (YAML), in the order in which Snakemake merges them",
    )
    options.add_argument("--samples", help="a sample sheet (tsv) instead of the config's")
    return options


def work(arguments: argparse.Namespace) -> None:
    check(arguments.configfile, arguments.samples)


if __name__ == "__main__":
    run_stage("check", parser(), work)
