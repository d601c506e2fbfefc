"""Predicted cell types compared with published labels, on clusters computed without them.

    python benchmarks/accuracy.py --data ../shared/data --methods ours --seeds 3 --sets pbmc3k \
        baron_mouse zheng_sorted_ref zilionis_mouse_lung darmanis_brain joost_epidermis
    python benchmarks/annotation.py --data ../shared/data --seeds 3

The first command computes the clusters of scSiameseClu (default settings), from which the second
takes those with their number unknown; both keep them in ``--cache``. Leiden at three resolutions
stands in for a second method. Each partition is annotated by the canonical markers, by cluster and
by cell.

A prediction is *right* if it is the type of the label (``annotation_labels.tsv``) or a subtype,
*partly right* if it is a wider type below the top level of the tree; Unassigned is wrong.

Besides, clusters are drawn at random from the cells of one label: whatever they are named, nothing
distinguishes them. Writes, beside the table ``annotation.md``, ``annotation.csv`` (shares of
cells), ``annotation-clusters.csv`` (the evidence for each cluster, from which
``annotation_confidence.py`` fits the confidence) and ``annotation-disagreements.csv`` (groups of
cells whose type by cell differs from the label, and which of the two their genes support).
"""

import argparse
import platform
import warnings
from datetime import date
from pathlib import Path

import anndata as ad
import annotation_judged as judged
import numpy as np
import pandas as pd
from annotation_disagreements import disagreements, disagreements_table

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"


def cluster_rows(
    described: dict, found: object, clusters: np.ndarray, labels: pd.Series
) -> list[dict]:
    """The evidence for each cluster, and how many of its labelled cells it names rightly."""
    from scsiameseclu.annotation.confidence import TERMS

    rows = []
    for row, evidence in zip(found.table.to_dict("records"), found.evidence, strict=True):
        inside = (clusters == row["cluster"]) & labels.notna().to_numpy()
        if not inside.any():
            continue
        answer = np.full(inside.sum(), row["cell_type"], dtype=object)
        scored = judged.shares(answer, labels[inside])
        rows.append(
            {
                **described,
                "cluster": row["cluster"],
                "n_cells": int(inside.sum()),
                "cell_type": row["cell_type"],
                "label": labels[inside].mode()[0],
                "right": scored["right"],
                "right_or_partly": scored["right_or_partly"],
                **dict(zip(TERMS, evidence, strict=True)),
            }
        )
    return rows


def annotate(cells: ad.AnnData, clusters: np.ndarray) -> object:
    """The annotation by canonical markers with default settings."""
    from scsiameseclu.annotation.by_markers import annotate_clusters
    from scsiameseclu.settings import AnnotationSettings

    return annotate_clusters(
        cells,
        judged.categories(clusters, cells),
        AnnotationSettings(),
        embedding=cells.obsm["X_pca"],
    )


def measure(data: Path, name: str, cache: Path, seeds: int) -> tuple[list[dict], ...]:
    """Rows of the three tables for one data set."""
    cells = judged.read(data, name)
    columns = list(judged.label_table().query("set == @name")["column"].unique())
    labels = {column: judged.mapped(cells, name, column) for column in columns}
    first = labels[columns[0]]
    results, evidence, differing = [], [], []
    for source, seed, clusters in judged.partitions(cells, name, cache, seeds):
        found = annotate(cells, clusters)
        named = dict(zip(found.table["cluster"], found.table["cell_type"], strict=True))
        answers = {
            "cluster": np.array([named[cluster] for cluster in clusters], dtype=object),
            "cell": found.cells["cell_type"].to_numpy(dtype=object),
        }
        described = {"set": name, "clusters": source, "seed": seed}
        for column, types in labels.items():
            best = {"cluster": judged.best_possible(clusters, types), "cell": 1.0}
            for by, answer in answers.items():
                row = {**described, "tissue": found.tissue, "column": column, "by": by}
                row |= {"n_clusters": len(found.table), **judged.shares(answer, types)}
                results.append(row | {"best_possible": best[by]})
        evidence += cluster_rows(described, found, clusters, first)
        if (source, seed) == (judged.OURS, 0):
            differing = disagreements(cells, name, first, answers["cell"], found.organism)
    return results, evidence + random_rows(cells, name, first), differing


