#!/usr/bin/env python3
"""Find the good cells and genes of one sample, with a reason for every cell that goes."""

import argparse
from pathlib import Path

from scsiameseclu.settings import QualitySettings
from scsiameseclu.stages.program import add_settings, run_stage, settings_from, stage_parser
from scsiameseclu.stages.quality import quality


def parser() -> argparse.ArgumentParser:
    options = stage_parser(__doc__)
    options.add_argument("--counts", type=Path, required=True, help="h5ad of the stage ingest")
    options.add_argument(
        "--output", type=Path, required=True, help="h5ad of kept cells and genes to write"
    )
    options.add_argument(
        "--table", type=Path, required=True, help="table of all cells (tsv) to write"
    )
    add_settings(options, QualitySettings)
    return options


def work(arguments: argparse.Namespace) -> None:
    quality(
        arguments.counts,
        arguments.output,
        arguments.table,
        settings=settings_from(arguments, QualitySettings),
        seed=arguments.seed,
        sample=arguments.sample,
    )


if __name__ == "__main__":
    run_stage("quality", parser(), work)
