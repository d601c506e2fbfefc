"""Custom content for MultiQC: the cohort's numbers as its tables and plots.

MultiQC puts text into its page as it comes, so everything that a user may have written is escaped
here. The files are named on purpose; MultiQC would not find them by their content.
"""

from collections.abc import Sequence
from html import escape
from itertools import pairwise
from pathlib import Path
from typing import Any

import yaml

from scsiameseclu.annotation.cell_types import UNASSIGNED
from scsiameseclu.palette import ABSENT, CATEGORIES
from scsiameseclu.report.cohort_figures import OTHER, OTHER_INK
from scsiameseclu.report.cohort_samples import Entry, common_types
from scsiameseclu.store.atomic import write_json, write_text

CONFIG = "multiqc_config.yaml"
KEPT, LOST = CATEGORIES[0], CATEGORIES[1:]
POINTS = 200
# key: (title, description, more of MultiQC's column settings)
COLUMNS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "cells_in": ("Cells read", "Cells in the user's file", {"format": "{:,.0f}"}),
    "cells_kept": ("Cells kept", "Cells that passed quality control", {"format": "{:,.0f}"}),
    "genes_in": ("Genes read", "Genes in the user's file", {"format": "{:,.0f}", "hidden": True}),
    "genes_kept": ("Genes kept", "Genes found in enough kept cells", {"format": "{:,.0f}"}),
    "median_total_counts": ("Counts", "Median counts of the kept cells", {"format": "{:,.0f}"}),
    "median_n_genes": ("Genes", "Median detected genes of the kept cells", {"format": "{:,.0f}"}),
    "median_pct_mito": ("Mito", "Median mitochondrial share", {"suffix": "%", "scale": "Reds"}),
    "doublets": ("Doublets", "Kept cells called doublets", {"format": "{:,.0f}", "scale": "Reds"}),
    "n_clusters": ("Clusters", "Number of clusters", {"format": "{:,.0f}"}),
    "mean_confidence": ("Confidence", "Mean confidence of the cells", {"max": 1, "min": 0}),
    "silhouette": ("Silhouette", "In the embedding, -1 to 1", {"max": 1, "min": -1}),
    "graph_purity": ("Graph purity", "Neighbours in the same cluster", {"max": 1, "min": 0}),
    "ari": ("ARI", "Adjusted Rand index with the labels", {"max": 1, "min": 0}),
    "nmi": ("NMI", "Normalised mutual information with the labels", {"max": 1, "min": 0}),
    "acc": ("ACC", "Accuracy after the best matching", {"max": 1, "min": 0}),
    "macro_f1": ("Macro-F1", "Mean F1 of the labels", {"max": 1, "min": 0}),
    "leiden_ari": ("Leiden ARI", "The same for Leiden at resolution 1.0", {"max": 1, "min": 0}),
    "n_labelled": ("Labelled", "Cells with a label", {"format": "{:,.0f}", "hidden": True}),
}
QUALITY = tuple(COLUMNS)[:8]
SCORES = tuple(COLUMNS)[8:]


def write_multiqc(entries: Sequence[Entry], folder: Path) -> None:
    """Write ``*_mqc.json`` and ``multiqc_config.yaml`` into ``folder``; older ones go."""
    content = {
        "general": _general(entries),
        "status": _status(entries),
        "quality": _table(entries, "quality", "Quality control", QUALITY),
        "cells": _cells(entries),
        "metrics": _table(entries, "metrics", "Clusters and their scores", SCORES),
        "clusters": _sizes(entries),
        "types": _types(entries),
        "training": _training(entries),
    }
    # MultiQC shows the sections in the order of the files' names.
    files = {
        f"{place}_{name}_mqc.json": part
        for place, (name, part) in enumerate(content.items())
        if part["data"]
    }
    for old in folder.glob("*_mqc.*"):
        if old.name not in files:
            old.unlink()
    for name, part in files.items():
        write_json(folder / name, part, sort_keys=False)  # cluster 10 does not follow cluster 1
    write_text(folder / CONFIG, _config())


def _config() -> str:
    return yaml.safe_dump(
        {
            "title": "scSiameseClu",
            "intro_text": "The samples side by side; index.html leads to each sample's own page.",
            "no_version_check": True,
            "no_ai": True,
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
    found = {e.sample: {key: e.numbers[key] for key in keys if key in e.numbers} for e in entries}
    return {sample: numbers for sample, numbers in found.items() if numbers}


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
    line = "OK is finished, WARN finished with something to look at, FAIL not finished."
    look = {"id": "scsiameseclu_status_table", "title": "Status of the samples", "no_violin": True}
    return _section("status", "Status", line, "table", headers=headers, data=rows, pconfig=look)


def _words(text: str) -> str:
    """Text of a table: escaped, and with commas that MultiQC does not take for thousands."""
    return escape(text).replace(",", "&#44;")


def _table(entries: Sequence[Entry], name: str, title: str, keys: Sequence[str]) -> dict[str, Any]:
    data = _numbers(entries, keys)
    known = [key for key in keys if any(key in numbers for numbers in data.values())]
    line = "One row a sample; medians are of the kept cells." if name == "quality" else (
        "ARI, NMI, ACC and macro-F1 are there for samples with labels."
    )  # fmt: skip
    look = {"id": f"scsiameseclu_{name}_table", "title": title, "no_violin": True}
    return _section(name, title, line, "table", headers=_headers(known), data=data, pconfig=look)


def _cells(entries: Sequence[Entry]) -> dict[str, Any]:
    """Kept cells and those lost at each step; together the cells that were read."""
    data: dict[str, dict[str, int]] = {}
    steps: dict[str, None] = {}
    for entry in entries:
        for (_, before), (step, left) in pairwise(entry.funnel):
            steps[step] = None
            data.setdefault(entry.sample, {"kept": entry.funnel[-1][1]})[step] = before - left
    categories = {"kept": {"name": "kept", "color": KEPT}}
    for place, step in enumerate(steps):
        name = f"removed: {escape(step)}"
        categories[step] = {"name": name, "color": LOST[place % len(LOST)]}
    line = "What quality control kept, and what each step removed."
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
    line = "Cells in each cluster, largest first; clusters of two samples do not correspond."
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
            own = data.setdefault(entry.sample, {})
            own[known] = own.get(known, 0) + cells
    categories[OTHER] = {"name": OTHER, "color": OTHER_INK}
    categories[UNASSIGNED] = {"name": UNASSIGNED, "color": ABSENT}
    line = "Cells of each predicted type; clusters that nothing fits well are Unassigned."
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
    line = "The loss while the networks learned, their mean; it should fall and level off."
    return _section("training", "Training", line, "linegraph", data=data, pconfig=look)
