#!/usr/bin/env python3
"""UMAP of the embedding, and Leiden clusters of the kNN graph to compare with."""

import argparse
from pathlib import Path

from scsiameseclu.stages.layout import layout
from scsiameseclu.stages.program import run_stage, stage_parser


def parser() -> argparse.ArgumentParser:
    options = stage_parser(__doc__)
    options.add_argument("--graph", type=Path, required=True, help="h5ad of the stage graph")
    options.add_argument("--embedding", type=Path, required=True, help="h5ad of the stage train")
    options.add_argument("--output", type=Path, required=True, help="the h5ad to write")
    return options


def work(arguments: argparse.Namespace) -> None:
    layout(arguments.graph, arguments.embedding, arguments.output, seed=arguments.seed)


if __name__ == "__main__":
    run_stage("layout", parser(), work)
