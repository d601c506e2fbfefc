"""Custom content for MultiQC: tables and plots of the cohort.

MultiQC inserts text without escaping it, so all text that may come from a user is escaped here.
MultiQC finds the files by their ``_mqc.json`` suffix.
"""

from collections.abc import Sequence
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from scsiameseclu.annotation.cell_types import UNASSIGNED
from scsiameseclu.palette import ABSENT, CATEGORIES
from scsiameseclu.report.cohort_figures import OTHER, OTHER_INK
from scsiameseclu.report.cohort_samples import Entry, common_types
from scsiameseclu.store.atomic import write_json, write_text

CONFIG = "multiqc_config.yaml"
KEPT, LOST = CATEGORIES[0], CATEGORIES[1:]
POINTS = 200
# key: (title, description, further column settings of MultiQC)
QUALITY: dict[str, tuple[str, str, dict[str, Any]]] = {
    "barcodes": ("Barcodes", "Barcodes of the raw matrix", {"format": "{:,.0f}"}),
    "cells_called": ("Called", "Barcodes called cells", {"format": "{:,.0f}"}),
    "hashtag_doublets": (
        "Hashtag doublets",
        "Cells with several hashtags",
        {"format": "{:,.0f}", "scale": "Reds"},
    ),
    "hashtag_negative": (
        "No hashtag",
        "Cells without a hashtag",
        {"format": "{:,.0f}", "scale": "Reds"},
    ),
    "cells_in": ("Input cells", "Cells in the input file", {"format": "{:,.0f}"}),
    "cells_kept": ("Kept cells", "Cells that passed quality control", {"format": "{:,.0f}"}),
    "genes_in": ("Input genes", "Genes in the input file", {"format": "{:,.0f}", "hidden": True}),
    "genes_kept": ("Kept genes", "Genes detected in enough kept cells", {"format": "{:,.0f}"}),
    "median_total_counts": ("Counts", "Median counts of the kept cells", {"format": "{:,.0f}"}),
    "median_n_genes": ("Genes", "Median detected genes of the kept cells", {"format": "{:,.0f}"}),
    "median_pct_mito": (
        "Mito",
        "Median mitochondrial percentage of the kept cells",
        {"suffix": "%", "scale": "Reds"},
    ),
    "median_pct_ribo": (
        "Ribo",
        "Median ribosomal percentage of the kept cells",
        {"suffix": "%", "scale": "Purples"},
    ),
    "median_pct_hb": (
        "Hb",
        "Median haemoglobin percentage of the kept cells",
        {"suffix": "%", "scale": "Reds"},
    ),
    "median_pct_spike_in": (
        "Spike-ins",
        "Median percentage of spike-ins in the kept cells",
        {"suffix": "%", "scale": "Oranges"},
    ),
    "pct_cycling": (
        "Cycling",
        "Percentage of the kept cells in S phase or G2/M",
        {"suffix": "%", "scale": "Greens"},
    ),
    "doublets": (
        "Doublets",
        "Kept cells predicted to be doublets",
        {"format": "{:,.0f}", "scale": "Reds"},
    ),
    "pct_ambient": (
        "Ambient",
        "Mean percentage of the counts of a cell that is ambient RNA",
        {"suffix": "%", "scale": "Reds", "format": "{:,.1f}"},
    ),
}
SCORES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "n_clusters": ("Clusters", "Number of clusters", {"format": "{:,.0f}"}),
    "doublet_clusters": (
        "Doublet clusters",
        "Clusters that consist of doublets of two others",
        {"format": "{:,.0f}", "scale": "Reds"},
    ),
    "mean_confidence": (
        "Confidence",
        "Mean confidence of the cluster assignments",
        {"max": 1, "min": 0},
    ),
    "silhouette": (
        "Silhouette",
        "Mean silhouette width in the embedding, -1 to 1",
        {"max": 1, "min": -1},
    ),
    "graph_purity": (
        "Graph purity",
        "Share of graph neighbours in the same cluster",
        {"max": 1, "min": 0},
    ),
    "ari": ("ARI", "Adjusted Rand index with the labels", {"max": 1, "min": 0}),
    "nmi": ("NMI", "Normalised mutual information with the labels", {"max": 1, "min": 0}),
    "acc": (
        "ACC",
        "Accuracy after the optimal matching of clusters to labels",
        {"max": 1, "min": 0},
    ),
    "macro_f1": ("Macro-F1", "Mean F1 score over labels", {"max": 1, "min": 0}),
    "leiden_ari": (
        "Leiden ARI",
        "Adjusted Rand index of Leiden at resolution 1.0 with the labels",
        {"max": 1, "min": 0},
    ),
    "n_labelled": ("Labelled", "Cells with a label", {"format": "{:,.0f}", "hidden": True}),
}
COLUMNS = QUALITY | SCORES
JOINT = {
    "n_samples": "Samples",
    "cells_kept": "Cells",
    "n_clusters": "Clusters",
    "mean_confidence": "Confidence",
    "mixing_before": "Mixing before",
    "mixing_after": "Mixing after",
}
"""Columns of the table of cohorts."""


