"""Predicted cell types compared with published labels, on clusters computed without them.

    python benchmarks/annotation.py --data ../shared/data [--cache benchmarks/cache]

Clusters are saved partitions of scSiameseClu (number of clusters unknown, default settings; made by
``accuracy.py``) where the cache has them, and Leiden at three resolutions, which stand in for a
second method. Each partition is annotated by the canonical markers, by cluster and by cell.

``annotation_labels.tsv`` gives the type in the tree of each published label. A prediction is
*right* if it is that type or a subtype, *partly right* if it is a wider type below the top level of
the tree; Unassigned is wrong. Labels are read to score only.

Besides, clusters are drawn at random from the cells of one label: whatever they are named, nothing
distinguishes them. Writes ``annotation.csv`` (shares of cells) and ``annotation-clusters.csv`` (the
evidence for each cluster, from which ``annotation_confidence.py`` fits the confidence).
"""

import argparse
import platform
import warnings
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
LABELS = HERE / "annotation_labels.tsv"
RESOLUTIONS = (0.6, 1.0, 1.8)
MIN_RANDOM, MAX_PARTS = 60, 6
"""Cells of a label that is split at random, and the largest number of parts."""


def judge(predicted: str, label: str) -> tuple[bool, bool]:
    """Whether a prediction is right, and whether it is right or partly right."""
    from scsiameseclu.annotation.cell_types import ABSTENTIONS, vocabulary

    if predicted in ABSTENTIONS:
        return False, False
    known = vocabulary()
    named, true = known.lineage(predicted), known.lineage(label)
    right = true[0] in named
    return right, right or (named[0] in true and len(named) > 1)


def shares(predicted: np.ndarray, labels: pd.Series) -> dict[str, float]:
    """Shares of the labelled cells."""
    known = labels.notna().to_numpy()
    pairs = pd.DataFrame({"predicted": predicted[known], "label": labels[known].to_numpy()})
    counts = pairs.value_counts()
    judged = np.array([judge(*names) for names in counts.index], dtype=float)
    right, partly = counts.to_numpy() @ judged / counts.sum()
    none = float((pairs["predicted"] == "Unassigned").mean())
    return {"n_cells": len(pairs), "right": right, "right_or_partly": partly, "unassigned": none}


def partitions(cells: ad.AnnData, name: str, cache: Path) -> Iterator[tuple[str, int, np.ndarray]]:
    """Clusters of each cell: source, seed (or position of the resolution), labels."""
    for path in sorted(cache.glob(f"{name}-ours-*.npz")):
        saved = np.load(path)["unknown"].astype(str)
        if len(saved) == cells.n_obs:
            yield "scSiameseClu", int(path.stem.rsplit("-", 1)[1]), saved
    for number, resolution in enumerate(RESOLUTIONS):
        sc.tl.leiden(cells, resolution=resolution, random_state=0, flavor="igraph", n_iterations=2)
        yield f"Leiden {resolution}", number, cells.obs["leiden"].astype(str).to_numpy()


def read(data: Path, name: str) -> ad.AnnData:
    """Log-normalised cells with principal components and neighbours."""
    given = ad.read_h5ad(data / f"{name}.h5ad")
    given.var_names_make_unique()
    cells = ad.AnnData(given.X, obs=given.obs, var=given.var[[]])
    sc.pp.normalize_total(cells)
    sc.pp.log1p(cells)
    sc.pp.highly_variable_genes(cells, n_top_genes=2000)
    sc.pp.pca(cells, n_comps=30, random_state=0)
    sc.pp.neighbors(cells, random_state=0)
    return cells


def mapped(cells: ad.AnnData, name: str, column: str) -> pd.Series:
    """The type in the tree of each cell's label."""
    table = pd.read_csv(LABELS, sep="\t")
    rows = table[(table["set"] == name) & (table["column"] == column)]
    types = (
        cells.obs[column]
        .astype(object)
        .map(dict(zip(rows["label"], rows["cell_type"], strict=True)))
    )
    unknown = cells.obs[column].notna() & types.isna()
    if unknown.any():
        raise ValueError(f"{name}: no type for {sorted(set(cells.obs[column][unknown]))}")
    return types


def cluster_rows(
    name: str, source: str, seed: int, found: object, clusters: pd.Series, labels: pd.Series
) -> list[dict]:
    """The evidence for each cluster, and how many of its labelled cells it names rightly."""
    from scsiameseclu.annotation.confidence import TERMS

    rows = []
    for row, evidence in zip(found.table.to_dict("records"), found.evidence, strict=True):
        inside = (clusters.astype(str) == row["cluster"]).to_numpy() & labels.notna().to_numpy()
        if not inside.any():
            continue
        judged = shares(np.full(inside.sum(), row["cell_type"], dtype=object), labels[inside])
        rows.append(
            {
                "set": name,
                "clusters": source,
                "seed": seed,
                "cluster": row["cluster"],
                "n_cells": int(inside.sum()),
                "cell_type": row["cell_type"],
                "label": labels[inside].mode()[0],
                "right": judged["right"],
                "right_or_partly": judged["right_or_partly"],
                **dict(zip(TERMS, evidence, strict=True)),
            }
        )
    return rows


