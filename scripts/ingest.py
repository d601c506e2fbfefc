#!/usr/bin/env python3
"""Read one sample's counts from any supported file into counts.h5ad, and check them."""

import argparse
from pathlib import Path

from scsiameseclu.io.request import ReadRequest
from scsiameseclu.stages.ingest import ingest
from scsiameseclu.stages.program import add_settings, run_stage, settings_from, stage_parser


def parser() -> argparse.ArgumentParser:
    options = stage_parser(__doc__)
    options.add_argument("--input", required=True, help="file, 10x folder, demo:a or demo:b")
    options.add_argument("--output", type=Path, required=True, help="the h5ad to write")
    options.add_argument("--size", type=Path, help="where to write its cells, genes and values")
    add_settings(options, ReadRequest)
    return options


def work(arguments: argparse.Namespace) -> None:
    ingest(
        arguments.input,
        arguments.output,
        sample=arguments.sample,
        request=settings_from(arguments, ReadRequest),
        seed=arguments.seed,
        size=arguments.size,
    )


if __name__ == "__main__":
    run_stage("ingest", parser(), work)
