"""Manifest of the files of a sample: their paths, and the stages that write and read them.

It is the only definition of the files, used by stages, rules, reports and tests. It requires only
the standard library, since Snakemake may run on hosts without the other dependencies.

The folder of a sample contains the files for users: the annotated h5ad file, the report and three
tables. Intermediate files are in its subfolder ``stages/``, so that no sample name can collide with
them. The folder of a cohort, of which the same stages run, has the same files.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

REFERENCE, TRAJECTORY, AMBIENT, CORRECT = "reference", "trajectory", "ambient", "correct"
COHORT, CONDITIONS, MAPPED, EXPORT = "cohort", "conditions", "mapped", "export"
FEATURES = (REFERENCE, TRAJECTORY, AMBIENT, CORRECT, COHORT, CONDITIONS, MAPPED, EXPORT)
"""Optional parts of a run; ``cohort`` marks the folder of a cohort."""

PATHS = {
    "deliverable": "{sample}.h5ad",
    "report": "report.html",
    "quality_table": "quality.tsv",
    "markers_table": "markers.tsv",
    "splits_table": "splits.tsv",
    "annotation_table": "annotation.tsv",
    "counts": "stages/counts.h5ad",
    "dimensions": "stages/size.json",
    "filtered": "stages/filtered.h5ad",
    "ambient": "stages/ambient.h5ad",
    "expression": "stages/expression.h5ad",
    "graph": "stages/graph.h5ad",
    "networks": "stages/networks",
    "embedding": "stages/embedding.h5ad",
    "training": "stages/training.tsv",
    "model": "stages/model",
    "levels": "stages/levels.h5ad",
    "proposed": "stages/proposed.h5ad",
    "clusters": "stages/clusters.h5ad",
    "layout": "stages/layout.h5ad",
    "markers": "stages/markers.h5ad",
    "markers_full": "stages/markers_full.tsv",
    "transfer": "stages/transfer.h5ad",
    "annotation": "stages/annotation.h5ad",
    "trajectory": "stages/trajectory.h5ad",
    "mapped": "stages/mapped.h5ad",
    "metrics": "stages/metrics.json",
    "pages": "samples",
    "exports": "export",
    "shares_table": "shares.tsv",
    "composition_table": "composition.tsv",
    "differential_table": "differential_expression.tsv.gz",
    "pseudobulk": "stages/pseudobulk.h5ad",
    "conditions": "stages/conditions.h5ad",
}
"""Path of each file, relative to the folder of the sample."""
FOLDERS = ("networks", "model", "pages", "exports")
CHECKPOINT = "stages/training.checkpoint"
NAMES = "stages/cluster_names.h5ad"
"""Names of the clusters of a cohort; not an output, so that it outlasts the stage's reruns."""
FAILURE = "stages/failure.json"
RUNNING = "stages/running/{stage}.json"
"""Exists while a stage is running; it remains if the stage and its watching process are killed."""
USAGE = "stages/usage/{stage}.json"
SETTINGS = "stages/settings/{stage}.json"


@dataclass(frozen=True)
class Stage:
    """Inputs and outputs of a stage.

    Attributes
    ----------
    reads, writes
        Names in :data:`PATHS`; the last of ``writes`` marks the stage as finished.
    optional
        Names in :data:`PATHS` that the stage also reads if a feature of the run writes them.
    by_feature
        Pairs of a feature and a name in :data:`PATHS` that the stage reads in runs with it.
    feature
        The feature that the stage belongs to; None for stages of every run.
    of_samples
        Whether it is a stage of samples only, and not of cohorts.
    continues
        The stage whose results it passes on, under whose name its warnings are shown.
    """

    reads: tuple[str, ...]
    writes: tuple[str, ...]
    optional: tuple[str, ...] = ()
    by_feature: tuple[tuple[str, str], ...] = ()
    feature: str | None = None
    of_samples: bool = False
    continues: str | None = None


