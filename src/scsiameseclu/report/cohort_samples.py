"""What the cohort's page and tables say about each sample: its status and its numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from scsiameseclu.annotation.cell_types import ABSTENTIONS, UNASSIGNED
from scsiameseclu.errors import UserError
from scsiameseclu.report.inputs import read_table, read_warnings
from scsiameseclu.store.files import read_parts

# The file that shows that a stage is done, in the order of the pipeline.
LAST_FILES = {
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
    "evaluate": "metrics.json",
    "report": "report.html",
    "assemble": "{sample}.h5ad",
}
SCORES = ("ari", "nmi", "acc", "macro_f1")
WITHOUT_LABELS = ("mean_confidence", "silhouette", "graph_purity")


@dataclass
class Entry:
    """One sample: ``status`` OK, WARN or FAIL, the stages and sentences behind it, its numbers.

    ``numbers`` has only what is known; ``funnel`` is (step, cells left); ``sizes`` are the cells of
    each cluster, ``types`` those of each predicted cell type (any abstention is Unassigned);
    ``training`` is the table of the training, or None.
    """

    sample: str
    status: str = "OK"
    stage: str = ""
    reasons: list[str] = field(default_factory=list)
    numbers: dict[str, float] = field(default_factory=dict)
    funnel: list[tuple[str, int]] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    types: dict[str, int] = field(default_factory=dict)
    training: pd.DataFrame | None = None

    @property
    def reason(self) -> str:
        """The reasons in one line, without the sample's name, which stands beside it."""
        prefix = f"sample {self.sample}: "
        return " ".join(" ".join(said.split()).removeprefix(prefix) for said in self.reasons)


def read_entries(results: Path, samples: Sequence[str], trajectory: bool = False) -> list[Entry]:
    """The entries of ``samples``, in their order; a sample without any file is one that failed.

    Only with ``trajectory`` is there to be one in each sample.
    """
    return [_entry(results, sample, trajectory) for sample in samples]


def _entry(results: Path, sample: str, trajectory: bool) -> Entry:
    directory = results / "samples" / sample
    entry = Entry(sample)
    try:
        _read_status(entry, results, directory, trajectory)
        _read_quality(entry, directory)
        if entry.status != "FAIL":
            _read_clusters(entry, directory)
    except UserError as error:
        entry.status, entry.reasons = "FAIL", [str(error)]
    return entry


def _read_status(entry: Entry, results: Path, directory: Path, trajectory: bool) -> None:
    """FAIL by a stage's note or by a missing file; WARN by any stage's sentence."""
    note = directory / "failure.json"
    missing = [
        stage
        for stage, name in LAST_FILES.items()
        if not (directory / name.format(sample=entry.sample)).is_file()
        and (trajectory or stage != "trajectory")
    ]
    if note.is_file():
        failure = json.loads(note.read_text(encoding="utf-8"))
        entry.status, entry.stage = "FAIL", str(failure["stage"])
        entry.reasons = [str(failure["reason"])]
    elif missing:
        entry.status, entry.stage = "FAIL", missing[0]
        entry.reasons = [f"not finished; see the logs in {results / 'logs' / entry.sample}"]
        reference = results / "reference" / "failure.json"
        if "annotate" in missing and reference.is_file():
            failure = json.loads(reference.read_text(encoding="utf-8"))
            entry.stage, entry.reasons = "reference", [str(failure["reason"])]
    elif found := read_warnings(directory, trajectory):
        entry.status = "WARN"
        entry.stage = ", ".join(dict.fromkeys(stage for stage, _ in found))
        entry.reasons = [f"{said.rstrip('.')}." for _, said in found]


def _read_quality(entry: Entry, directory: Path) -> None:
    """Cells and genes before and after quality control, if it was done."""
    if not (directory / "filtered.h5ad").is_file():
        return
    parts = read_parts(directory / "filtered.h5ad", ["obs", "uns/quality"])
    quality, cells = parts["uns/quality"], parts["obs"]
    steps = zip(quality["funnel"]["step"], quality["funnel"]["cells"], strict=True)
    entry.funnel = [(str(step), int(left)) for step, left in steps]
    entry.numbers |= {
        "cells_in": entry.funnel[0][1],
        "cells_kept": entry.funnel[-1][1],
        "genes_in": int(quality["genes_before"]),
        "genes_kept": int(quality["genes_after"]),
    }
    for column in ("total_counts", "n_genes", "pct_mito"):
        known = cells[column].dropna()
        if len(known):
            entry.numbers[f"median_{column}"] = float(known.median())
    called = cells["predicted_doublet"]
    if called.isin(["yes", "no"]).any():
        entry.numbers["doublets"] = int((called == "yes").sum())


def _read_clusters(entry: Entry, directory: Path) -> None:
    """Clusters, scores and the training of a finished sample."""
    siamese = read_parts(directory / "clusters.h5ad", ["uns/siamese"])["uns/siamese"]
    entry.sizes = [int(size) for size in siamese["sizes"]]
    predicted = read_parts(directory / "annotation.h5ad", ["obs"])["obs"]["cell_type_predicted"]
    told = predicted.astype(str).replace(dict.fromkeys(ABSTENTIONS, UNASSIGNED))
    entry.types = {str(name): int(cells) for name, cells in told.value_counts().items()}
    entry.training = read_table(directory / "training.tsv")
    metrics = json.loads((directory / "metrics.json").read_text(encoding="utf-8"))
    entry.numbers["n_clusters"] = int(metrics["n_clusters"])
    entry.numbers |= _known({key: metrics["unsupervised"].get(key) for key in WITHOUT_LABELS})
    labels = metrics["labels"] or {}
    for method, prefix in (("siamese", ""), ("leiden", "leiden_")):
        scores = labels.get(method) or {}
        entry.numbers |= _known({prefix + key: scores.get(key) for key in SCORES})
    if labels:
        entry.numbers["n_labelled"] = int(labels["n_labelled"])


def common_types(entries: Sequence[Entry], most: int) -> list[str]:
    """The cell types of the cohort that get a colour, the most frequent first.

    Each sample counts the same, whatever its size; without abstentions, and at most ``most``.
    """
    shares: dict[str, float] = {}
    for entry in entries:
        whole = sum(entry.types.values())
        for name, cells in entry.types.items():
            if name != UNASSIGNED:
                shares[name] = shares.get(name, 0.0) + cells / whole
    return sorted(shares, key=lambda name: (-shares[name], name))[:most]


def _known(values: dict[str, Any]) -> dict[str, float]:
    """Without what is None or not a number."""
    return {key: value for key, value in values.items() if value is not None and value == value}