def write_multiqc(entries: Sequence[Entry], folder: Path, joint: Sequence[Entry] = ()) -> None:
    """Write ``*_mqc.json`` and ``multiqc_config.yaml`` into ``folder``; remove outdated files.

    ``joint`` are the cohorts.
    """
    content = {
        "general": _general(entries),
        "status": _status(entries),
        "quality": _table(entries, "quality", "Quality control", tuple(QUALITY)),
        "cells": _cells(entries),
        "metrics": _table(entries, "metrics", "Clusters and scores", tuple(SCORES)),
        "clusters": _sizes(entries),
        "types": _types(entries),
        "training": _training(entries),
        "cohorts": _cohorts(joint),
    }
    # MultiQC orders sections by file name.
    files = {
        f"{place}_{name}_mqc.json": part
        for place, (name, part) in enumerate(content.items())
        if part["data"]
    }
    for old in folder.glob("*_mqc.*"):
        if old.name not in files:
            old.unlink()
    for name, part in files.items():
        write_json(folder / name, part, sort_keys=False)  # else cluster 10 would follow cluster 1
    write_text(folder / CONFIG, _config())


def _config() -> str:
    return yaml.safe_dump(
        {
            "title": "scSiameseClu",
            "intro_text": "Comparison of all samples; index.html links to each report.",
            "no_version_check": True,
            "no_ai": True,
            "fn_clean_sample_names": False,  # names are shown as in the sample sheet
            "show_analysis_paths": False,
            "show_analysis_time": False,
        },
        sort_keys=True,
    )


def _section(name: str, title: str, line: str, plot: str, **more: Any) -> dict[str, Any]:
    identity = {"id": f"scsiameseclu_{name}", "section_name": title, "description": line}
    return {**identity, "plot_type": plot, **more}