RESULTS = (
    "counts",
    "filtered",
    "expression",
    "graph",
    "embedding",
    "clusters",
    "layout",
    "markers",
    "annotation",
)
"""The files that the report and the annotated h5ad file are made from."""
STAGES = {
    "ingest": Stage((), ("dimensions", "counts"), of_samples=True),
    "quality": Stage(("counts",), ("quality_table", "filtered"), of_samples=True),
    "ambient": Stage(("counts", "filtered"), ("ambient",), feature=AMBIENT, of_samples=True),
    "join": Stage((), ("dimensions", "counts", "quality_table", "filtered"), feature=COHORT),
    "expression": Stage(
        ("counts", "filtered"), ("expression",), by_feature=((CORRECT, "ambient"),)
    ),
    "graph": Stage(("expression",), ("graph",)),
    "train": Stage(("expression", "graph"), ("networks", "training", "embedding")),
    "cluster": Stage(("expression", "networks", "embedding"), ("model", "levels", "proposed")),
    "curate": Stage(("expression", "levels", "proposed"), ("clusters",), continues="cluster"),
    "layout": Stage(("graph", "embedding"), ("layout",)),
    "markers": Stage(
        ("expression", "levels", "clusters"),
        ("markers_table", "splits_table", "markers_full", "markers"),
        ("ambient",),
    ),
    "transfer": Stage(("expression",), ("transfer",), feature=REFERENCE),
    "annotate": Stage(
        ("filtered", "expression", "clusters", "embedding"),
        ("annotation_table", "annotation"),
        ("transfer",),
    ),
    "trajectory": Stage(
        ("counts", "expression", "embedding", "clusters", "model"),
        ("trajectory",),
        feature=TRAJECTORY,
        of_samples=True,
    ),
    "map": Stage(("expression",), ("mapped",), feature=MAPPED, of_samples=True),
    "conditions": Stage(
        ("counts", "expression", "clusters", "annotation"),
        ("shares_table", "composition_table", "differential_table", "pseudobulk", "conditions"),
        feature=CONDITIONS,
    ),
    "evaluate": Stage(
        ("counts", "expression", "graph", "embedding", "clusters", "layout"),
        ("metrics",),
        ("trajectory",),
    ),
    "assemble": Stage(RESULTS, ("deliverable",), ("ambient", "trajectory", "mapped")),
    "export": Stage(("deliverable",), ("exports",), feature=EXPORT),
    "report": Stage(
        (
            *("quality_table", "training", "levels", "markers_table"),
            *("splits_table", "annotation_table", "metrics", *RESULTS),
        ),
        ("report",),
        (
            *("ambient", "trajectory", "mapped", "exports"),
            *("composition_table", "differential_table", "conditions"),
        ),
    ),
    "pages": Stage(
        ("counts", "expression", "clusters", "annotation_table"), ("pages",), feature=COHORT
    ),
}
"""The stages, in pipeline order."""
SIDECARS = {
    stage: files.writes[-1]
    for stage, files in STAGES.items()
    if PATHS[files.writes[-1]].startswith("stages/") and PATHS[files.writes[-1]].endswith(".h5ad")
}
"""The h5ad file with warnings and provenance, by stage."""


def path(name: str, sample: str) -> str:
    """Path of a file, relative to the folder of the sample."""
    return PATHS[name].format(sample=sample)


def planned(features: Collection[str] = ()) -> list[str]:
    """The stages of a run with these features, in pipeline order."""
    return [
        name
        for name, stage in STAGES.items()
        if stage.feature in (None, *features) and not (stage.of_samples and COHORT in features)
    ]


def inputs(stage: str, features: Collection[str] = ()) -> tuple[str, ...]:
    """The files that a stage reads in a run with these features."""
    available = set(outputs(features))
    files = STAGES[stage]
    chosen = [name for name in files.optional if name in available]
    chosen += [name for feature, name in files.by_feature if feature in features]
    return (*files.reads, *chosen)


def outputs(features: Collection[str] = ()) -> list[str]:
    """All files of a sample after a run with these features."""
    return [name for stage in planned(features) for name in STAGES[stage].writes]


def features_of(stage: str, features: Collection[str] = ()) -> list[str]:
    """The features of a run that a stage depends on, directly or through the files that it reads.

    A stage's command names only these, so that enabling another feature does not rerun it.
    """
    writers = {name: writer for writer in planned(features) for name in STAGES[writer].writes}
    upstream, pending = {stage}, [stage]
    while pending:
        new = {writers[name] for name in inputs(pending.pop(), features)} - upstream
        upstream |= new
        pending += new
    needed = {STAGES[name].feature for name in upstream}
    needed |= {feature for name in upstream for feature, _ in STAGES[name].by_feature}
    return [feature for feature in features if feature in needed]
