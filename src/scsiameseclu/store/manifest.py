"""The files of a sample: their names, which stage writes each, and which stages read it.

The one place that knows. Stages, rules, pages and tests ask here. Nothing but the standard library
is needed: Snakemake asks on hosts where nothing else is installed.

A biologist opens the sample's folder: the deliverable, the page and three tables. What the stages
hand to each other lies in ``stages/`` below it, so that no sample's name can collide with it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

REFERENCE, TRAJECTORY = "reference", "trajectory"
FEATURES = (REFERENCE, TRAJECTORY)
"""What a run may be asked for beyond the usual stages."""

PATHS = {
    "deliverable": "{sample}.h5ad",
    "report": "report.html",
    "quality_table": "quality.tsv",
    "markers_table": "markers.tsv",
    "annotation_table": "annotation.tsv",
    "counts": "stages/counts.h5ad",
    "dimensions": "stages/size.json",
    "filtered": "stages/filtered.h5ad",
    "expression": "stages/expression.h5ad",
    "graph": "stages/graph.h5ad",
    "networks": "stages/networks",
    "embedding": "stages/embedding.h5ad",
    "training": "stages/training.tsv",
    "model": "stages/model",
    "clusters": "stages/clusters.h5ad",
    "layout": "stages/layout.h5ad",
    "markers": "stages/markers.h5ad",
    "markers_full": "stages/markers_full.tsv",
    "transfer": "stages/transfer.h5ad",
    "annotation": "stages/annotation.h5ad",
    "trajectory": "stages/trajectory.h5ad",
    "metrics": "stages/metrics.json",
}
"""Where each file lies, relative to the sample's folder."""
FOLDERS = ("networks", "model")
CHECKPOINT = "stages/training.checkpoint"
FAILURE = "stages/failure.json"
USAGE = "stages/usage/{stage}.json"
SETTINGS = "stages/settings/{stage}.json"


@dataclass(frozen=True)
class Stage:
    """What a stage reads and writes.

    Attributes
    ----------
    reads, writes
        Names in :data:`PATHS`; of ``writes`` the last shows that the stage is done.
    optional
        Names that it also reads where a feature writes them.
    feature
        The feature that the stage belongs to; None for a stage of every run.
    """

    reads: tuple[str, ...]
    writes: tuple[str, ...]
    optional: tuple[str, ...] = ()
    feature: str | None = None


STAGES = {
    "ingest": Stage((), ("dimensions", "counts")),
    "quality": Stage(("counts",), ("quality_table", "filtered")),
    "expression": Stage(("counts", "filtered"), ("expression",)),
    "graph": Stage(("expression",), ("graph",)),
    "train": Stage(("expression", "graph"), ("networks", "training", "embedding")),
    "cluster": Stage(("networks", "embedding"), ("model", "clusters")),
    "layout": Stage(("graph", "embedding"), ("layout",)),
    "markers": Stage(("expression", "clusters"), ("markers_table", "markers_full", "markers")),
    "transfer": Stage(("expression",), ("transfer",), feature=REFERENCE),
    "annotate": Stage(
        ("expression", "clusters", "embedding"), ("annotation_table", "annotation"), ("transfer",)
    ),
    "trajectory": Stage(
        ("counts", "expression", "embedding", "clusters", "model"),
        ("trajectory",),
        feature=TRAJECTORY,
    ),
    "evaluate": Stage(
        ("counts", "expression", "graph", "embedding", "clusters", "layout"),
        ("metrics",),
        ("trajectory",),
    ),
    "report": Stage(
        (
            *("quality_table", "training", "markers_table", "annotation_table", "metrics"),
            *("counts", "filtered", "expression", "graph", "embedding", "clusters", "layout"),
            *("markers", "annotation"),
        ),
        ("report",),
        ("trajectory",),
    ),
    "assemble": Stage(
        (
            *("counts", "filtered", "expression", "graph", "embedding", "clusters", "layout"),
            *("markers", "annotation"),
        ),
        ("deliverable",),
        ("trajectory",),
    ),
}
"""The stages in the order of the pipeline."""
SIDECARS = {
    stage: files.writes[-1]
    for stage, files in STAGES.items()
    if PATHS[files.writes[-1]].startswith("stages/") and PATHS[files.writes[-1]].endswith(".h5ad")
}
"""The h5ad with a stage's warnings and provenance, by stage."""


def path(name: str, sample: str) -> str:
    """Where a file of a sample lies, relative to the sample's folder."""
    return PATHS[name].format(sample=sample)


def planned(features: Collection[str] = ()) -> list[str]:
    """The stages of a run with these features, in order."""
    return [name for name, stage in STAGES.items() if stage.feature in (None, *features)]


def inputs(stage: str, features: Collection[str] = ()) -> tuple[str, ...]:
    """What a stage reads in a run with these features."""
    there = {name for other in planned(features) for name in STAGES[other].writes}
    files = STAGES[stage]
    return (*files.reads, *(name for name in files.optional if name in there))


def outputs(features: Collection[str] = ()) -> list[str]:
    """Every file of a sample after a run with these features."""
    return [name for stage in planned(features) for name in STAGES[stage].writes]
