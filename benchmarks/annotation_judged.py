"""Labelled cells, their partitions, and how predicted cell types compare with the labels.

Labels are read to score only. ``annotation_labels.tsv`` gives the type in the tree of each
published label.
"""

from collections.abc import Iterator
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc

HERE = Path(__file__).resolve().parent
LABELS = HERE / "annotation_labels.tsv"
RESOLUTIONS = (0.6, 1.0, 1.8)
OURS = "scSiameseClu"
MIN_RANDOM, MAX_PARTS, REPEATS = 60, 6, 2
"""Cells of a label that is split at random, the largest number of parts, and how often."""


def label_table() -> pd.DataFrame:
    """The committed types of labels: columns set, column, label and cell_type."""
    return pd.read_csv(LABELS, sep="\t")


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
    rows = label_table().query("set == @name and column == @column")
    types = (
        cells.obs[column]
        .astype(object)
        .map(dict(zip(rows["label"], rows["cell_type"], strict=True)))
    )
    unknown = cells.obs[column].notna() & types.isna()
    if unknown.any():
        raise ValueError(f"{name}: no type for {sorted(set(cells.obs[column][unknown]))}")
    return types


def categories(labels: np.ndarray, cells: ad.AnnData) -> pd.Series:
    """Clusters as the annotation takes them."""
    return pd.Series(pd.Categorical(labels), index=cells.obs_names)


def partitions(
    cells: ad.AnnData, name: str, cache: Path, seeds: int
) -> Iterator[tuple[str, int, np.ndarray]]:
    """Clusters of each cell: source, seed (or position of the resolution), labels."""
    for seed in range(seeds):
        path = cache / f"{name}-ours-{seed}.npz"
        if not path.is_file():
            raise SystemExit(f"{path} does not exist; run benchmarks/accuracy.py on {name} first")
        saved = np.load(path)["unknown"].astype(str)
        if len(saved) != cells.n_obs:
            raise SystemExit(f"{path} has {len(saved)} cells, the data set {cells.n_obs}")
        yield OURS, seed, saved
    for number, resolution in enumerate(RESOLUTIONS):
        sc.tl.leiden(cells, resolution=resolution, random_state=0, flavor="igraph", n_iterations=2)
        yield f"Leiden {resolution}", number, cells.obs["leiden"].astype(str).to_numpy()


def random_parts(
    cells: ad.AnnData, labels: pd.Series
) -> Iterator[tuple[str, int, ad.AnnData, np.ndarray]]:
    """Cells of one label in random clusters: label, repeat, cells, clusters."""
    rng = np.random.default_rng(0)
    for label, count in labels.value_counts().items():
        if count < MIN_RANDOM:
            continue
        part = cells[(labels == label).to_numpy()].copy()
        for repeat in range(REPEATS):
            names = rng.integers(0, rng.integers(2, MAX_PARTS + 1), part.n_obs).astype(str)
            yield str(label), repeat, part, names


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


def best_possible(clusters: np.ndarray, labels: pd.Series) -> float:
    """The largest share of cells that any choice of one type per cluster makes right."""
    known = labels.notna().to_numpy()
    counts = pd.crosstab(clusters[known], labels[known].to_numpy())
    types = counts.columns
    right = np.array([[judge(name, label)[0] for name in types] for label in types], dtype=float)
    return float((counts.to_numpy() @ right).max(axis=1).sum() / known.sum())
