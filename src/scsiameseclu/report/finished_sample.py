"""The results of a finished sample, without count matrices and labels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from scsiameseclu.report.joint_cells import JointCells, mapped_cells
from scsiameseclu.store.files import read_parts
from scsiameseclu.store.folder import SampleFolder
from scsiameseclu.store.manifest import COHORT

CELL_COLUMNS = {
    "clusters": ["siamese", "siamese_confidence", "siamese_coarse", "siamese_fine"],
    "layout": ["leiden"],
    "annotation": ["cell_type_predicted", "cell_type_by_cell"],
}
"""Columns per cell that the page shows, by file."""


@dataclass(frozen=True)
class FinishedSample:
    """Everything that the page of a sample shows outside the comparison panel.

    ``cells`` has one row per kept cell, in the order of ``umap`` (n_cells, 2); ``ingested`` has one
    per input cell. ``droplets`` and ``hashtags`` are empty unless cells were called among droplets
    or demultiplexed. ``quality_scores`` are the metrics that need no labels. Of a cohort,
    ``groups`` are the sample and the sample's metadata of each cell by name, ``design`` is the
    metadata of each sample, and ``mixing`` that of batches; of a sample of a cohort, ``joint`` are
    the cohort's clusters. Nothing here comes from a label column.
    """

    name: str
    folder: SampleFolder
    source: dict[str, Any]
    droplets: dict[str, Any]
    hashtags: dict[str, Any]
    quality: dict[str, Any]
    ingested: pd.DataFrame
    cells: pd.DataFrame
    umap: np.ndarray
    n_highly_variable: int
    siamese: dict[str, Any]
    training: pd.DataFrame
    training_notes: dict[str, Any]
    markers: pd.DataFrame
    annotation: pd.DataFrame
    annotation_notes: dict[str, Any]
    transfer_notes: dict[str, Any]
    celltypist_notes: dict[str, Any]
    trajectory_notes: dict[str, Any]
    ambient_notes: dict[str, Any]
    quality_scores: dict[str, float]
    time_scores: dict[str, float] | None
    provenance: dict[str, dict[str, Any]]
    warnings: list[tuple[str, str]]
    groups: dict[str, pd.Series]
    design: Mapping[str, Mapping[str, str]]
    mixing: dict[str, Any]
    joint: JointCells | None

    @property
    def clusters(self) -> list[str]:
        """Names of the clusters, largest first."""
        return [str(name) for name in self.cells["siamese"].cat.categories]


NAMES = (
    *("barcode", "predicted_doublet", "kept", "reason"),
    *("cluster", "gene", "gene_id", "flag"),
    *("ambient", "doublet_of"),
    *("predicted_type", "curated", "note", "parent", "child"),
    *("cell_type", "cell_type_ontology_term_id", "states", "runner_up", "best_match", "phase"),
    *("markers_found", "genes_for", "genes_against"),
    *("vote_markers", "vote_reference", "vote_celltypist"),
)
"""Columns that hold names, which may look like numbers or NA."""


def read_table(folder: SampleFolder, name: str) -> pd.DataFrame:
    """Read a table of the sample, with numeric columns as numbers and names as text."""
    table = folder.table(name)
    for column in table.columns.difference(list(NAMES)):
        table[column] = pd.to_numeric(table[column].mask(table[column].isin(["NA", ""])))
    return table


def load_sample(
    folder: SampleFolder,
    design: Mapping[str, Mapping[str, str]] | None = None,
    joint: JointCells | None = None,
) -> FinishedSample:
    """Read everything that the page shows outside the comparison panel.

    ``design`` is the metadata of each sample of a cohort; ``joint`` are the clusters of a cohort
    that the sample's cells are in.
    """
    cells = folder.obs("filtered").copy()
    cells["batch"] = folder.obs("expression", ["batch"])["batch"].astype("category")
    for name, columns in CELL_COLUMNS.items():
        cells = cells.join(folder.obs(name, columns))
    cells["siamese"] = cells["siamese"].cat.remove_unused_categories()
    if folder.has("trajectory"):
        cells["pseudotime"] = folder.obs("trajectory")["pseudotime"]
    if folder.has("ambient"):
        cells["contamination"] = folder.obs("ambient")["contamination"]
    variable = read_parts(folder.path("expression"), ["var"])["var"]["highly_variable"]
    metrics = folder.json("metrics")
    return FinishedSample(
        name=folder.sample,
        folder=folder,
        source=folder.uns("counts", "source"),
        droplets=folder.uns("counts", "droplets") or {},
        hashtags=folder.uns("counts", "hashtags") or {},
        quality=folder.uns("filtered", "quality"),
        ingested=read_table(folder, "quality_table"),
        cells=cells,
        umap=folder.array("layout", "obsm/X_umap"),
        n_highly_variable=int(variable.sum()),
        siamese=folder.uns("clusters", "siamese"),
        training=read_table(folder, "training"),
        training_notes=folder.uns("embedding", "training"),
        markers=read_table(folder, "markers_table"),
        annotation=read_table(folder, "annotation_table"),
        annotation_notes=folder.uns("annotation", "annotation"),
        transfer_notes=folder.uns("annotation", "transfer") or {},
        celltypist_notes=folder.uns("annotation", "celltypist") or {},
        trajectory_notes=folder.uns("trajectory", "trajectory") if folder.has("trajectory") else {},
        ambient_notes=folder.uns("ambient", "ambient") if folder.has("ambient") else {},
        quality_scores=metrics["unsupervised"],
        time_scores=metrics["time"],
        provenance=folder.provenance(),
        warnings=[*folder.warnings(), *without_failed(metrics)],
        groups=_groups(folder, design or {}),
        design=design or {},
        mixing=metrics.get("mixing", {}),
        joint=joint or mapped_cells(folder),
    )


def without_failed(metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A warning, as (stage, message), if a cohort was analysed without samples that failed."""
    names = metrics.get("left_out")
    return [("join", f"samples that failed are left out: {', '.join(names)}")] if names else []


def _groups(folder: SampleFolder, design: Mapping[str, Mapping[str, str]]) -> dict[str, pd.Series]:
    """Sample, condition, donor and other metadata of the cells of a cohort."""
    if COHORT not in folder.features:
        return {}
    samples = folder.obs("counts", ["sample"])["sample"]
    names = list(dict.fromkeys(name for values in design.values() for name in values))
    return {"sample": samples} | {name: by_sample(samples, design, name) for name in names}


def by_sample(samples: pd.Series, design: Mapping[str, Mapping[str, str]], name: str) -> pd.Series:
    """A column of the sheet for each cell of a cohort, as categories."""
    values = {sample: row[name] for sample, row in design.items() if name in row}
    return samples.astype(str).map(values).astype("category")
