#!/usr/bin/env python3
"""Build the k-nearest-neighbour graph of cells."""

import argparse
from pathlib import Path

from scsiameseclu.settings import GraphSettings
from scsiameseclu.stages.graph import graph
from scsiameseclu.stages.program import add_settings, run_stage, settings_from, stage_parser


def parser() -> argparse.ArgumentParser:
    options = stage_parser(__doc__)
    options.add_argument(
        "--expression", type=Path, required=True, help="h5ad of the stage expression"
    )
    options.add_argument("--output", type=Path, required=True, help="h5ad to write")
    add_settings(options, GraphSettings)
    return options


def work(arguments: argparse.Namespace) -> None:
    graph(
        arguments.expression,
        arguments.output,
        settings=settings_from(arguments, GraphSettings),
        seed=arguments.seed,
    )


if __name__ == "__main__":
    run_stage("graph", parser(), work)
