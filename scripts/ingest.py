#!/usr/bin/env python3
"""Read one sample's counts from any supported file into counts.h5ad, and check them."""

import argparse
from pathlib import Path
from typing import get_args

from scsiameseclu.io.request import Format, Orientation, ReadRequest
from scsiameseclu.stages.ingest import ingest
from scsiameseclu.stages.program import run_stage, stage_parser


def parser() -> argparse.ArgumentParser:
    options = stage_parser(__doc__)
    options.add_argument("--input", required=True, help="file, 10x folder, demo:a or demo:b")
    options.add_argument("--output", type=Path, required=True, help="the h5ad to write")
    options.add_argument("--size", type=Path, help="where to write its cells, genes and values")
    options.add_argument("--format", choices=get_args(Format), default="auto", help="file format")
    options.add_argument("--layer", help="layer with the counts (h5ad, loom)")
    options.add_argument("--genome", help="genome to take (10x files of several)")
    options.add_argument(
        "--orientation", choices=get_args(Orientation), default="auto", help="what the rows are"
    )
    options.add_argument("--metadata", help="table of cells to join by barcode")
    options.add_argument("--label", help="column of cells with the published label")
    options.add_argument("--batch", help="column of cells with the batch")
    options.add_argument("--subset", metavar="COL=VALUE", help="only these cells")
    return options


def work(arguments: argparse.Namespace) -> None:
    request = ReadRequest(
        format=arguments.format,
        layer=arguments.layer,
        genome=arguments.genome,
        orientation=arguments.orientation,
        metadata=arguments.metadata,
        label=arguments.label,
        batch=arguments.batch,
        subset=arguments.subset,
    )
    ingest(
        arguments.input,
        arguments.output,
        sample=arguments.sample,
        request=request,
        seed=arguments.seed,
        size=arguments.size,
    )


if __name__ == "__main__":
    run_stage("ingest", parser(), work)