def annotate(cells: ad.AnnData, clusters: pd.Series, embedding: np.ndarray | None = None) -> object:
    """The annotation by canonical markers with default settings."""
    from scsiameseclu.annotation.by_markers import annotate_clusters
    from scsiameseclu.settings import AnnotationSettings

    return annotate_clusters(cells, clusters, AnnotationSettings(), embedding=embedding)


def measure(data: Path, name: str, cache: Path) -> tuple[list[dict], list[dict]]:
    """Rows of the two tables for one data set."""
    cells = read(data, name)
    columns = list(pd.read_csv(LABELS, sep="\t").query("set == @name")["column"].unique())
    labels = {column: mapped(cells, name, column) for column in columns}
    results, evidence = [], []
    for source, seed, partition in partitions(cells, name, cache):
        clusters = pd.Series(pd.Categorical(partition), index=cells.obs_names)
        found = annotate(cells, clusters, cells.obsm["X_pca"])
        of_cluster = dict(zip(found.table["cluster"], found.table["cell_type"], strict=True))
        answers = {
            "cluster": np.array([of_cluster[c] for c in partition], dtype=object),
            "cell": found.cells["cell_type"].to_numpy(dtype=object),
        }
        described = {"set": name, "clusters": source, "seed": seed, "tissue": found.tissue}
        for column, types in labels.items():
            for by, answer in answers.items():
                row = {**described, "column": column, "by": by, "n_clusters": len(found.table)}
                results.append(row | shares(answer, types))
        evidence += cluster_rows(name, source, seed, found, clusters, labels[columns[0]])
    return results, evidence + random_rows(cells, name, labels[columns[0]])


def random_rows(cells: ad.AnnData, name: str, labels: pd.Series) -> list[dict]:
    """The evidence for random parts of the cells of one label, none of which is right."""
    rng = np.random.default_rng(0)
    rows = []
    for label, count in labels.value_counts().items():
        if count < MIN_RANDOM:
            continue
        part = cells[(labels == label).to_numpy()].copy()
        for repeat in range(2):
            names = rng.integers(0, rng.integers(2, MAX_PARTS + 1), part.n_obs).astype(str)
            clusters = pd.Series(pd.Categorical(names), index=part.obs_names)
            found = annotate(part, clusters)
            rows += [
                row | {"label": label, "right": 0.0, "right_or_partly": 0.0}
                for row in cluster_rows(
                    name, "random", repeat, found, clusters, labels[part.obs_names]
                )
            ]
    return rows


def table(rows: pd.DataFrame) -> str:
    """The committed table: means over partitions of one source."""
    lines = [
        "# Annotation",
        "",
        "Share of the labelled cells whose type by the canonical markers agrees with the published "
        "label (mapped to the tree of types in `benchmarks/annotation_labels.tsv`). *Right*: the "
        "type of the label or a subtype. *Partly*: a wider type below the top level of the tree. "
        "Clusters: default settings with their number unknown (saved partitions of the accuracy "
        "benchmark), or Leiden of 30 principal components; by cell, groups of similar cells in "
        "these components. Means over partitions.",
        "",
        "| set | labels | clusters | partitions | by | right | right or partly | Unassigned "
        "| tissue |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    rows = rows.assign(source=rows["clusters"].str.split(" ").str[0])
    keys = ["set", "column", "source", "by"]
    for (name, column, source, by), group in rows.groupby(keys, sort=False):
        mean = group[["right", "right_or_partly", "unassigned"]].mean()
        lines.append(
            f"| {name} | {column} | {source} | {len(group)} | {by} | {mean['right']:.3f} "
            f"| {mean['right_or_partly']:.3f} | {mean['unassigned']:.1%} "
            f"| {', '.join(group['tissue'].unique())} |"
        )
    means = rows[rows["by"] == "cell"].groupby(["set", "column"])[["right", "right_or_partly"]]
    overall = means.mean().groupby("set").mean().mean()
    lines += [
        "",
        f"By cell, mean over sets: right {overall['right']:.3f}, right or partly right "
        f"{overall['right_or_partly']:.3f}.",
        "",
        f"Machine: {platform.machine()}. Date: {date.today()}.",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, default=HERE / "cache")
    parser.add_argument("--sets", nargs="*", default=None)
    parser.add_argument("--output", type=Path, default=RESULTS / "annotation.csv")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    every = list(pd.read_csv(LABELS, sep="\t")["set"].unique())
    results, evidence = [], []
    for name in arguments.sets or every:
        of_set = measure(arguments.data, name, arguments.cache)
        results += of_set[0]
        evidence += of_set[1]
        print(name, flush=True)
    rows = pd.DataFrame(results)
    rows.round(4).to_csv(arguments.output, index=False)
    clusters = arguments.output.with_name(arguments.output.stem + "-clusters.csv")
    pd.DataFrame(evidence).round(4).to_csv(clusters, index=False)
    arguments.output.with_suffix(".md").write_text(table(rows))
    print(table(rows))


if __name__ == "__main__":
    main()
