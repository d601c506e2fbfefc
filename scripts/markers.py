#!/usr/bin/env python3
"""Find the marker genes of each cluster."""

import argparse
from pathlib import Path

from scsiameseclu.settings import MarkerSettings
from scsiameseclu.stages.markers import markers
from scsiameseclu.stages.program import add_settings, run_stage, settings_from, stage_parser


def parser() -> argparse.ArgumentParser:
    options = stage_parser(__doc__)
    options.add_argument(
        "--expression", type=Path, required=True, help="h5ad of the stage expression"
    )
    options.add_argument("--clusters", type=Path, required=True, help="h5ad of the stage cluster")
    options.add_argument(
        "--table", type=Path, required=True, help="table of markers (tsv) to write"
    )
    options.add_argument(
        "--full-table", type=Path, required=True, help="table of all genes (tsv) to write"
    )
    options.add_argument("--output", type=Path, required=True, help="h5ad of settings to write")
    add_settings(options, MarkerSettings)
    return options


def work(arguments: argparse.Namespace) -> None:
    markers(
        arguments.expression,
        arguments.clusters,
        arguments.table,
        arguments.full_table,
        arguments.output,
        settings=settings_from(arguments, MarkerSettings),
        sample=arguments.sample,
    )


if __name__ == "__main__":
    run_stage("markers", parser(), work)
