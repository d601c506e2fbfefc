#!/usr/bin/env python3
"""Normalise counts, choose highly variable genes and compute principal components."""

import argparse
from pathlib import Path

from scsiameseclu.settings import ExpressionSettings
from scsiameseclu.stages.expression import expression
from scsiameseclu.stages.program import add_settings, run_stage, settings_from, stage_parser


def parser() -> argparse.ArgumentParser:
    options = stage_parser(__doc__)
    options.add_argument("--counts", type=Path, required=True, help="h5ad of the stage ingest")
    options.add_argument("--filtered", type=Path, required=True, help="h5ad of the stage quality")
    options.add_argument("--output", type=Path, required=True, help="h5ad to write")
    add_settings(options, ExpressionSettings)
    return options


def work(arguments: argparse.Namespace) -> None:
    expression(
        arguments.counts,
        arguments.filtered,
        arguments.output,
        settings=settings_from(arguments, ExpressionSettings),
        seed=arguments.seed,
        sample=arguments.sample,
    )


if __name__ == "__main__":
    run_stage("expression", parser(), work)
