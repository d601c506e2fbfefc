"""Status and numbers of each sample and cohort, for the page of all samples and tables."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from scsiameseclu.annotation.cell_types import ABSTENTIONS, UNASSIGNED
from scsiameseclu.errors import UserError
from scsiameseclu.genes.gene_classes import SPIKE_INS
from scsiameseclu.report.finished_sample import read_table, without_failed
from scsiameseclu.store.files import read_parts
from scsiameseclu.store.folder import SampleFolder
from scsiameseclu.store.manifest import COHORT, FAILURE, REFERENCE

SCORES = ("ari", "nmi", "acc", "macro_f1")
NOT_REACHED = "not reached; the same command continues"
"""Reason of samples of which no stage has failed."""
WITHOUT_LABELS = ("mean_confidence", "silhouette", "graph_purity")


@dataclass
class Entry:
    """One sample or cohort: ``status`` OK, WARN or FAIL, its stages and reasons, and its numbers.

    ``numbers`` holds known values only; ``funnel`` is (step, remaining cells); ``sizes`` counts the
    cells per cluster, ``types`` those per predicted cell type (abstentions count as Unassigned);
    ``training`` is the training history, or None.
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
        """The reasons in one line."""
        return " ".join(" ".join(sentence.split()) for sentence in self.reasons)


def read_entries(
    results: Path, samples: Sequence[str], features: Collection[str] = ()
) -> list[Entry]:
    """The entries of ``samples``, in order; a sample without any file has failed.

    ``features`` are those of the run, see :data:`scsiameseclu.store.manifest.FEATURES`.
    """
    logs = results / "logs"
    return [
        _entry(SampleFolder(results / "samples" / sample, sample, features), logs / sample)
        for sample in samples
    ]


def read_cohorts(
    results: Path, cohorts: Sequence[str], features: Collection[str] = ()
) -> list[Entry]:
    """The entries of ``cohorts``, in order, like those of samples."""
    folders = [SampleFolder(results / "cohorts" / name, name, features) for name in cohorts]
    return [_entry(folder, results / "logs" / "cohorts" / folder.sample) for folder in folders]


def _entry(folder: SampleFolder, logs: Path) -> Entry:
    entry = Entry(folder.sample)
    try:
        _read_status(entry, folder, logs)
        _read_quality(entry, folder)
        if entry.status != "FAIL":
            _read_clusters(entry, folder)
    except UserError as error:
        entry.status, entry.reasons = "FAIL", [str(error)]
    return entry


def _read_status(entry: Entry, folder: SampleFolder, logs: Path) -> None:
    """FAIL after a failure note or with a missing file; WARN with any warning."""
    missing = folder.missing()
    if failure := folder.failure():
        entry.status, entry.stage = "FAIL", failure["stage"]
        entry.reasons = [failure["reason"]]
    elif missing:
        annotated = "annotate" not in missing
        why = _unfinished(folder, missing[0], logs)
        entry.status = "FAIL"
        entry.stage, *entry.reasons = why if annotated else _failed_reference(folder) or why
    elif outdated := _failed_reference(folder) or _lost_member(folder):
        entry.status, (entry.stage, *entry.reasons) = "FAIL", outdated
    elif warnings := [*folder.warnings(), *without_failed(folder.json("metrics"))]:
        entry.status = "WARN"
        entry.stage = ", ".join(dict.fromkeys(stage for stage, _ in warnings))
        entry.reasons = [f"{sentence.rstrip('.')}." for _, sentence in warnings]


def _failed_reference(folder: SampleFolder) -> tuple[str, str] | None:
    """The stage reference and why it failed, if the sample is annotated by it."""
    path = folder.directory.parent.parent / "reference" / FAILURE
    if REFERENCE not in folder.features or not path.is_file():
        return None
    return "reference", str(json.loads(path.read_text(encoding="utf-8"))["reason"])


def _lost_member(folder: SampleFolder) -> tuple[str, str] | None:
    """Why a cohort is of an earlier run: a sample that it contains has failed since."""
    if COHORT not in folder.features:
        return None
    samples = folder.directory.parent.parent / "samples"
    for name in map(str, folder.obs("counts", ["sample"])["sample"].cat.categories):
        member = SampleFolder(samples / name, name)
        if not (member.has("counts") and member.has("filtered")):
            return "join", (
                f"sample {name} has failed since the cohort was analysed; mend it, and run the "
                "same command again"
            )
    return None


def _unfinished(folder: SampleFolder, missing: str, logs: Path) -> tuple[str, str]:
    """The stage that has not finished, and why, if no failure was recorded."""
    if note := folder.running():
        asked = f" (asked for {note['asked_mb']:,} MB)" if note["asked_mb"] else ""
        times = f", at attempt {note['attempt']}" if note["attempt"] > 1 else ""
        return note["stage"], (
            f"killed{times}, most often by the system for lack of memory{asked}, or by a cancelled "
            "run; the same command continues"
        )
    log = logs / f"{missing}.log"
    if not log.is_file():
        return missing, NOT_REACHED
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    errors = [line.removeprefix("error: ") for line in lines if line.startswith("error: ")]
    errors = [error.removeprefix(f"sample {folder.sample}: ") for error in errors]
    return missing, errors[-1] if errors else f"not finished; see {log}"


