#!/usr/bin/env python3
"""Name cell types by marker sets and, where given, a reference and a CellTypist model."""

import argparse
from pathlib import Path

from scsiameseclu.settings import AnnotationSettings
from scsiameseclu.stages.annotate import annotate
from scsiameseclu.stages.program import add_settings, run_stage, settings_from, stage_parser


def parser() -> argparse.ArgumentParser:
    options = stage_parser(__doc__)
    options.add_argument(
        "--expression", type=Path, required=True, help="h5ad of the stage expression"
    )
    options.add_argument("--clusters", type=Path, required=True, help="h5ad of the stage cluster")
    options.add_argument("--embedding", type=Path, required=True, help="h5ad of the stage train")
    options.add_argument(
        "--table", type=Path, required=True, help="table of clusters (tsv) to write"
    )
    options.add_argument("--output", type=Path, required=True, help="h5ad to write")
    options.add_argument(
        "--transferred", type=Path, help="h5ad of the stage transfer, where there is a reference"
    )
    options.add_argument(
        "--organism", choices=["auto", "human", "mouse"], default="auto", help="of the marker sets"
    )
    add_settings(options, AnnotationSettings)
    return options


def work(arguments: argparse.Namespace) -> None:
    annotate(
        arguments.expression,
        arguments.clusters,
        arguments.embedding,
        arguments.table,
        arguments.output,
        settings=settings_from(arguments, AnnotationSettings),
        sample=arguments.sample,
        organism=arguments.organism,
        transferred=arguments.transferred,
        seed=arguments.seed,
    )


if __name__ == "__main__":
    run_stage("annotate", parser(), work)
