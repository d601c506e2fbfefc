#!/usr/bin/env python3
"""Train the Siamese network on one sample."""

import argparse
from pathlib import Path

from scsiameseclu.settings import ModelSettings
from scsiameseclu.stages.program import add_settings, run_stage, settings_from, stage_parser
from scsiameseclu.stages.train import train


def parser() -> argparse.ArgumentParser:
    options = stage_parser(__doc__)
    options.add_argument(
        "--expression", type=Path, required=True, help="h5ad of the stage expression"
    )
    options.add_argument("--graph", type=Path, required=True, help="h5ad of the stage graph")
    options.add_argument("--model", type=Path, required=True, help="folder of the model to write")
    options.add_argument(
        "--embedding", type=Path, required=True, help="h5ad of the embedding to write"
    )
    options.add_argument(
        "--history", type=Path, required=True, help="table of losses (tsv) to write"
    )
    options.add_argument(
        "--n-clusters", help="a number or a range such as 8-15 (default: estimated)"
    )
    options.add_argument(
        "--device", choices=["auto", "cpu", "cuda"], default="auto", help="where to train"
    )
    options.add_argument(
        "--checkpoint", type=Path, help="file to keep the state in, and to go on from after a kill"
    )
    add_settings(options, ModelSettings)
    return options


def work(arguments: argparse.Namespace) -> None:
    train(
        arguments.expression,
        arguments.graph,
        arguments.model,
        arguments.embedding,
        arguments.history,
        settings=settings_from(arguments, ModelSettings),
        n_clusters=arguments.n_clusters,
        seed=arguments.seed,
        device=arguments.device,
        sample=arguments.sample,
        checkpoint=arguments.checkpoint,
    )


if __name__ == "__main__":
    run_stage("train", parser(), work)