def _read_quality(entry: Entry, folder: SampleFolder) -> None:
    """Cells and genes before and after quality control, if the sample reached it."""
    if not folder.path("filtered").is_file():
        return
    _read_capture(entry, folder)
    parts = read_parts(folder.path("filtered"), ["obs", "uns/quality"])
    quality, cells = parts["uns/quality"], parts["obs"]
    steps = zip(quality["funnel"]["step"], quality["funnel"]["cells"], strict=True)
    entry.funnel = [(str(step), int(remaining)) for step, remaining in steps]
    entry.numbers |= {
        "cells_in": entry.funnel[0][1],
        "cells_kept": entry.funnel[-1][1],
        "genes_in": int(quality["genes_before"]),
        "genes_kept": int(quality["genes_after"]),
    }
    for column in ("total_counts", "n_genes", "pct_mito", "pct_ribo", "pct_hb", SPIKE_INS):
        known = cells[column].dropna() if column in cells else pd.Series(dtype=float)
        if len(known):
            entry.numbers[f"median_{column}".replace("pct_counts", "pct")] = float(known.median())
    if (phases := cells["phase"].dropna()).size:
        entry.numbers["pct_cycling"] = 100 * float(phases.isin(["S", "G2M"]).mean())
    called = cells["predicted_doublet"]
    if called.isin(["yes", "no"]).any():
        entry.numbers["doublets"] = int((called == "yes").sum())


def _read_capture(entry: Entry, folder: SampleFolder) -> None:
    """Barcodes and called cells, and cells without exactly one hashtag, where there are such."""
    if not folder.path("counts").is_file():
        return
    parts = read_parts(folder.path("counts"), ["uns/droplets", "uns/hashtags"])
    if droplets := parts.get("uns/droplets"):
        entry.numbers["barcodes"] = int(droplets["n_barcodes"])
        entry.numbers["cells_called"] = int(droplets["n_called"])
    if hashtags := parts.get("uns/hashtags"):
        cells = dict(zip(map(str, hashtags["name"]), hashtags["n_cells"], strict=True))
        entry.numbers["hashtag_doublets"] = int(cells["Doublet"])
        entry.numbers["hashtag_negative"] = int(cells["Negative"])


def _read_clusters(entry: Entry, folder: SampleFolder) -> None:
    """Clusters, scores and training history of a finished sample."""
    entry.sizes = [int(size) for size in folder.uns("clusters", "siamese")["sizes"]]
    predicted = folder.obs("annotation")["cell_type_predicted"].astype(str)
    types = predicted.replace(dict.fromkeys(ABSTENTIONS, UNASSIGNED))
    entry.types = {str(name): int(cells) for name, cells in types.value_counts().items()}
    entry.training = read_table(folder, "training")
    doublets = folder.uns("annotation", "annotation").get("doublet_of", {})
    if doublets:
        entry.numbers["doublet_clusters"] = len(doublets)
    if folder.has("ambient"):
        mean = 100 * float(folder.uns("ambient", "ambient")["mean"])
        entry.numbers |= _known({"pct_ambient": mean})
    metrics = folder.json("metrics")
    entry.numbers["n_clusters"] = int(metrics["n_clusters"])
    entry.numbers |= _known({key: metrics["unsupervised"][key] for key in WITHOUT_LABELS})
    if COHORT in folder.features:
        entry.numbers["n_samples"] = int(folder.obs("counts", ["sample"])["sample"].nunique())
        overall = {f"mixing_{when}": of["overall"] for when, of in metrics["mixing"].items()}
        entry.numbers |= _known(overall)
    labels = metrics["labels"]
    if labels is None:
        return
    entry.numbers["n_labelled"] = int(labels["n_labelled"])
    for method, prefix in (("siamese", ""), ("leiden", "leiden_")):
        if (scores := labels[method]) is not None:
            entry.numbers |= _known({prefix + key: scores[key] for key in SCORES})


def common_types(entries: Sequence[Entry], most: int) -> list[str]:
    """The most frequent cell types of the cohort, at most ``most``, without abstentions.

    Frequency is the mean share over samples, so that each sample has the same weight.
    """
    shares: dict[str, float] = {}
    for entry in entries:
        whole = sum(entry.types.values())
        for name, cells in entry.types.items():
            if name != UNASSIGNED:
                shares[name] = shares.get(name, 0.0) + cells / whole
    return sorted(shares, key=lambda name: (-shares[name], name))[:most]


def _known(values: dict[str, Any]) -> dict[str, float]:
    """The values that are neither None nor NaN."""
    return {key: value for key, value in values.items() if value is not None and value == value}