def _headers(keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    return {
        key: {
            "title": COLUMNS[key][0],
            "description": COLUMNS[key][1],
            "placement": place,
            **({"format": "{:,.2f}", "scale": "Blues"} | COLUMNS[key][2]),
        }
        for place, key in enumerate(keys)
    }


def _numbers(entries: Sequence[Entry], keys: Sequence[str]) -> dict[str, dict[str, float]]:
    numbers = {e.sample: {key: e.numbers[key] for key in keys if key in e.numbers} for e in entries}
    return {sample: known for sample, known in numbers.items() if known}


def _general(entries: Sequence[Entry]) -> dict[str, Any]:
    keys = ("cells_kept", "median_n_genes", "n_clusters", "mean_confidence", "ari")
    return {
        "id": "scsiameseclu_general",
        "plot_type": "generalstats",
        "headers": _headers(keys),
        "data": _numbers(entries, keys),
    }


def _status(entries: Sequence[Entry]) -> dict[str, Any]:
    rows = {
        entry.sample: {
            "status": entry.status,
            "stage": _words(entry.stage),
            "reason": _words(entry.reason),
        }
        for entry in entries
    }
    marks = {"pass": "OK", "warn": "WARN", "fail": "FAIL"}
    rules = {mark: [{"s_eq": status}] for mark, status in marks.items()}
    headers = {
        "status": {
            "title": "Status",
            "placement": 0,
            "cond_formatting_rules": rules,
            "scale": False,
        },
        "stage": {"title": "Stage", "placement": 1, "scale": False},
        "reason": {"title": "Reason", "placement": 2, "scale": False},
    }
    line = "OK: finished; WARN: finished with warnings; FAIL: not finished."
    look = {"id": "scsiameseclu_status_table", "title": "Sample status", "no_violin": True}
    return _section("status", "Status", line, "table", headers=headers, data=rows, pconfig=look)


def _cohorts(entries: Sequence[Entry]) -> dict[str, Any]:
    """Table of the cohorts, which link to their pages."""
    rows = [
        f"<tr><td>{_linked(entry)}</td><td>{entry.status}</td>"
        + "".join(f"<td>{_shown(entry.numbers.get(key))}</td>" for key in JOINT)
        + f"<td>{escape(entry.reason)}</td></tr>"
        for entry in entries
    ]
    header = "".join(f"<th>{name}</th>" for name in ("Cohort", "Status", *JOINT.values(), "Reason"))
    html = f'<table class="table table-condensed"><tr>{header}</tr>{"".join(rows)}</table>'
    line = "Samples that were analysed together. Mixing: of batches, relative to chance."
    return _section("cohorts", "Cohorts", line, "html", data=html if entries else "")


def _linked(entry: Entry) -> str:
    if entry.status == "FAIL":
        return escape(entry.sample)
    return f'<a href="cohorts/{quote(entry.sample)}/report.html">{escape(entry.sample)}</a>'


def _shown(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,}" if isinstance(value, int) else f"{value:.2f}"


def _words(text: str) -> str:
    """Escaped text; commas too, since MultiQC would read them as thousands separators."""
    return escape(text).replace(",", "&#44;")


def _table(entries: Sequence[Entry], name: str, title: str, keys: Sequence[str]) -> dict[str, Any]:
    data = _numbers(entries, keys)
    known = [key for key in keys if any(key in numbers for numbers in data.values())]
    line = "One row per sample; medians over the kept cells." if name == "quality" else (
        "ARI, NMI, ACC and macro-F1 are computed for samples with labels."
    )  # fmt: skip
    look = {"id": f"scsiameseclu_{name}_table", "title": title, "no_violin": True}
    return _section(name, title, line, "table", headers=_headers(known), data=data, pconfig=look)


def _cells(entries: Sequence[Entry]) -> dict[str, Any]:
    """Kept cells and those removed at each step; they add up to the input cells."""
    data: dict[str, dict[str, int]] = {}
    steps: dict[str, None] = {}
    for entry in entries:
        for (_, before), (step, remaining) in pairwise(entry.funnel):
            steps[step] = None
            data.setdefault(entry.sample, {"kept": entry.funnel[-1][1]})[step] = before - remaining
    categories = {"kept": {"name": "kept", "color": KEPT}}
    for place, step in enumerate(steps):
        name = f"removed: {escape(step)}"
        categories[step] = {"name": name, "color": LOST[place % len(LOST)]}
    line = "Cells kept by quality control, and cells removed at each step."
    look = {"id": "scsiameseclu_cells_plot", "title": "Cells at each step", "ylab": "Cells"}
    return _section(
        "cells", "Cells at each step", line, "bargraph", data=data, categories=categories,
        pconfig=look,
    )  # fmt: skip


def _sizes(entries: Sequence[Entry]) -> dict[str, Any]:
    data = {
        entry.sample: {f"cluster {place}": size for place, size in enumerate(entry.sizes)}
        for entry in entries
        if entry.sizes
    }
    most = max((len(sizes) for sizes in data.values()), default=0)
    categories = {
        f"cluster {place}": {
            "name": f"cluster {place}",
            "color": CATEGORIES[place % len(CATEGORIES)],
        }
        for place in range(most)
    }
    line = "Cells per cluster, largest first. Cluster numbers are not comparable between samples."
    look = {"id": "scsiameseclu_clusters_plot", "title": "Cluster sizes", "ylab": "Cells"}
    return _section(
        "clusters", "Cluster sizes", line, "bargraph", data=data, categories=categories,
        pconfig=look,
    )  # fmt: skip


def _types(entries: Sequence[Entry]) -> dict[str, Any]:
    named = common_types(entries, len(CATEGORIES))
    categories = {
        name: {"name": escape(name), "color": CATEGORIES[place]} for place, name in enumerate(named)
    }
    data: dict[str, dict[str, int]] = {}
    for entry in entries:
        for name, cells in entry.types.items():
            known = name if name in categories or name == UNASSIGNED else OTHER
            counts = data.setdefault(entry.sample, {})
            counts[known] = counts.get(known, 0) + cells
    categories[OTHER] = {"name": OTHER, "color": OTHER_INK}
    categories[UNASSIGNED] = {"name": UNASSIGNED, "color": ABSENT}
    line = "Cells per predicted type. Unassigned: no type fits well enough, or sources contradict."
    look = {"id": "scsiameseclu_types_plot", "title": "Predicted cell types", "ylab": "Cells"}
    return _section(
        "types", "Cell types", line, "bargraph", data=data, categories=categories, pconfig=look
    )


def _training(entries: Sequence[Entry]) -> dict[str, Any]:
    data = {}
    for entry in entries:
        if entry.training is None or entry.training["loss"].isna().all():
            continue
        known = entry.training.dropna(subset=["loss"]).groupby("step")["loss"].mean()
        known = known.iloc[:: max(len(known) // POINTS, 1)]
        pairs = zip(known.index, known, strict=True)
        data[entry.sample] = [[int(step), float(loss)] for step, loss in pairs]
    look = {
        "id": "scsiameseclu_training_plot",
        "title": "Training loss",
        "xlab": "Step",
        "ylab": "Loss",
    }
    line = "Training loss, averaged over the networks; it should fall and level off."
    return _section("training", "Training", line, "linegraph", data=data, pconfig=look)
