#!/usr/bin/env python3
"""Measure the clustering: with the published labels if there are any, and without."""

import argparse
from pathlib import Path

from scsiameseclu.stages.evaluate import evaluate
from scsiameseclu.stages.program import run_stage, stage_parser


def parser() -> argparse.ArgumentParser:
    options = stage_parser(__doc__)
    options.add_argument("--counts", type=Path, required=True, help="h5ad of the stage ingest")
    options.add_argument(
        "--expression", type=Path, required=True, help="h5ad of the stage expression"
    )
    options.add_argument("--graph", type=Path, required=True, help="h5ad of the stage graph")
    options.add_argument("--embedding", type=Path, required=True, help="h5ad of the stage train")
    options.add_argument("--clusters", type=Path, required=True, help="h5ad of the stage cluster")
    options.add_argument("--layout", type=Path, required=True, help="h5ad of the stage layout")
    options.add_argument("--output", type=Path, required=True, help="metrics (json) to write")
    options.add_argument("--trajectory", type=Path, help="h5ad of that stage, where it ran")
    options.add_argument("--label", help="column of cells with the published label")
    return options


def work(arguments: argparse.Namespace) -> None:
    evaluate(
        arguments.counts,
        arguments.expression,
        arguments.graph,
        arguments.embedding,
        arguments.clusters,
        arguments.layout,
        arguments.output,
        label=arguments.label,
        trajectory=arguments.trajectory,
        seed=arguments.seed,
        sample=arguments.sample,
    )


if __name__ == "__main__":
    run_stage("evaluate", parser(), work)
