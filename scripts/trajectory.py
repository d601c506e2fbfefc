#!/usr/bin/env python3
"""Order the cells of one sample by diffusion pseudotime, and join its clusters by PAGA."""

import argparse
from pathlib import Path

from scsiameseclu.settings import TrajectorySettings
from scsiameseclu.stages.program import add_settings, run_stage, settings_from, stage_parser
from scsiameseclu.stages.trajectory import trajectory


def parser() -> argparse.ArgumentParser:
    options = stage_parser(__doc__)
    for stage, file in (
        ("ingest", "counts"),
        ("expression", "expression"),
        ("train", "embedding"),
        ("cluster", "clusters"),
    ):
        options.add_argument(
            f"--{file}", type=Path, required=True, help=f"h5ad of the stage {stage}"
        )
    options.add_argument("--model", type=Path, required=True, help="folder of the trained model")
    options.add_argument("--output", type=Path, required=True, help="h5ad to write")
    options.add_argument("--label", help="column of published labels, which may not name the root")
    add_settings(options, TrajectorySettings)
    return options


def work(arguments: argparse.Namespace) -> None:
    trajectory(
        arguments.counts,
        arguments.expression,
        arguments.embedding,
        arguments.clusters,
        arguments.model,
        arguments.output,
        settings=settings_from(arguments, TrajectorySettings),
        label=arguments.label,
        sample=arguments.sample,
        seed=arguments.seed,
    )


if __name__ == "__main__":
    run_stage("trajectory", parser(), work)
