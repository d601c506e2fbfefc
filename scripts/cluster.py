#!/usr/bin/env python3
"""Assign cells to clusters with the trained network."""

import argparse
from pathlib import Path

from scsiameseclu.stages.cluster import cluster
from scsiameseclu.stages.program import run_stage, stage_parser


def parser() -> argparse.ArgumentParser:
    options = stage_parser(__doc__)
    options.add_argument("--embedding", type=Path, required=True, help="h5ad of the stage train")
    options.add_argument("--model", type=Path, required=True, help="folder of the model")
    options.add_argument("--output", type=Path, required=True, help="h5ad to write")
    return options


def work(arguments: argparse.Namespace) -> None:
    cluster(
        arguments.embedding,
        arguments.model,
        arguments.output,
        seed=arguments.seed,
    )


if __name__ == "__main__":
    run_stage("cluster", parser(), work)
