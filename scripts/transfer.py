#!/usr/bin/env python3
"""Carry the cell types of an annotated reference over to the cells of one sample."""

import argparse
from pathlib import Path

from scsiameseclu.stages.program import run_stage, stage_parser
from scsiameseclu.stages.transfer import transfer


def parser() -> argparse.ArgumentParser:
    options = stage_parser(__doc__)
    options.add_argument(
        "--expression", type=Path, required=True, help="h5ad of the stage expression"
    )
    options.add_argument(
        "--model", type=Path, required=True, help="folder of the reference's model"
    )
    options.add_argument("--reference", type=Path, required=True, help="h5ad of its cells")
    options.add_argument("--output", type=Path, required=True, help="h5ad to write")
    return options


def work(arguments: argparse.Namespace) -> None:
    transfer(
        arguments.expression,
        arguments.model,
        arguments.reference,
        arguments.output,
        sample=arguments.sample,
        seed=arguments.seed,
    )


if __name__ == "__main__":
    run_stage("transfer", parser(), work)
