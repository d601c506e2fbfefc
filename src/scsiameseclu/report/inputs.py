"""Read what the stages left of one sample, without its count matrices and without its labels."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from scsiameseclu.errors import UserError
from scsiameseclu.store.files import read_parts

# In the order of the pipeline; each may hold warnings and its provenance.
SIDECARS = {
    "ingest": "counts.h5ad",
    "quality": "filtered.h5ad",
    "expression": "expression.h5ad",
    "graph": "graph.h5ad",
    "train": "embedding.h5ad",
    "cluster": "clusters.h5ad",
    "layout": "layout.h5ad",
    "markers": "markers.h5ad",
    "annotate": "annotation.h5ad",
    "trajectory": "trajectory.h5ad",
}


@dataclass(frozen=True)
class Sample:
    """All that a sample's page shows outside its comparison panel.

    ``cells`` has one row for each kept cell, in the order of ``umap`` (n_cells, 2);
    ``ingested`` one for each cell of the user's file. ``quality_scores`` are the metrics that need
    no label. Nothing here comes from a label column.
    """

    name: str
    directory: Path
    source: dict[str, Any]
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
    quality_scores: dict[str, float]
    time_scores: dict[str, float] | None
    provenance: dict[str, dict[str, Any]]
    warnings: list[tuple[str, str]]

    @property
    def clusters(self) -> list[str]:
        """The clusters' names, largest first."""
        return [str(name) for name in self.cells["siamese"].cat.categories]


def read_warnings(directory: Path, trajectory: bool = False) -> list[tuple[str, str]]:
    """The stages' warnings as (stage, sentence), in the order of the pipeline.

    Those of a trajectory only where one is asked for: its file may be of an earlier run.
    """
    found = []
    for stage, name in SIDECARS.items():
        if (directory / name).is_file() and (trajectory or stage != "trajectory"):
            parts = read_parts(directory / name, ["uns/warnings"])
            found += [(stage, str(sentence)) for sentence in parts.get("uns/warnings", ())]
    return found


def read_table(path: Path) -> pd.DataFrame:
    """Read one of the pipeline's tables; names that look like numbers or like NA stay text."""
    if not path.is_file():
        raise UserError(f"the file {path} does not exist; run the stage that writes it first")
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    for column in table.columns.difference(list(NAMES)):
        table[column] = pd.to_numeric(table[column].mask(table[column].isin(["NA", ""])))
    return table


NAMES = (
    *("barcode", "predicted_doublet", "kept", "reason"),
    *("cluster", "gene", "gene_id", "flag"),
    *("cell_type", "runner_up", "best_match", "markers_found", "phase"),
    *("vote_markers", "vote_reference", "vote_celltypist"),
)


def load_sample(directory: Path, sample: str, trajectory: bool = False) -> Sample:
    """Read everything that the page of ``sample`` shows outside its comparison panel."""
    left_out = () if trajectory else ("trajectory",)
    counts = read_parts(directory / "counts.h5ad", ["uns/source"])
    filtered = read_parts(directory / "filtered.h5ad", ["obs", "uns/quality"])
    expression = read_parts(directory / "expression.h5ad", ["obs", "var"])
    clusters = read_parts(directory / "clusters.h5ad", ["obs", "uns/siamese"])
    layout = read_parts(directory / "layout.h5ad", ["obs", "obsm/X_umap"])
    annotation = read_parts(directory / "annotation.h5ad", ["obs", "uns"])
    names = clusters["obs"].index
    for name, cells in (("clusters.h5ad", names), ("layout.h5ad", layout["obs"].index)):
        if not cells.equals(expression["obs"].index):
            raise UserError(
                f"sample {sample}: {name} and expression.h5ad in {directory} hold different "
                f"cells; make {name} again"
            )
    cells = filtered["obs"].reindex(names)
    cells["batch"] = expression["obs"]["batch"].astype("category")
    levels = {"siamese_coarse", "siamese_fine"} & set(clusters["obs"])
    for column in ("siamese", "siamese_confidence", *sorted(levels)):
        cells[column] = clusters["obs"][column]
    cells["leiden"] = layout["obs"]["leiden"]
    cells["siamese"] = cells["siamese"].cat.remove_unused_categories()
    types = annotation["obs"].reindex(names)
    for column in ("cell_type_predicted", "cell_type_by_cell"):
        if column in types:
            cells[column] = types[column].astype("category")
    order: dict[str, Any] = {}
    if trajectory:
        parts = read_parts(directory / SIDECARS["trajectory"], ["obs", "uns/trajectory"])
        order = parts["uns/trajectory"]
        cells["pseudotime"] = parts["obs"].reindex(names)["pseudotime"]
    metrics = json.loads((directory / "metrics.json").read_text(encoding="utf-8"))
    embedding = read_parts(directory / "embedding.h5ad", ["uns/training"])
    return Sample(
        name=sample,
        directory=directory,
        source=counts["uns/source"],
        quality=filtered["uns/quality"],
        ingested=read_table(directory / "quality.tsv"),
        cells=cells,
        umap=layout["obsm/X_umap"],
        n_highly_variable=int(expression["var"]["highly_variable"].sum()),
        siamese=clusters["uns/siamese"],
        training=read_table(directory / "training.tsv"),
        training_notes=embedding.get("uns/training", {}),
        markers=read_table(directory / "markers.tsv"),
        annotation=read_table(directory / "annotation.tsv"),
        annotation_notes=annotation["uns"].get("annotation", {}),
        transfer_notes=annotation["uns"].get("transfer", {}),
        celltypist_notes=annotation["uns"].get("celltypist", {}),
        trajectory_notes=order,
        quality_scores=metrics["unsupervised"],
        time_scores=metrics.get("time"),
        provenance=_provenance(directory, left_out),
        warnings=read_warnings(directory, trajectory),
    )


def _provenance(directory: Path, left_out: Sequence[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name in (name for stage, name in SIDECARS.items() if stage not in left_out):
        found |= read_parts(directory / name, ["uns/provenance"]).get("uns/provenance", {})
    return found
