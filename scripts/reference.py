#!/usr/bin/env python3
"""Fit a model to an annotated reference, once for all samples."""

import argparse
from pathlib import Path

from scsiameseclu.errors import UserError
from scsiameseclu.settings import ReferenceSettings
from scsiameseclu.stages.program import add_settings, run_stage, settings_from, stage_parser
from scsiameseclu.stages.reference import reference


def parser() -> argparse.ArgumentParser:
    options = stage_parser(__doc__)
    options.add_argument("--model", type=Path, required=True, help="folder of the model to write")
    options.add_argument("--output", type=Path, required=True, help="h5ad of its cells to write")
    options.add_argument(
        "--device", choices=["auto", "cpu", "cuda"], default="auto", help="where to train"
    )
    options.add_argument(
        "--checkpoint", type=Path, help="file to keep the state in, and to go on from after a kill"
    )
    add_settings(options, ReferenceSettings)
    return options


def work(arguments: argparse.Namespace) -> None:
    settings = settings_from(arguments, ReferenceSettings)
    if settings.path is None:
        raise UserError("no reference is named; give its file with --path")
    reference(
        settings.path,
        arguments.model,
        arguments.output,
        settings=settings,
        seed=arguments.seed,
        device=arguments.device,
        checkpoint=arguments.checkpoint,
    )


if __name__ == "__main__":
    run_stage("reference", parser(), work)
