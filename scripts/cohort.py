#!/usr/bin/env python3
"""Write the cohort's page and tables from the samples that there are."""

import argparse
from pathlib import Path

from scsiameseclu.stages.cohort import cohort
from scsiameseclu.stages.program import run_stage, stage_parser


def parser() -> argparse.ArgumentParser:
    options = stage_parser(__doc__)
    options.add_argument("--samples", type=Path, required=True, help="the sample sheet (tsv)")
    options.add_argument("--results", type=Path, required=True, help="the folder of results")
    options.add_argument("--trajectory", action="store_true", help="each sample is to have one")
    return options


def work(arguments: argparse.Namespace) -> None:
    cohort(
        arguments.samples,
        arguments.results,
        trajectory=arguments.trajectory,
    )


if __name__ == "__main__":
    run_stage("cohort", parser(), work)