def random_rows(cells: ad.AnnData, name: str, labels: pd.Series) -> list[dict]:
    """The evidence for random parts of the cells of one label, none of which is right."""
    rows = []
    for _, repeat, part, clusters in judged.random_parts(cells, labels):
        described = {"set": name, "clusters": "random", "seed": repeat}
        given = cluster_rows(described, annotate(part, clusters), clusters, labels[part.obs_names])
        rows += [row | {"right": 0.0, "right_or_partly": 0.0} for row in given]
    return rows


def table(rows: pd.DataFrame) -> list[str]:
    """The committed table: means over the partitions of one source."""
    lines = [
        "# Annotation",
        "",
        "Share of the labelled cells whose type by the canonical markers agrees with the published "
        "label (mapped to the tree of types in `benchmarks/annotation_labels.tsv`). *Right*: the "
        "type of the label or a subtype. *Partly*: a wider type below the top level of the tree. "
        "*Best possible*: the largest share that any choice of one type per cluster makes right. "
        "Clusters: default settings with their number unknown, one partition per seed, or Leiden "
        "of 30 principal components; by cell, groups of similar cells in these components. Means "
        "over partitions.",
        "",
        "| set | labels | clusters | partitions | by | right | right or partly | best possible "
        "| Unassigned | tissue |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    rows = rows.assign(source=rows["clusters"].str.split(" ").str[0])
    shown = ["right", "right_or_partly", "best_possible", "unassigned"]
    for (name, column, source, by), group in rows.groupby(
        ["set", "column", "source", "by"], sort=False
    ):
        mean = group[shown].mean()
        best = f"{mean['best_possible']:.3f}" if by == "cluster" else ""
        lines.append(
            f"| {name} | {column} | {source} | {len(group)} | {by} | {mean['right']:.3f} "
            f"| {mean['right_or_partly']:.3f} | {best} | {mean['unassigned']:.1%} "
            f"| {', '.join(group['tissue'].unique())} |"
        )
    lines.append("")
    for by in ("cell", "cluster"):
        ours = rows[(rows["by"] == by) & (rows["clusters"] == judged.OURS)]
        overall = ours.groupby(["set", "column"])[shown].mean().groupby("set").mean().mean()
        best = f"; best possible {overall['best_possible']:.3f}" if by == "cluster" else ""
        lines.append(
            f"By {by}, mean over sets (scSiameseClu): right {overall['right']:.3f}, "
            f"right or partly right {overall['right_or_partly']:.3f}{best}."
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the h5ad files")
    parser.add_argument(
        "--cache", type=Path, default=HERE / "cache", help="partitions of accuracy.py"
    )
    parser.add_argument("--seeds", type=int, default=3, help="number of partitions per set")
    parser.add_argument("--sets", nargs="*", default=None)
    parser.add_argument("--output", type=Path, default=RESULTS / "annotation.csv")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    every = list(judged.label_table()["set"].unique())
    parts: dict[str, list[dict]] = {"": [], "-clusters": [], "-disagreements": []}
    for name in arguments.sets or every:
        of_set = measure(arguments.data, name, arguments.cache, arguments.seeds)
        for rows, more in zip(parts.values(), of_set, strict=True):
            rows += more
        print(name, flush=True)
    for suffix, rows in parts.items():
        path = arguments.output.with_stem(arguments.output.stem + suffix)
        pd.DataFrame(rows).round(4).to_csv(path, index=False)
    lines = table(pd.DataFrame(parts[""]))
    lines += disagreements_table(pd.DataFrame(parts["-disagreements"]))
    lines += [
        "",
        f"Machine: {platform.machine()}. Date: {date.today()}.",
    ]
    arguments.output.with_suffix(".md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
